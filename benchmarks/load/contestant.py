"""A contestant: one peer with one routing table, running, ready to be measured."""

import contextlib
import http.client
import shutil
import ssl
import time
from collections.abc import Callable

from benchmarks.load import h2load, wrk
from benchmarks.load.ground import Ground
from benchmarks.load.interleave import Slot
from benchmarks.load.peers import Peer, Plan
from benchmarks.load.process import Process, free_port
from benchmarks.load.workloads import Table, Workload

_POLL = 0.02
_ANSWER_PATIENCE = 5.0


class NotReady(Exception):
    """A proxy ended or did not answer in time; the message holds its last output."""


class Contestant:
    """Started by the constructor, which returns when the table's last route answers; a context manager."""

    def __init__(self, name: str, peer: Peer, table: Table, workload: Workload, ground: Ground) -> None:
        self.name = name
        self.peer = peer.name
        self.table = table
        self._workload = workload
        self._ground = ground
        directory = ground.directory / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        plan = Plan(table, directory, free_port(), free_port(), ground.backend_of(table))
        launch = peer.launch(plan)
        self.port = launch.port or plan.port
        started = time.monotonic()
        self._process = Process(launch.argv, ground.proxy_core, directory / "output.log", launch.env)
        try:
            self._wait_until_ready(started + launch.patience, plan.admin_port if launch.admin else 0)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - started

    def __enter__(self) -> "Contestant":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._process.stop()

    def memory(self) -> int:
        """Octets of the whole process tree."""
        return self._process.memory()

    def measure(self, seconds: int) -> Slot:
        """One slot of load from wrk or h2load."""
        return self.under(lambda: self._load(seconds))

    def _load(self, seconds: int) -> wrk.Load:
        ground = self._ground
        generator = h2load if self._workload.http2 else wrk
        argv = generator.command(self._workload, self.table, self.port, seconds, ground.directory)
        return generator.run(argv, ground.load_core, ground.directory / "load.log", ground.load_env)

    def under(self, load: Callable[[], wrk.Load]) -> Slot:
        """One slot of any load. CPU time covers the whole process tree, and the load's own start and end."""
        before, started = self._process.cpu(), time.monotonic()
        seen = load()
        spent, elapsed = self._process.cpu() - before, time.monotonic() - started
        requests = max(seen.requests, 1)
        values = {
            "cpu_us": spent.total / requests / 1e3,
            "main_us": spent.main / requests / 1e3,
            "system_us": spent.system / requests / 1e3,
            "rate": seen.rate,
            "p50_ms": seen.p50_ms,
            "p99_ms": seen.p99_ms,
            "share": spent.total / elapsed / 1e9,
            "requests": float(seen.requests),
            "errors": float(seen.errors),
        }
        return Slot(self.name, values)

    def _wait_until_ready(self, deadline: float, admin_port: int) -> None:
        if admin_port:
            self._poll(deadline, admin_port, "127.0.0.1", "/readyz", ())
        if self.table.http2 and not self.table.secure:
            self._poll_http2(deadline)
        else:
            self._poll(deadline, self.port, *self._workload.request(self.table), secure=self.table.secure)

    def _poll_http2(self, deadline: float) -> None:
        """Some speak nothing else on that port; over TLS it is agreed on."""
        while time.monotonic() < deadline:
            output = self._process.died()
            if output is not None:
                raise NotReady(f"{self.name} ended before it answered: {output}")
            if h2load.answers(self.port, self._workload):
                return
            time.sleep(_POLL)
        raise NotReady(f"{self.name} is not ready in time; its output is in {self._process.log}")

    def _poll(
        self,
        deadline: float,
        port: int,
        host: str,
        path: str,
        headers: tuple[tuple[str, str], ...],
        *,
        secure: bool = False,
    ) -> None:
        seen = "no answer"
        while time.monotonic() < deadline:
            output = self._process.died()
            if output is not None:
                raise NotReady(f"{self.name} ended before it answered: {output}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = status_of(port, host, path, headers, secure=secure, address=self.table.host)
                if status == 200:
                    return
                seen = f"{path} answers {status}"
            time.sleep(_POLL)
        raise NotReady(f"{self.name} is not ready in time ({seen}); its output is in {self._process.log}")


def status_of(
    port: int,
    host: str,
    path: str,
    headers: tuple[tuple[str, str], ...] = (),
    *,
    secure: bool = False,
    address: str = "127.0.0.1",
) -> int:
    """The status of one GET on a connection of its own; any certificate will do. Raises OSError or HTTPException."""
    connection = http.client.HTTPConnection(address, port, timeout=_ANSWER_PATIENCE)
    if secure:
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(address, port, timeout=_ANSWER_PATIENCE, context=context)
    try:
        fields = dict(headers)
        fields["Host"] = host if host != "127.0.0.1" else f"{host}:{port}"
        connection.request("GET", path, headers=fields)
        return connection.getresponse().status
    finally:
        connection.close()
