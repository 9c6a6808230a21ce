"""TCP, TLS and UDP as a user runs them: files, two workers, reload and drain."""

import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.certificates import pair
from tests.runtime.running import HOST, PATIENCE, Gateway, document, free_port, is_running, running, service, until
from tests.runtime.test_https import context, secret

GATEWAY = "gateway.networking.k8s.io/v1"


def edge(*listeners: dict[str, Any]) -> str:
    return document(GATEWAY, "Gateway", "edge", {"gatewayClassName": "penstock", "listeners": list(listeners)})


def route(kind: str, listener: str, to: str, **more: Any) -> str:
    refs = [{"group": "penstock.dev", "kind": "Backend", "name": to}]
    parents = [{"name": "edge", "sectionName": listener}]
    return document(GATEWAY, kind, listener, {"parentRefs": parents, "rules": [{"backendRefs": refs}], **more})


def echo(connection: socket.socket) -> None:
    """A client of TLS that leaves without a word of it is passed on as a reset."""
    with connection, suppress(ConnectionResetError):
        while data := connection.recv(65536):
            connection.sendall(data)


def greet(connection: socket.socket) -> None:
    connection.sendall(b"new")
    echo(connection)


@contextmanager
def tcp_server(serve: Callable[[socket.socket], None] = echo) -> Iterator[int]:
    """A thread for each connection."""
    with socket.create_server((HOST, 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def udp_server(name: bytes) -> Iterator[int]:
    """Answers with its name and who has asked; an empty datagram ends it."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        port = int(server.getsockname()[1])

        def answer() -> None:
            while (got := server.recvfrom(65536))[0]:
                server.sendto(b"%s %d" % (name, got[1][1]), got[1])

        thread = threading.Thread(target=answer)
        thread.start()
        yield port
        with socket.socket(type=socket.SOCK_DGRAM) as last:
            last.sendto(b"", (HOST, port))
        thread.join()


@contextmanager
def udp_client(port: int) -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect((HOST, port))
        yield client


def asks(client: socket.socket, data: bytes = b"x") -> bytes:
    client.sendall(data)
    return client.recv(65536)


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), PATIENCE)


def test_connections_go_on_over_a_reload_and_a_drain(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "gateway.yaml"
    listener = {"name": "tcp", "protocol": "TCP", "port": port}
    with tcp_server() as old, tcp_server(greet) as new:
        file.write_text(edge(listener) + route("TCPRoute", "tcp", "app") + service(old))
        with running(file, workers=2) as gateway:
            before = [connect(port) for _ in range(8)]
            assert [asks(one) for one in before] == [b"x"] * 8
            _write(file, edge(listener) + route("TCPRoute", "tcp", "app") + service(new))

            def speaks_first() -> bool:
                with connect(port) as client:
                    client.settimeout(0.2)
                    try:
                        return client.recv(3) == b"new"
                    except TimeoutError:
                        return False

            until(speaks_first, "connections go to the new endpoint")
            assert [asks(one, b"y") for one in before] == [b"y"] * 8
            gateway.signal(signal.SIGTERM)
            until(lambda: _refused(port), "new connections are refused")
            for one in before:
                assert asks(one, b"z") == b"z"
                one.shutdown(socket.SHUT_WR)
                assert one.recv(1) == b""
                one.close()
            assert gateway.wait() == 0


def _write(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)


def _refused(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(0.2)
        return sock.connect_ex((HOST, port)) != 0


def test_flows_stay_on_their_worker_and_tcp_may_have_the_same_port(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "gateway.yaml"
    listeners = [
        {"name": "udp", "protocol": "UDP", "port": port},
        {"name": "tcp", "protocol": "TCP", "port": port},
    ]
    with udp_server(b"one") as one, udp_server(b"two") as two, tcp_server() as app:
        routes = edge(*listeners) + route("UDPRoute", "udp", "dns") + route("TCPRoute", "tcp", "app")
        file.write_text(routes + service(one, "dns") + service(app))
        with running(file, workers=2) as gateway:
            for _ in range(10):
                with udp_client(port) as client:
                    answers = {asks(client) for _ in range(5)}
                    assert len(answers) == 1  # one socket towards the endpoint, so one flow
            with connect(port) as stream:
                assert asks(stream) == b"x"
            until(lambda: _flows(gateway) == 10, "each client has one flow on one worker")
            with udp_client(port) as client:
                assert asks(client).startswith(b"one")
                _write(file, routes + service(two, "dns") + service(app))
                until(lambda: asks(client).startswith(b"two"), "the flow goes to the new endpoint")
            told = {bind["transport"]: bind["bound"] for bind in gateway.json("/api/v1/config")["binds"]}
            assert told == {"TCP": True, "UDP": True}


@contextmanager
def silent_udp_server() -> Iterator[socket.socket]:
    """Whose it is answers when he likes."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        server.settimeout(PATIENCE)
        yield server


def ask_all(clients: list[socket.socket], server: socket.socket) -> list[tuple[str, int]]:
    """Each asks, in turn; from where they come to the endpoint. Who else asks is answered at once."""
    seen = []
    for client in clients:
        client.send(b"question")
        while (got := server.recvfrom(100))[0] != b"question":
            server.sendto(b"answer", got[1])
        seen.append(got[1])
    return seen


def answer_all(clients: list[socket.socket], server: socket.socket, flows: list[tuple[str, int]]) -> None:
    for client, flow in zip(clients, flows, strict=True):
        server.sendto(b"answer", flow)
        assert client.recv(100) == b"answer"


def _asks_late(port: int) -> int:
    with udp_client(port) as client:
        return client.send(b"late")


def _dropped(gateway: Gateway) -> float:
    counted = gateway.samples("penstock_l4_connections_total")
    return sum(value for labels, value in counted.items() if "draining" in labels)


def test_a_stop_waits_for_flows_on_every_worker_until_they_have_their_answers(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "gateway.yaml"
    with silent_udp_server() as server, ExitStack() as stack:
        listener = {"name": "udp", "protocol": "UDP", "port": port}
        to = service(server.getsockname()[1], "dns")
        file.write_text(edge(listener) + route("UDPRoute", "udp", "dns") + to)
        clients = [stack.enter_context(udp_client(port)) for _ in range(12)]
        with running(file, "--drain-timeout", "60s", workers=3) as gateway:
            flows = ask_all(clients, server)
            assert len(set(flows)) == 12
            gateway.signal(signal.SIGTERM)
            until(lambda: _asks_late(port) and _dropped(gateway), "no flow begins any more")
            assert ask_all(clients, server) == flows
            answer_all(clients, server, flows)
            answer_all(clients, server, flows)
            assert gateway.wait() == 0
        assert "were cut" not in gateway.said()


def test_flows_that_are_not_answered_in_the_time_to_drain_are_cut(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "gateway.yaml"
    with silent_udp_server() as server, udp_client(port) as client:
        listener = {"name": "udp", "protocol": "UDP", "port": port}
        file.write_text(edge(listener) + route("UDPRoute", "udp", "dns") + service(server.getsockname()[1], "dns"))
        with running(file, "--drain-timeout", "0.1s", workers=2) as gateway:
            ask_all([client], server)
            gateway.signal(signal.SIGTERM)
            assert gateway.wait() == 0
        assert "1 connections and flows were still busy after 0.1 s and were cut" in gateway.said()


def test_a_worker_that_dies_takes_no_flow_of_another_with_it(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "gateway.yaml"
    with silent_udp_server() as server, ExitStack() as stack:
        listener = {"name": "udp", "protocol": "UDP", "port": port}
        to = service(server.getsockname()[1], "dns")
        file.write_text(edge(listener) + route("UDPRoute", "udp", "dns") + to)
        clients = [stack.enter_context(udp_client(port)) for _ in range(24)]
        with running(file, workers=2) as gateway:
            before = ask_all(clients, server)
            pid = gateway.workers()[0]
            os.kill(pid, signal.SIGKILL)
            until(lambda: not is_running(pid), "the worker is gone")
            after = ask_all(clients, server)  # what comes while there is no worker waits for its successor
            answer_all(clients, server, after)
            kept = sum(old == new for old, new in zip(before, after, strict=True))
            assert 0 < kept < 24
            assert ask_all(clients, server) == after


def _flows(gateway: Gateway) -> float:
    return sum(value for labels, value in gateway.samples("penstock_open_connections").items() if "udp" in labels)


def test_tls_is_passed_on_and_ended_on_one_port(tmp_path: Path) -> None:
    backend_pair, own = pair("vault.example"), pair("shop.example", number=1)
    port, file = free_port(), tmp_path / "gateway.yaml"
    certificate = {"certificateRefs": [{"name": "cert"}]}
    listeners = [
        {"name": "on", "protocol": "TLS", "port": port, "hostname": "vault.example", "tls": {"mode": "Passthrough"}},
        {"name": "off", "protocol": "TLS", "port": port, "hostname": "shop.example", "tls": certificate},
    ]
    at_backend = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "pem").write_bytes(backend_pair.chain + backend_pair.key)
    at_backend.load_cert_chain(tmp_path / "pem")
    with tcp_server(lambda sock: echo(at_backend.wrap_socket(sock, server_side=True))) as vault, tcp_server() as shop:
        file.write_text(
            edge(*listeners)
            + route("TLSRoute", "on", "vault", hostnames=["vault.example"])
            + route("TLSRoute", "off", "shop", hostnames=["shop.example"])
            + service(vault, "vault") + service(shop, "shop") + secret(own)
        )  # fmt: skip
        with running(file, workers=2):
            for name, trusted in (("vault.example", backend_pair), ("shop.example", own)):
                with context(trusted).wrap_socket(connect(port), server_hostname=name) as client:
                    assert asks(client, b"hello") == b"hello"
            with connect(port) as raw:
                hello = ssl.MemoryBIO()
                asking = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="no.example")
                try:
                    asking.do_handshake()
                except ssl.SSLWantReadError:
                    raw.sendall(hello.read())
                assert raw.recv(1) == b""  # closed without an alert
