"""RequestMirror on real sockets: the copy arrives whole or not at all, and the request never notices."""

import socket

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.route import BackendRef, HeaderModifier, Mirror, Redirect, Retry, Rewrite
from proxy.snapshot.snapshot import Upstream
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer, answers_everything, ok
from tests.patience import eventually

GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: www.example.com\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"


def post(body: bytes) -> bytes:
    return b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Mirrored:
    """A backend, its mirrors, and what is counted."""

    def __init__(self, *ports: int) -> None:
        self.refs = [to(port) for port in ports]

    @property
    def filters(self) -> tuple[Mirror, ...]:
        return tuple(Mirror(ref.backend, ref.upstream) for ref, _ in self.refs)

    def beside(self, backend: tuple[BackendRef, Upstream]) -> list[tuple[BackendRef, Upstream]]:
        """The mirrors' upstreams come into the snapshot as backends without a share."""
        return [backend, *((BackendRef(ref.backend, 0, ref.upstream), upstream) for ref, upstream in self.refs)]


def count(gateway: Gateway, port: int, result: str) -> float:
    return gateway.metrics.value("penstock_mirror_requests_total", (f"default/{port}:80", result))


@pytest.mark.parametrize("request_", [GET, post(b"hello"), post(b"x" * 200_000), CHUNKED, GET.replace(b"GET", b"HEAD")])
async def test_every_mirror_gets_the_request_of_the_backend(request_: bytes) -> None:
    async with Backend() as backend, Backend() as one, Backend() as two:
        it = Mirrored(one.port, two.port)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters)) as gateway:
            client = await gateway.client()
            await client.send(request_)
            assert (await client.response(request_.partition(b" ")[0])).status == 200
            for mirror in (one, two):
                await eventually(lambda mirror=mirror: mirror.requests and count(gateway, mirror.port, "answered"))
                [copy], [request] = mirror.requests, backend.requests
                assert (copy.method, copy.path, copy.fields, copy.body) == (
                    request.method,
                    request.path,
                    request.fields,
                    request.body,
                )


async def test_the_copy_is_taken_at_its_place_among_the_filters() -> None:
    async with Backend() as backend, Backend() as mirror:
        it = Mirrored(mirror.port)
        filters = (
            HeaderModifier("request", set=((b"x-before", b"1"),)),
            *it.filters,
            HeaderModifier("request", set=((b"x-after", b"1"),)),
            Rewrite(hostname="inner.example.com"),
        )
        async with Gateway(rule(*it.beside(to(backend.port)), filters=filters)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            await eventually(lambda: mirror.requests)
            head = mirror.peers[0].received.lower()
            assert head.startswith(b"get /a%20b?c=d http/1.1\r\n")
            assert b"x-before" in head and b"x-after" not in head and b"host: www.example.com\r\n" in head
            assert b"x-after" in backend.peers[0].received.lower()


async def test_a_mirror_on_a_backend_copies_what_that_backend_gets() -> None:
    async with Backend() as backend, Backend() as mirror:
        it = Mirrored(mirror.port)
        target = to(backend.port, filters=it.filters)
        async with Gateway(rule(*it.beside(target))) as gateway:
            client = await gateway.client()
            await client.send(GET + post(b"hello"))
            assert [(await client.response()).status for _ in range(2)] == [200, 200]
            await eventually(lambda: len(mirror.requests) == 2)


async def silent(peer: Peer) -> None:
    await peer.to_the_end()


async def refuses(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno")


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def babbles(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"SMTP ready\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "result"), [(refuses, "answered"), (resets, "failed"), (babbles, "failed"), (silent, "failed")]
)
async def test_whatever_a_mirror_answers_the_client_never_knows(script: object, result: str) -> None:
    async with Backend() as backend, Backend(script) as mirror:  # type: ignore[arg-type]
        it = Mirrored(mirror.port)
        settings = DataPlaneSettings(response_head_timeout=0.2)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters), settings=settings) as gateway:
            client = await gateway.client()
            for _ in range(2):
                await client.send(GET)
                assert (await client.response()).status == 200
            await eventually(lambda: count(gateway, mirror.port, result) == 2)


async def test_a_mirror_that_cannot_be_reached_is_counted_and_nothing_else() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = closed.getsockname()[1]
        async with Backend() as backend:
            it = Mirrored(dead)
            async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters)) as gateway:
                client = await gateway.client()
                await client.send(post(b"hello"))
                assert (await client.response()).status == 200
                await eventually(lambda: count(gateway, dead, "failed") == 1)


