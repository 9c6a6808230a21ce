"""Endpoints that fail at every point of an exchange: what is repeated, what never is, and what the client is told."""

import asyncio
import random
import socket

import pytest

from proxy.downstream.settings import DataPlaneSettings
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Ended, Peer, Script, answers_everything, connect, ok
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


def dies(how: str, *, after: int = 1, when: str = "asked") -> Script:
    """Answers `after` requests in good order; the next one gets an end instead, once a request or nothing has come."""

    async def script(peer: Peer) -> None:
        for _ in range(after):
            request = await peer.request()
            await peer.send(ok(b"first", request.method))
        if when == "asked":
            await peer.until(b"\r\n\r\n")
        if how == "reset":
            peer.reset()

    return script


def request(method: bytes, body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"%b /again HTTP/1.1\r\nHost: a\r\n%b\r\n%b" % (method, length, body)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"])
async def test_a_stale_pooled_connection_is_retried_once(method: bytes, how: str) -> None:
    async with Backend(dies(how), answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await client.response()
        await client.send(request(method))
        got = await client.response(method)
        assert got.status == 200 and (got.body == b"path=/again" or method == b"HEAD")
        assert len(backend.peers) == 2
        name = next(iter(backend_keys(gateway)))
        assert retries(gateway, name) == 1


def backend_keys(gateway: Gateway) -> list[str]:
    assert gateway.plane.snapshot is not None
    return list(gateway.plane.snapshot.upstreams)


def retries(gateway: Gateway, backend: str) -> float:
    reasons = ("upstream_closed_before_response", "upstream_reset")
    return sum(gateway.metrics.value("penstock_upstream_retries_total", (backend, reason)) for reason in reasons)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    ("method", "body"), [(b"POST", b"hello"), (b"POST", b""), (b"PATCH", b"x"), (b"PUT", b"hello"), (b"DELETE", b"x")]
)
async def test_what_is_not_safe_is_never_sent_twice(method: bytes, body: bytes, how: str) -> None:
    async with Backend(dies(how), answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await client.response()
        await client.send(request(method, body))
        assert (await client.response()).status in (502, 503)
        assert sum(peer.received.count(b" /again HTTP/1.1") for peer in backend.peers) == 1


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_fresh_connection_that_ends_is_not_retried(how: str) -> None:
    async with Backend(dies(how, after=0)) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 503
        assert len(backend.peers) == 1


async def test_nothing_is_retried_once_an_octet_has_come_back() -> None:
    async def half_a_head(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok(b"first"))
        await peer.until(b"\r\n\r\n")
        await peer.send(b"H")

    async with Backend(half_a_head, answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await client.response()
        await client.send(GET)
        assert (await client.response()).status == 503
        assert len(backend.peers) == 1


async def test_the_retry_is_not_retried() -> None:
    async with Backend(dies("close"), dies("close", after=0)) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await client.response()
        await client.send(GET)
        assert (await client.response()).status == 503
        assert len(backend.peers) == 2


async def test_endpoints_that_close_idle_connections_at_random_fail_nobody() -> None:
    dice = random.Random(4)

    async def fickle(peer: Peer) -> None:
        while True:
            try:
                got = await peer.request()
            except Ended:
                return
            await peer.send(ok(b"path=" + got.path))
            if dice.random() < 0.3:
                if dice.random() < 0.5:
                    peer.reset()
                return

    async with Backend(fickle) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        for i in range(500):
            await client.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i)
            got = await client.response()
            assert (got.status, got.body) == (200, b"path=/%d" % i)


async def test_a_refused_endpoint_is_passed_over_for_another() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = closed.getsockname()[1]
        async with Backend() as backend, Gateway(rule(to(dead, backend.port))) as gateway:
            client = await gateway.client()
            for _ in range(6):
                await client.send(GET)
                assert (await client.response()).status == 200


async def test_nobody_to_connect_to_is_503() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with Gateway(rule(to(closed.getsockname()[1]))) as gateway:
            client = await gateway.client()
            await client.send(GET + b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            assert (await client.response()).status == 503
            assert (await client.response()).status == 503


async def test_no_endpoint_is_503_and_no_backend_500() -> None:
    async with Gateway(rule(to(), path=b"/empty"), rule(path=b"/none")) as gateway:
        client = await gateway.client()
        await client.send(b"".join(GET.replace(b"/a", path) for path in (b"/empty", b"/none", b"/else")))
        assert [(await client.response()).status for _ in range(3)] == [503, 500, 404]


async def test_an_endpoint_that_does_not_accept_in_time_is_504() -> None:
    # A full accept queue: the kernel drops the SYN, so that nobody answers.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fill = [socket.socket() for _ in range(3)]
        try:
            for sock in fill:
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", port))
            async with Gateway(rule(to(port)), settings=DataPlaneSettings(connect_timeout=0.1)) as gateway:
                client = await gateway.client()
                await client.send(GET)
                assert (await client.response()).status == 504
        finally:
            for sock in fill:
                sock.close()


async def test_an_endpoint_that_does_not_answer_in_time_is_504_and_not_used_again() -> None:
    async def silent(peer: Peer) -> None:
        await peer.to_the_end()

    settings = DataPlaneSettings(response_head_timeout=0.1)
    async with (
        Backend(silent, answers_everything) as backend,
        Gateway(rule(to(backend.port)), settings=settings) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 504
        await client.send(GET)
        assert (await client.response()).status == 200
        assert len(backend.peers) == 2 and backend.peers[0].how


async def test_an_endpoint_that_falls_silent_within_a_body_aborts_the_client() -> None:
    async def stalls(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await peer.to_the_end()

    settings = DataPlaneSettings(exchange_idle_timeout=0.1)
    async with Backend(stalls) as backend, Gateway(rule(to(backend.port)), settings=settings) as gateway:
        client = await gateway.client()
        await client.send(GET)
        got = await client.to_the_end()
        assert got.endswith(b"\r\n\r\nhello") and client.how


# --- clients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_vanished_client_frees_its_endpoint(how: str) -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while not peer.how:
            await peer.send(b"z" * 65536)
            await asyncio.sleep(0)

    async with Backend(slow, answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await client.until(b"zzz")
        if how == "reset":
            client.reset()
        else:
            client.close()
        await eventually(lambda: backend.peers[0].how)
        other = await gateway.client()
        await other.send(GET)
        assert (await other.response()).body == b"path=/a"


async def test_a_client_that_resets_before_its_answer_frees_its_endpoint() -> None:
    async def waits(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.to_the_end()

    async with Backend(waits) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await eventually(lambda: backend.peers and backend.peers[0].received)
        client.reset()
        await eventually(lambda: backend.peers[0].how)


async def test_a_client_that_resets_while_its_endpoint_is_being_connected() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        for _ in range(20):
            client = await connect(gateway.port)
            await client.send(GET)
            client.reset()
        other = await gateway.client()
        await other.send(GET)
        assert (await other.response()).status == 200


async def test_a_half_closed_client_gets_its_answer() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET + GET + b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        client.finish()
        got = await client.to_the_end()
        assert got.count(b"HTTP/1.1 200 OK") == 3 and client.how == "fin"
        assert [message.body for message in backend.requests] == [b"", b"", b"hello"]


@pytest.mark.parametrize("data", [b"", b"GET /a HT", b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"])
async def test_a_client_that_ends_within_a_request_leaves_no_request(data: bytes) -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(data)
        await asyncio.sleep(0.02)
        client.finish()
        await client.to_the_end()
        assert backend.requests == []
        other = await gateway.client()
        await other.send(GET)
        assert (await other.response()).status == 200


async def test_a_client_that_stops_within_its_body_gets_408_and_its_endpoint_no_request() -> None:
    settings = DataPlaneSettings(body_timeout=0.1)
    async with Backend() as backend, Gateway(rule(to(backend.port)), settings=settings) as gateway:
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
        got = await client.to_the_end()
        assert got.startswith(b"HTTP/1.1 408 ") and client.how == "fin"
        assert backend.requests == []


async def test_a_client_that_does_not_finish_its_head_gets_408() -> None:
    async with Gateway(rule(to()), settings=DataPlaneSettings(header_timeout=0.1)) as gateway:
        client = await gateway.client()
        await client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n")
        assert (await client.to_the_end()).startswith(b"HTTP/1.1 408 ")
        silent = await gateway.client()
        assert await silent.to_the_end() == b"" and silent.how == "fin"
