"""The alternatives to the seam: that they do the same work, and that what measures them sees when they do not."""

import contextlib
import http.client
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from benchmarks.load.peers import Plan
from benchmarks.load.tools import ROOT
from benchmarks.load.workloads import Table
from benchmarks.micro import messages
from benchmarks.micro.seam import common
from benchmarks.micro.seam.__main__ import works
from benchmarks.micro.seam.common import Refused
from benchmarks.micro.seam.memory import CLIENTS, Memory, answered
from benchmarks.micro.seam.prototypes import CHUNKED, PROTOTYPES
from benchmarks.micro.seam.sockets import peer

OWN = [name for name in PROTOTYPES if name not in ("relay", "product")]
LARGE = 1024 * 1024


@pytest.mark.parametrize("answer", ["200 B", "1 MiB", "1 MiB in chunks of 4 KiB"])
def test_every_prototype_answers_without_sockets(answer: str) -> None:
    for work in works(answer).values():
        work(CLIENTS + 1)


@pytest.mark.parametrize("name", OWN)
def test_prototypes_match_and_sign_and_count_every_request(name: str) -> None:
    before = common.served["bench/all", 200]
    loop = Memory(PROTOTYPES[name], messages.get(), [messages.answer(200)])
    loop.work(100)
    assert common.served["bench/all", 200] == before + 100


class Endpoint(socketserver.StreamRequestHandler):
    """Answers 1 MiB, in chunks when the path says so, to every request of a connection."""

    heads: ClassVar[list[bytes]] = []
    """What has come, of all connections."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while head := self._head():
                self.heads.append(head)
                chunked = head.startswith(b"GET /chunked ")
                self.wfile.write(messages.answer_chunked(LARGE) if chunked else messages.answer(LARGE))

    def _head(self) -> bytes:
        """b"" at the end."""
        lines = []
        while (line := self.rfile.readline()) not in (b"", b"\r\n"):
            lines.append(line)
        return b"".join(lines)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Endpoint) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def serving(name: str, endpoint: int) -> Iterator[int]:
    """The prototype in a process of its own, as the benchmark runs it. Gives its port."""
    argv = [sys.executable, "-m", "benchmarks.micro.seam.serve", name, "0", str(endpoint)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def get_twice(port: int, path: str) -> list[bytes]:
    """Both bodies, over one connection."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        bodies = []
        for _ in range(2):
            connection.request("GET", path, headers={"Host": "bench.example.com"})
            bodies.append(connection.getresponse().read())
    return bodies


def leave(port: int) -> None:
    """Ask and go before the answer is read."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(messages.get())
        client.recv(1)


@pytest.mark.parametrize("name", PROTOTYPES)
def test_answers_come_whole_through_sockets(name: str, endpoint: int) -> None:
    whole = [b"x" * LARGE] * 2
    with serving(name, endpoint) as port:
        Endpoint.heads.clear()
        assert get_twice(port, "/counted") == whole
        signed = [b"\r\nx-forwarded-for: 127.0.0.1\r\n" in head for head in Endpoint.heads]
        assert signed == [name != "relay"] * 2
        if name in CHUNKED:
            assert get_twice(port, "/chunked") == whole
        leave(port)
        assert get_twice(port, "/counted") == whole, "a client that left has harmed the next one"


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: bench.example.com\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: bench.example.com\r\nHost: bench.example.com\r\n\r\n",
    ],
)
def test_what_the_prototypes_cannot_do_they_refuse(head: bytes) -> None:
    with pytest.raises(Refused):
        common.parse_request(head)


def test_answers_are_known_to_be_whole() -> None:
    whole = messages.answer(10)
    assert answered(whole) and not answered(whole[:-1]) and not answered(b"HTTP/1.1 200 OK\r\n")
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"
    assert not answered(chunked) and answered(chunked + b"0\r\n\r\n")


def test_a_prototype_is_started_as_a_peer_of_the_load_harness(tmp_path: Path) -> None:
    launch = peer("direct", {"PATH": "/bin"}).launch(Plan(Table(), tmp_path, 20_001, 20_002, 20_003))
    assert launch.argv[1:] == ("-m", "benchmarks.micro.seam.serve", "direct", "20001", "20003")
    assert launch.env == {"PATH": "/bin"}
