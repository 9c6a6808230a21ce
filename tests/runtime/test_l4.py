"""TCP, TLS and UDP as a user runs them: files, two workers, reload and drain."""

import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.certificates import pair
from tests.runtime.running import HOST, PATIENCE, Gateway, document, free_port, running, service, until
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
