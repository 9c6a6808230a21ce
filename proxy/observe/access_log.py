"""The access log: one line per exchange.

The event loop only appends a record to a list. A thread gathers what comes within 20 ms, encodes it
in one call and writes it, so that a slow disk or a full pipe never stops the loop; what cannot be
held is dropped and counted.
"""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from proxy.observe.metrics import WorkerMetrics

LogFormat = Literal["json", "text"]

GATHER = 0.02
"""Seconds that lines wait for company before they are written."""
CAPACITY = 65536
"""Records held while the writer waits for the disk; more are dropped."""
PIPE_BUF = 4096
"""What Linux writes to a pipe in one piece (pipe(7)): keeps the lines of several workers apart."""


class AccessRecord(msgspec.Struct, gc=False):
    """One exchange. The fields are the keys of the JSON line, in their order."""

    ts: str
    """When the request began: RFC 3339 in UTC, from `timestamp`."""
    method: str
    host: str
    path: str
    """As received, with the query."""
    protocol: str
    """"HTTP/1.1"."""
    status: int
    flags: str = ""
    """From errors.ProxyError.flag; "" when all went well."""
    reason: str = ""
    duration_ms: float = 0.0
    overhead_ms: float = 0.0
    upstream_ms: float | None = None
    bytes_in: int = 0
    """Of the body, as are `bytes_out`."""
    bytes_out: int = 0
    client: str = ""
    request_id: str = ""
    trace_id: str = ""
    generation: int = 0
    gateway: str = ""
    listener: str = ""
    route: str = ""
    rule: str = ""
    match: int | None = None
    backend: str = ""
    endpoint: str = ""
    retries: int = 0
    tls: str = ""
    user_agent: str = ""


class Clock:
    """Epoch seconds to RFC 3339. The text of a second is made once."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def timestamp(self, now: float) -> str:
        """`2026-01-31T09:30:00.042Z`."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((now - second) * 1000):03d}Z"


timestamp = Clock().timestamp


class AccessLogWriter:
    """Writes records to a descriptor, which it owns, from a thread of its own."""

    def __init__(
        self,
        fd: int,
        log_format: LogFormat = "json",
        metrics: WorkerMetrics | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        """Dropped lines are counted in `metrics`, too."""
        self.dropped = 0
        self._fd = fd
        self._encode = _encoder(log_format)
        self._capacity = capacity
        self._metrics = metrics or WorkerMetrics.in_memory(slots=64)
        self._dropped_slot = self._metrics.counter("penstock_access_log_dropped_total")
        self._dropping = threading.Lock()
        self._pending: list[AccessRecord] = []
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def write(self, record: AccessRecord) -> None:
        """Never blocks. On the path of every request."""
        pending = self._pending
        if len(pending) >= self._capacity:
            self._drop(1)
            return
        pending.append(record)
        if len(pending) == 1:
            self._wake.set()

    def reopen(self, fd: int) -> None:
        """Goes on with another descriptor, after log rotation. Waits for a write under way."""
        with self._writing:
            os.close(self._fd)
            self._fd = fd

    def close(self, timeout: float = 1.0) -> None:
        """Writes what is pending, for at most `timeout` seconds, and closes the descriptor."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout)
        if not self._thread.is_alive():
            os.close(self._fd)

    def _run(self) -> None:
        while not self._closing.is_set():
            if not self._pending:
                self._wake.wait()
            self._closing.wait(GATHER)
            self._wake.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        # The list is only shortened, never replaced: an append between these lines waits for the next round.
        records = self._pending[:]
        del self._pending[: len(records)]
        if not records:
            return
        data = self._encode(records)
        with self._writing:
            try:
                write_whole(self._fd, data)
            except OSError:  # the disk is full, or whoever read the pipe has gone
                self._drop(len(records))

    def _drop(self, lines: int) -> None:
        with self._dropping:  # both threads come here
            self.dropped += lines
            self._metrics.values[self._dropped_slot] = float(self.dropped)


def write_whole(fd: int, data: bytes) -> None:
    """Writes all of it; to a pipe in pieces that end at a line's end, so that no line is torn."""
    pieces = _lines_up_to(data, PIPE_BUF) if stat.S_ISFIFO(os.fstat(fd).st_mode) else iter((data,))
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(fd, view) :]


def _lines_up_to(data: bytes, size: int) -> Iterator[bytes]:
    """Pieces of whole lines, each at most `size` octets unless a single line is longer."""
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + size) + 1 or data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _encoder(log_format: LogFormat) -> Callable[[list[AccessRecord]], bytes]:
    if log_format == "json":
        return msgspec.json.Encoder().encode_lines
    return lambda records: "".join(map(text_line, records)).encode("utf-8", "backslashreplace")


def text_line(record: AccessRecord) -> str:
    """For eyes: when, what, who answered, how long, and why it failed if it did."""
    answered = record.endpoint or "-"
    if record.route:
        answered = f"{record.route}[{record.rule}] {answered}"
    trouble = f" {record.flags} {record.reason}" if record.flags else ""
    line = (
        f"{record.ts} {record.client} {record.method} {record.host}{record.path} {record.status}"
        f" {record.bytes_out}B {record.duration_ms:.1f}ms {answered}{trouble} {record.request_id}"
    )
    return _printable(line) + "\n"


def _printable(text: str) -> str:
    """Control characters escaped: a client must not forge lines or move a terminal's cursor."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
