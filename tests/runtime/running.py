"""A gateway run as a user runs it, on free ports of the loopback, and a backend behind it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

HOST = "127.0.0.1"
PATIENCE = 60.0
"""Seconds after which a test gives up waiting; nothing takes this long unless it is broken."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def until(condition: Callable[[], Any], what: str) -> Any:
    """Waits for something that another process does; its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.01)
    return value


# --- a backend ----------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path.startswith("/slow"):
            self.server.arrived.set()  # type: ignore[attr-defined]
            self.server.released.wait(PATIENCE)  # type: ignore[attr-defined]
        body = b"x" * (1 << 20) if self.path == "/big" else b"hello from the backend"
        self.send_response(int(self.path.rpartition("status=")[2]) if "status=" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args: object) -> None:
        pass


class Backend(ThreadingHTTPServer):
    """Answers at once, but /slow… only when `released` is set; `arrived` says that one waits. /big is 1 MiB."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__((HOST, 0), Handler)
        self.asked: list[str] = []
        """The paths of all requests that have come."""
        self.arrived = threading.Event()
        self.released = threading.Event()

    @property
    def port(self) -> int:
        return self.server_port

    def handle_error(self, *args: object) -> None:
        """Connections that break are what some tests are about."""


@contextmanager
def backend() -> Iterator[Backend]:
    server = Backend()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(text: Callable[[BaseHTTPRequestHandler], str]) -> Iterator[int]:
    """The port of a backend whose answers to GET a function gives."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = text(self).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- configuration ------------------------------------------------------------------------------


def gateway(*ports: int) -> str:
    listeners = [{"name": f"http-{port}", "protocol": "HTTP", "port": port} for port in ports]
    spec = {"gatewayClassName": "penstock", "listeners": listeners}
    return document("gateway.networking.k8s.io/v1", "Gateway", "edge", spec)


def service(port: int, name: str = "app") -> str:
    return document("penstock.dev/v1alpha1", "Backend", name, {"endpoints": [{"host": HOST, "port": port}]})


def route(prefix: str = "/", name: str = "all", to: str = "app") -> str:
    match = {"path": {"type": "PathPrefix", "value": prefix}}
    refs = [{"group": "penstock.dev", "kind": "Backend", "name": to}]
    spec = {"parentRefs": [{"name": "edge"}], "rules": [{"matches": [match], "backendRefs": refs}]}
    return document("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec)


def document(version: str, kind: str, name: str, spec: dict[str, Any]) -> str:
    return "---\n" + json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}) + "\n"


# --- the gateway --------------------------------------------------------------------------------


class Gateway:
    """`penstock run` as a child process."""

    def __init__(self, source: Path, log: Path, options: tuple[str, ...]) -> None:
        self.admin = free_port()
        self.log = log
        argv = [sys.executable, "-m", "proxy", "run", str(source), "--address", HOST]
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [*argv, "--admin", f"{HOST}:{self.admin}", *options], stdin=subprocess.DEVNULL, stderr=stderr
            )

    def wait_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.said()
            try:
                return self.ask("/readyz").status == 200
            except OSError:
                return False

        until(ready, "the gateway becomes ready")

    def ask(self, path: str, **headers: str) -> HTTPResponse:
        """GET on the admin address."""
        response, _ = get(self.admin, path, **headers)
        return response

    def json(self, path: str) -> Any:
        return json.loads(get(self.admin, path)[1])

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Label values in the order of their names' first use, to value."""
        page = get(self.admin, "/metrics")[1].decode()
        return {
            tuple(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == name
        }

    def total(self, name: str) -> float:
        return sum(self.samples(name).values())

    def workers(self) -> dict[int, int]:
        """Index to process id."""
        return {int(index): each["pid"] for index, each in self.json("/api/v1/overview")["processes"].items()}

    def generation(self) -> int:
        """The smallest that any worker has acknowledged."""
        return min(self.json("/readyz")["workers"].values())

    def said(self) -> str:
        return self.log.read_text()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)


def get(port: int, path: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@contextmanager
def running(source: Path, *options: str, workers: int = 2) -> Iterator[Gateway]:
    """Ready; stopped afterwards, whatever happened."""
    gateway = Gateway(source, source.parent / "stderr", ("--workers", str(workers), *options))
    try:
        gateway.wait_ready()
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.signal(signal.SIGTERM)
            gateway.signal(signal.SIGINT)
            gateway.wait()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]
    except (ProcessLookupError, FileNotFoundError):  # the latter when it goes in between
        return False
