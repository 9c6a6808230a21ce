"""The PROXY protocol as a user runs it: a gateway behind another, over TLS that is passed on and TLS that is ended."""

import socket
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.certificates import pair
from tests.runtime.running import HOST, PATIENCE, answering, document, free_port, running, until
from tests.runtime.test_https import context, secret
from tests.runtime.test_l4 import GATEWAY, edge, route

OWN = "penstock.dev/v1alpha1"
CLIENT = "127.0.0.7"
SHOP, PLAIN = pair("shop.example"), pair("plain.example", number=1)
REQUEST = b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
BY_CERT = {"certificateRefs": [{"name": "cert"}]}


def site() -> AbstractContextManager[int]:
    """Answers with whom it was told."""
    return answering(lambda asked: asked.headers["X-Forwarded-For"])


def asking(*listeners: dict[str, Any], mode: str = "Required") -> str:
    ref = {"group": "penstock.dev", "kind": "GatewayParameters", "name": "asked"}
    spec = {"gatewayClassName": "penstock", "listeners": list(listeners), "infrastructure": {"parametersRef": ref}}
    parameters = document(OWN, "GatewayParameters", "asked", {"proxyProtocol": {"mode": mode}})
    return document(GATEWAY, "Gateway", "edge", spec) + parameters


def backend(name: str, port: int, **more: Any) -> str:
    return document(OWN, "Backend", name, {"endpoints": [{"host": HOST, "port": port}], **more})


def connect(port: int, source: str = CLIENT) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=PATIENCE, source_address=(source, 0))


def ask(connection: socket.socket, opening: bytes = b"") -> bytes:
    """The body of the answer; b"" where there is none."""
    connection.sendall(opening + REQUEST)
    got = b""
    try:
        while data := connection.recv(65536):
            got += data
    except ConnectionResetError:
        return b""
    return got.partition(b"\r\n\r\n")[2]


def test_a_chain_tells_the_last_whom_the_first_has_met(tmp_path: Path) -> None:
    """The inner one believes the outer one; a client that comes to it by itself is nobody but itself."""
    outside, https, http = free_port(), free_port(), free_port()
    inner, outer = file_in(tmp_path / "inner"), file_in(tmp_path / "outer")
    with site() as port:
        inner.write_text(
            asking(
                {"name": "https", "protocol": "HTTPS", "port": https, "tls": BY_CERT},
                {"name": "http", "protocol": "HTTP", "port": http},
            )
            + route("HTTPRoute", "https", "site") + route("HTTPRoute", "http", "site")
            + backend("site", port) + secret(SHOP)
        )  # fmt: skip
        named = {"port": outside, "protocol": "TLS"}
        outer.write_text(
            edge(
                {"name": "on", "hostname": "shop.example", "tls": {"mode": "Passthrough"}, **named},
                {"name": "off", "hostname": "plain.example", "tls": BY_CERT, **named},
            )
            + route("TLSRoute", "on", "https", hostnames=["shop.example"])
            + route("TLSRoute", "off", "http", hostnames=["plain.example"])
            + backend("https", https, proxyProtocol="V2") + backend("http", http, proxyProtocol="V1") + secret(PLAIN)
        )  # fmt: skip
        with running(inner, "--trusted-proxies", f"{HOST}/32") as last, running(outer):
            for name, trusted in (("shop.example", SHOP), ("plain.example", PLAIN)):
                with context(trusted).wrap_socket(connect(outside), server_hostname=name) as client:
                    assert ask(client) == CLIENT.encode()
            with connect(http) as stranger:
                assert ask(stranger) == CLIENT.encode()
            with connect(http, HOST) as bare:
                assert ask(bare) == b""
            with connect(http, HOST) as proxy:
                assert ask(proxy, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n") == b"192.0.2.1"
            results = {"ok": 3.0, "missing": 1.0}
            until(lambda: counted(last.samples("penstock_proxy_headers_total")) == results, "they are counted")


def file_in(folder: Path) -> Path:
    """Each gateway has a folder of its own, for its log."""
    folder.mkdir()
    return folder / "gateway.yaml"


def counted(samples: dict[tuple[str, ...], float]) -> dict[str, float]:
    """By result, all listeners together."""
    return {result: sum(v for (_, r), v in samples.items() if r == result) for _, result in samples}


def test_who_asks_and_trusts_nobody_is_told(tmp_path: Path) -> None:
    told = "--trusted-proxies names nobody, so nobody is asked and no header is read"
    port = free_port()
    listener = {"name": "http", "protocol": "HTTP", "port": port}
    with site() as app:
        for options, warned in (((), True), (("--trusted-proxies", "10.0.0.0/8"), False)):
            file = file_in(tmp_path / f"warned-{warned}")
            file.write_text(asking(listener) + route("HTTPRoute", "http", "site") + backend("site", app))
            with running(file, *options, workers=1) as gateway:
                assert (told in gateway.said()) is warned
                with connect(port, HOST) as client:
                    assert ask(client) == HOST.encode()


def test_it_is_asked_for_otherwise_by_a_reload(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "gateway.yaml"
    listener = {"name": "http", "protocol": "HTTP", "port": port}
    with site() as app:
        rest = route("HTTPRoute", "http", "site") + backend("site", app)
        file.write_text(edge(listener) + rest)
        with running(file, "--trusted-proxies", f"{HOST}/32") as gateway:
            for mode, bare in (("Required", b""), ("Optional", HOST.encode())):
                before = gateway.generation()
                new = tmp_path / "new"
                new.write_text(asking(listener, mode=mode) + rest)
                new.rename(file)
                until(lambda before=before: gateway.generation() > before, "it is served")  # type: ignore[misc]
                with connect(port, HOST) as client:
                    assert ask(client) == bare
                with connect(port, HOST) as client:
                    assert ask(client, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n") == b"192.0.2.1"
