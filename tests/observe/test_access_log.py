"""Lines of the access log, and the writer that never blocks."""

import json
import os
import threading
from pathlib import Path

import pytest

from proxy.observe.access_log import (
    PIPE_BUF,
    AccessLogWriter,
    AccessRecord,
    Clock,
    text_line,
    write_whole,
)
from proxy.observe.metrics import WorkerMetrics

KEYS = [
    *("ts", "method", "host", "path", "protocol", "status", "flags", "reason"),
    *("duration_ms", "overhead_ms", "upstream_ms", "bytes_in", "bytes_out", "client"),
    *("request_id", "trace_id", "generation", "gateway", "listener", "route", "rule", "match"),
    *("backend", "endpoint", "retries", "tls", "user_agent"),
]


def record(path: str = "/hello", **rest) -> AccessRecord:
    return AccessRecord("2026-01-31T09:30:00.042Z", "GET", "a.example", path, "HTTP/1.1", 200, **rest)


def open_log(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def test_a_line_has_exactly_the_keys_in_their_order(tmp_path: Path) -> None:
    log = AccessLogWriter(open_log(tmp_path / "log"))
    log.write(record(duration_ms=1.5, route="ns/r", match=0))
    log.close()
    [line] = (tmp_path / "log").read_text().splitlines()
    assert list(json.loads(line)) == KEYS
    assert json.loads(line)["duration_ms"] == 1.5


def test_lines_keep_their_order(tmp_path: Path) -> None:
    log = AccessLogWriter(open_log(tmp_path / "log"))
    for number in range(5000):
        log.write(record(f"/{number}"))
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == [f"/{number}" for number in range(5000)]


def test_a_client_cannot_forge_a_line(tmp_path: Path) -> None:
    for log_format in ("json", "text"):
        log = AccessLogWriter(open_log(tmp_path / log_format), log_format)
        log.write(record(user_agent='"}\n{"ts"', request_id="x\ny\x1b[2J"))
        log.close()
        text = (tmp_path / log_format).read_text()
        assert text.count("\n") == 1
        assert "\x1b" not in text


def test_text_says_what_failed() -> None:
    line = text_line(record(route="ns/r", rule="0", endpoint="10.0.0.1:80", flags="UF", reason="refused"))
    assert "GET a.example/hello 200" in line
    assert "ns/r[0] 10.0.0.1:80 UF refused" in line


def test_the_file_is_written_to_while_running(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    log = AccessLogWriter(writer)
    log.write(record())
    assert json.loads(os.read(reader, 65536))["status"] == 200  # waits for the thread, not for close()
    log.close()
    os.close(reader)


def test_a_full_pipe_drops_lines_and_counts_them() -> None:
    reader, writer = os.pipe()
    metrics = WorkerMetrics.in_memory(256)
    log = AccessLogWriter(writer, metrics=metrics, capacity=10)
    while not log.dropped:  # never waits for the reader
        log.write(record("/" + "x" * 1000))
    assert metrics.value("penstock_access_log_dropped_total") == log.dropped
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 65536), b"")])
    drain.start()
    log.close(timeout=30)
    drain.join()
    os.close(reader)


def test_what_cannot_be_written_counts_as_dropped() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = AccessLogWriter(writer)
    log.write(record())
    log.close()
    assert log.dropped == 1


def test_a_rotated_file_is_left_alone(tmp_path: Path) -> None:
    log = AccessLogWriter(open_log(tmp_path / "log"))
    log.write(record("/before"))
    while not (tmp_path / "log").stat().st_size:
        pass
    (tmp_path / "log").rename(tmp_path / "log.1")
    log.reopen(open_log(tmp_path / "log"))
    log.write(record("/after"))
    log.close()
    assert json.loads((tmp_path / "log.1").read_text())["path"] == "/before"
    assert json.loads((tmp_path / "log").read_text())["path"] == "/after"


def test_pipes_get_whole_lines() -> None:
    reader, writer = os.pipe()
    lines = [b"x" * size + b"\n" for size in (10, PIPE_BUF - 1, 3000, 2000, PIPE_BUF + 5)] + [b"end"]
    write_whole(writer, b"".join(lines))
    os.close(writer)
    assert b"".join(iter(lambda: os.read(reader, 65536), b"")) == b"".join(lines)
    os.close(reader)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (0.9996, "1970-01-01T00:00:00.999Z"),
        (1769851800.042, "2026-01-31T09:30:00.042Z"),
    ],
)
def test_timestamps(now: float, text: str) -> None:
    assert Clock().timestamp(now) == text


def test_the_text_of_a_second_is_made_once_and_changes_with_it() -> None:
    clock = Clock()
    assert [clock.timestamp(now)[17:] for now in (58.1, 58.2, 59.0)] == ["58.100Z", "58.200Z", "59.000Z"]
