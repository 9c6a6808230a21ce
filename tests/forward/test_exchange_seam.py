"""The seam: one exchange, two protocols in front of it. It cannot tell which, and streams do not touch each other.

The HTTP/1 codec is its own only stream; the in-memory codec has two streams on one connection, interleaved
octet by octet, one of them paused. The endpoint must see the same octets from both.
"""

import re
from collections.abc import AsyncIterator, Callable

import pytest

from proxy.errors import ClientGone, UpstreamRefused
from proxy.protocol.http1.client import ClientCodec
from proxy.protocol.message import Request
from proxy.snapshot.route import Retry
from tests.clock import ManualTime
from tests.e2e.gateway import Gateway, rule, to
from tests.forward.memory import Http1Connection, MemoryConnection, MemoryPool, asking, origin_over
from tests.patience import eventually

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway(rule(to(1))) as gateway:
        yield gateway


def plain(octets: bytes) -> bytes:
    """Without what differs from request to request."""
    return re.sub(rb"x-request-id: [0-9a-f]{32}", b"x-request-id: *", octets)


async def test_both_protocols_lead_to_the_same_octets_at_the_endpoint(gateway: Gateway) -> None:
    cases = [
        (b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", asking(), []),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", asking(b"POST", length=4), [b"ab", b"cd"]),
        (
            b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
            asking(b"POST", length=-1),
            [b"abcd"],
        ),
    ]
    for octets, request, chunks in cases:
        pool = MemoryPool()
        origin = origin_over(gateway.plane, pool, 80)
        http1 = Http1Connection(origin)
        http1.codec.feed(octets)
        memory = MemoryConnection(origin)
        memory.head(1, request, end=not chunks)
        for chunk in chunks:
            memory.data(1, chunk)
        if chunks:
            memory.end(1)
        by_http1, by_memory = (connection.wire.written for connection in pool.made)
        assert plain(by_http1) == plain(by_memory)
        for connection in pool.made:
            connection.codec.feed(ANSWER)
        assert http1.wire.written == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
        assert memory.frames(1) == [("head", 200, False), ("data", b"hello"), ("end", None)]


async def test_two_streams_interleave_on_one_connection_while_one_is_paused(gateway: Gateway) -> None:
    pool = MemoryPool()
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    one = memory.head(1, asking(b"POST", b"/one", -1), end=False)
    two = memory.head(2, asking(b"POST", b"/two", -1), end=False)
    first, second = pool.made

    # Requests: octets in turn, each to its own endpoint connection.
    for i in range(3):
        memory.data(1, b"one%d" % i)
        memory.data(2, b"two%d" % i)
    assert [b"one%d" % i in first.wire.written for i in range(3)] == [True] * 3
    assert b"two" not in first.wire.written.partition(b"\r\n\r\n")[2] and b"/two" in second.wire.written

    # The first endpoint reads slowly: its stream is paused, the other is not.
    first.codec.blocked()
    assert (one.paused, two.paused) == (True, False)
    memory.data(2, b"two3")
    memory.end(2)
    assert second.wire.written.endswith(b"4\r\ntwo3\r\n0\r\n\r\n")
    first.codec.writable()
    assert (one.paused, two.paused) == (False, False)
    memory.end(1, [(b"x-sum", b"1")])
    assert first.wire.written.endswith(b"0\r\nx-sum: 1\r\n\r\n")

    # Responses: the client reads the first slowly; only its endpoint is held back.
    first.codec.feed(CHUNKS + b"3\r\nabc\r\n")
    assert one.sink is not None and two.sink is not None
    one.sink.on_downstream_blocked()
    assert (first.wire.reading, second.wire.reading) == (False, True)
    second.codec.feed(ANSWER)
    assert memory.frames(2) == [("head", 200, False), ("data", b"hello"), ("end", None)]
    one.sink.on_downstream_writable()
    assert first.wire.reading
    first.codec.feed(b"3\r\ndef\r\n0\r\nx-end: 1\r\n\r\n")
    assert memory.frames(1) == [("head", 200, False), ("data", b"abc"), ("data", b"def"), ("end", [(b"x-end", b"1")])]
    assert [frame[0] for frame in memory.sent] == [1, 1, 2, 2, 2, 1, 1]


async def test_a_stream_that_breaks_leaves_the_other_alone(gateway: Gateway) -> None:
    pool = MemoryPool()
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(path=b"/one"), end=True)
    memory.head(2, asking(path=b"/two"), end=True)
    first, second = pool.made
    first.codec.feed(CHUNKS + b"3\r\nabc\r\n")
    first.codec.eof()
    assert memory.frames(1)[-1] == ("reset", "upstream_closed_in_body")
    second.codec.feed(ANSWER)
    assert memory.frames(2)[-1] == ("end", None)


