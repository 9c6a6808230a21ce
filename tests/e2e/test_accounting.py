"""Metrics and access log compared with the traffic that was sent: exactly, series by series and line by line."""

import socket

from proxy.observe.access_log import AccessRecord
from proxy.snapshot.route import Redirect
from tests.e2e.gateway import LISTENER, Gateway, rule, to
from tests.e2e.peers import Backend, Peer, answers_everything
from tests.patience import eventually

RULE = ("default/gateway", "http", "default/route", "0")


def get(path: bytes = b"/a", *fields: bytes) -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: a.example:80", *fields, b"", b""])


def requests(gateway: Gateway, labels: tuple[str, str, str, str], backend: str, method: str, code: int) -> float:
    return gateway.metrics.value("penstock_http_requests_total", (*labels, backend, method, str(code)))


async def test_requests_are_counted_by_where_they_went_and_how_they_ended() -> None:
    async with Backend() as backend:
        gone = rule(path=b"/gone")
        moved = rule(path=b"/moved", filters=(Redirect(hostname="b"),))
        async with Gateway(rule(to(backend.port)), gone, moved) as gateway:
            client = await gateway.client()
            for data in (
                get(), get(), get().replace(b"GET", b"DELETE"), get().replace(b"GET", b"PROPFIND"),
                get(b"/gone"), get(b"/moved"),
            ):  # fmt: skip
                await client.send(data)
                await client.response()
            name = f"default/{backend.port}:80"
            assert requests(gateway, RULE, name, "GET", 200) == 2
            assert requests(gateway, RULE, name, "DELETE", 200) == 1
            assert requests(gateway, RULE, name, "_OTHER", 200) == 1
            assert requests(gateway, (*RULE[:3], "1"), "", "GET", 500) == 1
            assert requests(gateway, (*RULE[:3], "2"), "", "GET", 302) == 1
            assert gateway.metrics.value("penstock_upstream_connections", (name, "idle")) == 1


async def test_requests_that_no_rule_takes_are_counted_at_their_listener() -> None:
    async with Gateway(rule(path=b"/only")) as gateway:
        client = await gateway.client()
        await client.send(get(b"/other"))
        assert (await client.response()).status == 404
        assert requests(gateway, ("default/gateway", "http", "", ""), "", "GET", 404) == 1


async def test_malformed_requests_are_counted_without_a_word_of_theirs() -> None:
    async with Gateway() as gateway:
        client = await gateway.client()
        await client.send(b"GET /\xff HTTP/1.1\r\nHost: evil\r\n\r\n")
        await client.to_the_end()
        assert requests(gateway, ("", "", "", ""), "", "_OTHER", 400) == 1
        [record] = gateway.log.records
        assert (record.status, record.method, record.path, record.flags) == (400, "", "", "DPE")
        assert record.client == "127.0.0.1"


async def test_open_connections_are_those_that_are_open() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        clients = [await gateway.client() for _ in range(3)]
        for client in clients:
            await client.send(get())
            await client.response()
        labels = (LISTENER, "http/1.1")
        assert gateway.metrics.value("penstock_open_connections", labels) == 3
        clients[0].close()
        await eventually(lambda: gateway.plane.connections == 2)
        assert gateway.metrics.value("penstock_open_connections", labels) == 2


async def test_failed_connections_are_counted_by_reason() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        async with Gateway(rule(to(port))) as gateway:
            client = await gateway.client()
            await client.send(get())
            assert (await client.response()).status == 503
            labels = (f"default/{port}:80", "connection_refused")
            assert gateway.metrics.value("penstock_upstream_connect_failures_total", labels) == 1
            assert (gateway.log.records[0].flags, gateway.log.records[0].reason) == ("UF", "connection_refused")


async def test_a_line_says_all_of_an_exchange() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        fields = [b"X-Request-Id: r-1", b"User-Agent: me", b"Content-Length: 5"]
        fields.append(b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        await client.send(get(b"/a/../b?c=%41", *fields) + b"hello")
        await client.response()
        [record] = gateway.log.records
        assert isinstance(record, AccessRecord)
        seen = {name: getattr(record, name) for name in record.__struct_fields__}
        times = {name: seen.pop(name) for name in ("ts", "duration_ms", "overhead_ms", "upstream_ms")}
        assert seen == {
            "method": "GET", "host": "a.example", "path": "/b?c=%41", "protocol": "HTTP/1.1", "status": 200,
            "flags": "",
            "reason": "", "bytes_in": 5, "bytes_out": 7, "client": "127.0.0.1", "request_id": "r-1",
            "trace_id": "0af7651916cd43dd8448eb211c80319c", "generation": 1, "gateway": "default/gateway",
            "listener": "http", "route": "default/route", "rule": "0", "match": 0,
            "backend": f"default/{backend.port}:80",
            "endpoint": f"127.0.0.1:{backend.port}", "retries": 0, "tls": "", "user_agent": "me",
        }  # fmt: skip
        assert times["duration_ms"] >= times["upstream_ms"] > 0
        assert abs(times["overhead_ms"] - (times["duration_ms"] - times["upstream_ms"])) < 0.01


async def test_every_exchange_has_one_line_however_it_ends() -> None:
    async def cut(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")

    async def silent(peer: Peer) -> None:
        await peer.to_the_end()

    async with Backend(cut, silent, answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        broken = await gateway.client()
        await broken.send(get())
        await broken.to_the_end()
        leaves = await gateway.client()
        await leaves.send(get())
        await eventually(lambda: len(backend.peers) == 2 and backend.peers[1].received)
        leaves.reset()
        await eventually(lambda: len(gateway.log.records) == 2)
        client = await gateway.client()
        await client.send(get())
        await client.response()
        lines = [(record.status, record.flags, record.bytes_out) for record in gateway.log.records]
        assert lines == [(200, "UC", 5), (499, "DC", 0), (200, "", 7)]
        name = f"default/{backend.port}:80"
        assert requests(gateway, RULE, name, "GET", 200) == 2 and requests(gateway, RULE, name, "GET", 499) == 1
