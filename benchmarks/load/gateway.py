"""A running Penstock whose configuration is rewritten: each version carries a mark that every answer shows."""

import http.client
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.contestant import NotReady, status_of
from benchmarks.load.peers import penstock
from benchmarks.load.process import Process, free_port
from benchmarks.load.steady import MARK_HEADER
from benchmarks.load.workloads import Table

_READY_PATIENCE = 60.0
_POLL = 0.005


@dataclass(frozen=True)
class Readiness:
    """What /readyz says."""

    status: int
    """0 when nobody answers."""
    generations: tuple[int, ...] = ()
    """Acknowledged by each worker."""


class MarkedGateway:
    """Started by the constructor, which returns when it serves mark 0; a context manager."""

    def __init__(
        self,
        directory: Path,
        backend_port: int,
        workers: int,
        options: Sequence[str] = (),
        python: str = sys.executable,
    ) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self.port, self._admin_port, self._backend_port = free_port(), free_port(), backend_port
        self._workers = workers
        self._file = directory / "gateway.yaml"
        self.write(0)
        argv = [python, "-m", "proxy", "run", str(self._file), "--workers", str(workers), "--address", "127.0.0.1"]
        argv += ["--admin", f"127.0.0.1:{self._admin_port}", "--access-log", "off", *options]
        self.process = Process(argv, None, directory / "output.log", penstock.environment())
        try:
            self._wait_until_ready()
        except BaseException:
            self.process.stop()
            raise

    def __enter__(self) -> "MarkedGateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def write(self, mark: int) -> None:
        """Replaces the configuration in one step, as an editor does."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(penstock.text(marked_documents(mark, self.port, self._backend_port)))
        fresh.replace(self._file)

    def readiness(self) -> Readiness:
        try:
            return self._ask()
        except (OSError, http.client.HTTPException):
            return Readiness(0)

    def wait_acknowledged(self, beyond: int, patience: float) -> int:
        """Waits until every worker has acknowledged a generation above `beyond`; returns the lowest of them.

        0 when that does not come about within `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            generations = self.readiness().generations
            if len(generations) == self._workers and min(generations) > beyond:
                return min(generations)
            time.sleep(_POLL)
        return 0

    def _ask(self) -> Readiness:
        connection = http.client.HTTPConnection("127.0.0.1", self._admin_port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return Readiness(answer.status, generations_in(json.loads(answer.read())))
        finally:
            connection.close()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_PATIENCE
        while time.monotonic() < deadline:
            output = self.process.died()
            if output is not None:
                raise NotReady(f"penstock ended before it was ready: {output}")
            if self.readiness().status == 200 and status_of(self.port, "bench.example.com", "/") == 200:
                return
            time.sleep(_POLL)
        raise NotReady(f"penstock is not ready after {_READY_PATIENCE:.0f} s; see {self.process.log}")


def marked_documents(mark: int, port: int, backend_port: int) -> list[penstock.Document]:
    """The gateway of the benchmarks, with a filter that puts the mark into every answer."""
    documents = list(penstock.documents(Table(), port, backend_port))
    route = penstock.rule(next(iter(Table())))
    fields = [{"name": MARK_HEADER, "value": str(mark)}]
    route["filters"] = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": fields}}]
    documents[-1] = penstock.http_route("all", "", [route])
    return documents


def generations_in(body: object) -> tuple[int, ...]:
    """The generation each worker has acknowledged, out of the JSON of /readyz."""
    if not isinstance(body, dict):
        return ()
    workers = body.get("workers", ())
    entries = workers.values() if isinstance(workers, dict) else workers
    return tuple(int(entry["generation"] if isinstance(entry, dict) else entry) for entry in entries)