async def test_a_stream_that_the_client_resets_frees_its_endpoint_only(gateway: Gateway) -> None:
    pool = MemoryPool()
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(b"POST", b"/one", -1), end=False)
    memory.head(2, asking(path=b"/two"), end=True)
    memory.reset(1, ClientGone("stream_reset"))
    first, second = pool.made
    assert first.wire.signals == ["aborted"] and second.wire.signals == []
    assert memory.frames(1) == []
    second.codec.feed(ANSWER)
    assert memory.frames(2)[-1] == ("end", None)


async def test_a_body_that_comes_before_the_connection_is_held_and_paused(gateway: Gateway) -> None:
    pool = MemoryPool(at_once=False)
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    one = memory.head(1, asking(b"POST", b"/one", -1), end=False)
    memory.data(1, b"early")
    assert one.paused
    connection = pool.connect()
    assert not one.paused
    assert connection.wire.written.endswith(b"\r\n\r\n5\r\nearly\r\n")
    memory.end(1)
    connection.codec.feed(ANSWER)
    assert memory.frames(1)[-1] == ("end", None)


class Refusing(ClientCodec):
    """Of a connection that takes no request any more, which is found out by sending one."""

    def send_head(self, request: Request, end: bool) -> None:
        self.broken(UpstreamRefused("upstream_goaway"))


async def test_a_body_that_comes_before_a_connection_that_refuses_it_is_kept_for_the_next() -> None:
    async with Gateway(rule(to(1), retry=Retry((), 1, 0.0))) as gateway:
        pool = MemoryPool(at_once=False)
        memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
        memory.head(1, asking(b"POST", b"/one", 4), end=False)
        memory.data(1, b"body")
        memory.end(1)
        pool.connect(Refusing)
        await eventually(lambda: bool(pool.waiting))
        connection = pool.connect()
        assert connection.wire.written.endswith(b"\r\n\r\nbody")
        connection.codec.feed(ANSWER)
        assert memory.frames(1)[-1] == ("end", None)


async def test_a_head_does_not_wait_for_its_body(gateway: Gateway) -> None:
    pool = MemoryPool(at_once=False)
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(b"POST", b"/one", -1), end=False)
    assert pool.connect().wire.written.endswith(b"\r\n\r\n")


async def test_a_whole_request_that_comes_before_the_connection(gateway: Gateway) -> None:
    pool = MemoryPool(at_once=False)
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(b"POST", b"/one", -1), end=False)
    memory.data(1, b"all")
    memory.end(1, [(b"x-sum", b"1")])
    assert pool.connect().wire.written.endswith(b"3\r\nall\r\n0\r\nx-sum: 1\r\n\r\n")


async def test_a_client_that_leaves_before_the_connection_is_there(gateway: Gateway) -> None:
    pool = MemoryPool(at_once=False)
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(), end=True)
    memory.reset(1, ClientGone("stream_reset"))
    assert len(pool.forgotten) == 1 and memory.sent == []


async def test_an_exchange_keeps_its_times_and_where_it_went(gateway: Gateway) -> None:
    pool = MemoryPool()
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    stream = memory.head(1, asking(), end=True)
    pool.made[0].codec.feed(ANSWER)
    exchange = stream.sink
    assert 0 < exchange.started <= exchange.connected <= exchange.first_byte <= exchange.ended  # type: ignore[union-attr]
    assert (exchange.generation, exchange.client, exchange.status) == (1, "192.0.2.1", 200)  # type: ignore[union-attr]
    assert (exchange.bytes_in, exchange.bytes_out, exchange.retries) == (0, 5, 0)  # type: ignore[union-attr]


async def test_the_idle_time_starts_anew_with_the_octets_of_either_side(gateway: Gateway) -> None:
    time, plane, pool = ManualTime(), gateway.plane._plane, MemoryPool()
    plane.clock = time.clock
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(b"POST", b"/one", -1), end=False)
    (endpoint,) = pool.made
    steps: list[tuple[Callable[[], None], float]] = [
        (lambda: memory.data(1, b"one"), plane.timeouts.idle),
        (lambda: memory.data(1, b"two"), plane.timeouts.idle),
        (lambda: memory.end(1), plane.timeouts.response_head),
        (lambda: endpoint.codec.feed(CHUNKS), plane.timeouts.idle),
        (lambda: endpoint.codec.feed(b"3\r\nabc\r\n"), plane.timeouts.idle),
    ]
    for step, allowed in steps:
        time.pass_(1.0)
        step()
        assert endpoint.deadline.at == time.now + allowed


async def test_a_second_stale_connection_is_not_retried_again(gateway: Gateway) -> None:
    pool = MemoryPool()
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(), end=True)
    pool.made[0].reused = True
    pool.made[0].codec.lost(None)
    assert len(pool.waiting) == 1 and memory.frames(1) == []
    second = pool.connect()
    second.reused = True
    second.codec.lost(None)
    assert pool.waiting == [] and memory.frames(1)[0] == ("head", 503, False)