async def test_a_mirror_without_endpoints_is_counted() -> None:
    async with Backend() as backend:
        ref, upstream = BackendRef("default/m:80", 0, "default/m:80"), Upstream("default/m:80", ())
        filters = (Mirror("default/m:80", "default/m:80"),)
        async with Gateway(rule(to(backend.port), (ref, upstream), filters=filters)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            assert gateway.metrics.value("penstock_mirror_requests_total", ("default/m:80", "failed")) == 1


async def test_a_mirror_that_does_not_read_is_dropped_and_the_request_goes_on() -> None:
    async def deaf(peer: Peer) -> None:
        peer.stop_reading()
        await eventually(lambda: count(gateway, mirror.port, "dropped"))

    body = b"x" * 20_000_000
    async with Backend() as backend, Backend(deaf) as mirror:
        it = Mirrored(mirror.port)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters)) as gateway:
            client = await gateway.client()
            await client.send(post(body))
            assert (await client.response()).status == 200
            assert len(backend.peers[0].received) > len(body)
            assert count(gateway, mirror.port, "dropped") == 1


async def test_mirrors_do_not_queue_for_a_connection() -> None:
    async with Backend() as backend, Backend(silent) as mirror:
        it = Mirrored(mirror.port)
        settings = DataPlaneSettings(max_upstream_connections=1)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters), settings=settings) as gateway:
            client = await gateway.client()
            for _ in range(3):
                await client.send(GET)
                assert (await client.response()).status == 200
            assert count(gateway, mirror.port, "dropped") == 2


async def test_a_request_that_is_never_whole_has_no_whole_copy() -> None:
    async with Backend() as backend, Backend() as mirror:
        it = Mirrored(mirror.port)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters)) as gateway:
            client = await gateway.client()
            await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
            await eventually(lambda: mirror.peers and mirror.peers[0].received.endswith(b"he"))
            client.reset()
            await eventually(lambda: count(gateway, mirror.port, "aborted"))
            await eventually(lambda: mirror.peers[0].how)
            assert mirror.requests == []


async def test_the_copy_is_finished_after_the_answer_has_gone_out() -> None:
    async def slow(peer: Peer) -> None:
        await eventually(lambda: gateway.log.records)
        await peer.request()
        await peer.send(ok())
        await peer.to_the_end()

    async with Backend() as backend, Backend(slow) as mirror:
        it = Mirrored(mirror.port)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters)) as gateway:
            client = await gateway.client()
            await client.send(post(b"x" * 100_000))
            assert (await client.response()).status == 200
            client.close()
            await eventually(lambda: count(gateway, mirror.port, "answered"))
            assert len(mirror.requests[0].body) == 100_000


async def test_a_request_that_is_tried_again_is_copied_once() -> None:
    async with Backend(refuses) as backend, Backend() as mirror:
        it = Mirrored(mirror.port)
        retry = Retry((500,), 2, 0.001)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters, retry=retry)) as gateway:
            client = await gateway.client()
            await client.send(post(b"hello"))
            assert (await client.response()).status == 500
            await eventually(lambda: count(gateway, mirror.port, "answered"))
            assert [copy.body for copy in mirror.requests] == [b"hello"]


async def test_what_the_gateway_answers_itself_is_not_copied() -> None:
    async with Backend() as mirror:
        it = Mirrored(mirror.port)
        async with Gateway(
            rule(*it.beside(to(1)), path=b"/redirect", filters=(*it.filters, Redirect())),
            rule(path=b"/", filters=it.filters),
        ) as gateway:
            client = await gateway.client()
            await client.send(GET.replace(b"/a%20b", b"/redirect") + GET)
            assert [(await client.response()).status for _ in range(2)] == [302, 500]
            assert mirror.peers == []


async def test_http_1_0_without_host_gets_one_on_its_copy() -> None:
    async with Backend() as backend, Backend() as mirror:
        it = Mirrored(mirror.port)
        async with Gateway(rule(*it.beside(to(backend.port)), filters=it.filters)) as gateway:
            client = await gateway.client()
            await client.send(b"GET /a HTTP/1.0\r\n\r\n")
            await client.to_the_end()
            await eventually(lambda: mirror.requests)
            assert b"host: 127.0.0.1:%d\r\n" % mirror.port in mirror.peers[0].received.lower()


async def test_a_mirror_may_be_the_backend_itself() -> None:
    async with Backend(answers_everything) as backend:
        it = Mirrored(backend.port)
        async with Gateway(rule(to(backend.port), filters=it.filters)) as gateway:
            client = await gateway.client()
            for _ in range(10):
                await client.send(post(b"hello"))
                assert (await client.response()).status == 200
            await eventually(lambda: len(backend.requests) == 20)
