"""The comparison of TLS layers: that both serve, and that the client which measures them sees when they do not."""

import contextlib
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.load import tools
from benchmarks.load.certificate import pair
from benchmarks.load.interleave import Spread
from benchmarks.load.peers import Plan
from benchmarks.load.tools import ROOT
from benchmarks.load.workloads import Table
from benchmarks.micro import messages
from benchmarks.micro.seam.product import snapshot
from benchmarks.tls import idle, layers, visits
from benchmarks.tls.__main__ import RESUMES, WORKLOADS
from benchmarks.tls.serve import secured
from proxy.snapshot.certificate import Certificate

WHOLE = messages.answer(200)


class Endpoint(socketserver.ThreadingTCPServer):
    """Gives one answer to whatever asks, over TLS when it has a context."""

    daemon_threads = True

    def __init__(self, answer: bytes, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answer = answer
        self._context = context

    def get_request(self) -> tuple[socket.socket, object]:
        tcp, address = super().get_request()
        return (self._context.wrap_socket(tcp, server_side=True) if self._context else tcp), address


class Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Endpoint)
        with contextlib.suppress(ConnectionError):
            for line in self.rfile:
                if line == b"\r\n":
                    self.wfile.write(self.server.answer)
                    if self.server.answer is not WHOLE or isinstance(self.request, ssl.SSLSocket):
                        return


@contextlib.contextmanager
def running(server: Endpoint) -> Iterator[int]:
    """Gives its port."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """With the files that a layer needs."""
    layers.launcher("own")(Plan(Table(secure=True), tmp_path, 0, 0, 0))
    return tmp_path


@contextlib.contextmanager
def serving(layer: str, endpoint: int, directory: Path) -> Iterator[int]:
    """The layer in a process of its own, as the benchmark runs it. Gives its port."""
    argv = [sys.executable, "-m", "benchmarks.tls.serve", layer, "0", str(endpoint), str(directory)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def tls13_without_tickets(directory: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "chain.pem", directory / "key.pem")
    context.num_tickets = 0
    return context


@pytest.mark.parametrize("layer", ["own", layers.BASE])
def test_both_layers_serve_full_and_resumed_handshakes_and_kept_connections(layer: str, directory: Path) -> None:
    with running(Endpoint(WHOLE)) as endpoint, serving(layer, endpoint, directory) as port:
        for resumes in (False, True):
            visitor = visits.Visitor(port, resumes)
            assert [visitor.visit() for _ in range(3)] == [True] * 3
        with visits.connect(port, visits.client_context()) as connection:
            assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.3", None)
            for _ in range(3):
                visits.ask(connection, visits.KEPT)


def test_a_session_that_is_not_resumed_is_seen(directory: Path) -> None:
    with running(Endpoint(WHOLE, tls13_without_tickets(directory))) as port:
        assert visits.Visitor(port, resumes=False).visit()
        assert not visits.Visitor(port, resumes=True).visit()


@pytest.mark.parametrize("answer", [WHOLE[:-1], WHOLE.replace(b" 200 ", b" 404 ", 1)])
def test_an_answer_that_is_not_the_backends_is_an_error(answer: bytes, directory: Path) -> None:
    with running(Endpoint(answer, tls13_without_tickets(directory))) as port:
        with pytest.raises(visits.WrongAnswer):
            visits.Visitor(port, resumes=False).visit()
        seen = visits.load(port, 0.01, resumes=False)
        assert seen.errors == seen.requests > 0


def test_a_load_counts_its_visits(directory: Path) -> None:
    with running(Endpoint(WHOLE, tls13_without_tickets(directory))) as port:
        seen = visits.load(port, 0.05, resumes=False)
        assert seen.requests > 0 and not seen.errors
        assert 0 < seen.p50_ms <= seen.p99_ms


def test_only_the_listener_is_secured() -> None:
    clear = snapshot(("127.0.0.1", 9))
    certificate = Certificate(pair().chain.encode(), pair().key.encode())
    https = secured(clear, certificate)
    assert not clear.is_secure(clear.binds[0]) and https.is_secure(https.binds[0])
    assert (https.buckets, https.upstreams) == (clear.buckets, clear.upstreams)
    assert [https.certificates[key] for one in https.listeners.values() for key in one.certificates] == [certificate]


def test_layers_are_started_as_peers_of_the_load_harness(tmp_path: Path) -> None:
    launch = layers.launcher("own")(Plan(Table(secure=True), tmp_path, 20_001, 20_002, 20_003))
    assert launch.argv[1:] == ("-m", "benchmarks.tls.serve", "own", "20001", "20003", str(tmp_path))
    assert (tmp_path / "chain.pem").read_text() == pair().chain
    assert "MALLOC_TRIM_THRESHOLD_" in launch.env


@pytest.mark.parametrize(
    ("found", "expected"), [("/usr/sbin/nginx", ["uvloop", "own", "nginx"]), (None, ["uvloop", "own"])]
)
def test_nginx_takes_part_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, found: str | None, expected: list[str]
) -> None:
    monkeypatch.setattr(tools, "find", lambda program: found)
    assert [peer.name for peer in layers.peers()] == expected


def test_every_workload_is_over_tls_and_ours_are_by_one_client() -> None:
    assert all(workload.secure for workload in WORKLOADS)
    assert {workload.name for workload in WORKLOADS if workload.connections == 1} == RESUMES.keys()


def test_memory_is_the_growth_from_few_connections_to_many() -> None:
    grown = (idle.MANY - idle.FEW) * 20 * 1024
    assert idle.per_connection(7 << 20, (7 << 20) + grown) == 20.0
    text = idle.as_text(idle.CASES["idle-1m"], {"own": Spread(20.0, 19.0, 21.0, 3)})
    assert "after an answer of 1 MiB" in text and "own       20.0 (19.0–21.0)  of 3 processes" in text


@pytest.mark.parametrize(("case", "size"), [("idle", 200), ("idle-1m", 1 << 20), ("idle-h2", 200)])
def test_connections_are_idle_after_what_they_ask_for(case: str, size: int, directory: Path) -> None:
    asked = idle.CASES[case]
    with (
        running(Endpoint(messages.answer(size))) as endpoint,
        serving("own", endpoint, directory) as port,
        visits.connect(port, visits.client_context(*asked.alpn)) as connection,
    ):
        asked.ask(connection)


def test_an_answer_by_http2_that_is_not_the_backends_is_an_error(directory: Path) -> None:
    with running(Endpoint(messages.answer(199))) as endpoint, serving("own", endpoint, directory) as port:
        for alpn in ("h2", "http/1.1"):
            with visits.connect(port, visits.client_context(alpn)) as connection, pytest.raises(visits.WrongAnswer):
                visits.ask_by_http2(connection)
