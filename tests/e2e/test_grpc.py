"""gRPC end to end, with clients and servers of grpcio: all kinds of calls, their errors, times and metadata."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import grpc
import pytest
from h2.errors import ErrorCodes
from h2.events import DataReceived, StreamEnded
from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.route import HeaderModifier, RouteMatch
from tests.e2e.calls import Endpoint, between, calls_to, error_of
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer
from tests.e2e.versions.http2 import Http2Client, Http2Endpoint, Wire
from tests.patience import eventually

UNAVAILABLE, UNIMPLEMENTED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNIMPLEMENTED


# --- four kinds of calls ----------------------------------------------------------------------


async def test_a_unary_call_with_metadata_both_ways() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, gateway):
        call = client.unary("Unary", b"hello", metadata=(("x-who", "me"), ("x-key-bin", b"\x00\xfe")))
        assert await call == b"hello"
        assert dict(await call.initial_metadata())["x-head"] == "h"
        tail = dict(await call.trailing_metadata())
        assert (tail["x-tail"], tail["x-tail-bin"]) == ("t", b"\x00\xff")
        assert {("x-who", "me"), ("x-key-bin", b"\x00\xfe")} <= set(endpoint.metadata)
        assert gateway.log.records[-1].status == 200


async def test_a_stream_of_responses() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, _):
        got = [message async for message in client.server_streaming("Count", b"500")]
        assert got == [b"%d" % i for i in range(500)]


async def test_a_stream_of_requests() -> None:
    async def requests() -> AsyncIterator[bytes]:
        for i in range(300):
            yield b"%d," % i

    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, _):
        assert await client.client_streaming("Collect", requests()) == b"".join(b"%d," % i for i in range(300))


async def test_both_sides_stream_in_turns_and_each_half_ends_by_itself() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, _):
        call = client.bidirectional("Chat")
        for word in (b"one", b"two", b"three"):
            await call.write(word)
            assert await call.read() == word.upper()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


async def test_big_messages_both_ways() -> None:
    big = bytes(range(256)) * 12_000  # 3 MB: many windows
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, _):
        assert await client.unary("Unary", big) == big


async def test_many_calls_at_a_time_share_few_connections() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, gateway):
        calls = [client.unary("Unary", b"%d" % i) for i in range(500)]
        assert await asyncio.gather(*calls) == [b"%d" % i for i in range(500)]
        (pool,) = gateway.plane._registry._pools.values()
        assert pool.connections <= 5


# --- errors -----------------------------------------------------------------------------------


async def test_an_error_of_the_server_passes_as_it_is() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, _):
        assert await error_of(client.unary("Fail")) == (grpc.StatusCode.FAILED_PRECONDITION, "not so: é%")
        assert (await error_of(client.unary("Unknown")))[0] is UNIMPLEMENTED


async def test_a_server_that_answers_before_the_requests_are_over() -> None:
    answered = asyncio.Event()

    async def requests() -> AsyncIterator[bytes]:
        yield b"more"
        await answered.wait()  # a client of grpcio that writes just as the answer comes says INTERNAL now and then

    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, _):
        error = await error_of(client.client_streaming("Early", requests()))
        answered.set()
        assert error == (grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")
        assert await client.unary("Unary", b"still there") == b"still there"


async def test_what_no_rule_takes_is_unimplemented() -> None:
    _match, made, upstreams = calls_to(1)
    async with between((RouteMatch(b"/other.Service", "prefix"), made, upstreams)) as (client, gateway):
        code, message = await error_of(client.unary("Unary"))
        assert code is UNIMPLEMENTED and "no route matches this request" in message
        assert (gateway.log.records[-1].status, gateway.log.records[-1].flags) == (200, "NR")


async def test_a_share_without_a_backend_is_unavailable() -> None:
    match, made, _ = calls_to(1)
    broken = replace(made.backends[0], upstream="", invalid="BackendNotFound")
    async with between((match, replace(made, backends=(broken,)), ())) as (client, _):
        assert (await error_of(client.unary("Unary")))[0] is UNAVAILABLE


async def test_no_backend_and_no_endpoint_are_unavailable() -> None:
    match, made, _ = calls_to(1)
    for served in ((match, replace(made, backends=()), ()), calls_to()):
        async with between(served) as (client, _):
            assert (await error_of(client.unary("Unary")))[0] is UNAVAILABLE


async def test_an_endpoint_that_refuses_connections_is_unavailable(unused_tcp_port: int) -> None:
    async with between(calls_to(unused_tcp_port)) as (client, gateway):
        assert (await error_of(client.unary("Unary")))[0] is UNAVAILABLE
        assert gateway.log.records[-1].reason == "connection_refused"


# --- time -------------------------------------------------------------------------------------


async def test_the_time_of_the_client_reaches_the_server_and_ends_the_call() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, _gateway):
        assert (await error_of(client.unary("Hang", timeout=0.2)))[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        assert endpoint.remaining is not None and endpoint.remaining < 1
        await eventually(lambda: endpoint.cancelled == 1)
        assert await client.unary("Unary", b"next", timeout=30) == b"next"


async def test_a_call_that_the_client_cancels_is_cancelled_at_the_server() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, gateway):
        call = client.unary("Hang")
        await eventually(lambda: endpoint.calls == 1)
        call.cancel()
        await eventually(lambda: endpoint.cancelled == 1)
        await eventually(lambda: gateway.log.records and gateway.log.records[-1].flags == "DC")


async def test_a_client_may_be_silent_between_its_messages() -> None:
    """How fast other bodies must come says nothing about a stream of messages."""
    settings = DataPlaneSettings(body_timeout=0.1)

    async def silent(peer: Peer) -> None:
        await peer.to_the_end()

    async with (
        Endpoint() as endpoint,
        Backend(silent) as other,
        between(rule(to(other.port), path=b"/slow"), calls_to(endpoint.port), settings=settings) as (client, gateway),
    ):
        call = client.bidirectional("Chat")
        await call.write(b"a")
        assert await call.read() == b"A"
        slow = await Http2Client.connect(gateway.port)
        talk = await slow.ask(b"POST", b"/slow", end=False)
        assert (await talk.answer()).status == 408
        await slow.close()
        await call.write(b"b")
        assert await call.read() == b"B"


# --- a server that goes away ------------------------------------------------------------------


class Refusing(Http2Endpoint):
    """Resets each call when it has all of it, as not looked at, so many times; then answers."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.refused = 0
        self.times = times

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, client=False)
        await wire.flush()
        bodies: dict[int, bytes] = {}
        while events := await wire.events():
            for event in events:
                if isinstance(event, DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                elif isinstance(event, StreamEnded) and self.refused < self.times:
                    self.refused += 1
                    wire.h2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
                elif isinstance(event, StreamEnded):
                    head = [(b":status", b"200"), (b"content-type", b"application/grpc")]
                    wire.h2.send_headers(event.stream_id, head)
                    wire.h2.send_data(event.stream_id, bodies[event.stream_id])
                    wire.h2.send_headers(event.stream_id, [(b"grpc-status", b"0")], end_stream=True)
            await wire.flush()


@pytest.mark.parametrize("size", [0, 1, 15_000])
async def test_a_call_that_was_refused_before_it_was_looked_at_is_sent_again(size: int) -> None:
    async with Refusing(3) as endpoint, between(calls_to(endpoint.port)) as (client, gateway):
        assert await client.unary("Unary", b"x" * size) == b"x" * size
        assert (endpoint.refused, gateway.log.records[-1].retries) == (3, 3)


async def test_a_call_that_is_always_refused_is_unavailable() -> None:
    async with Refusing(1000) as endpoint, between(calls_to(endpoint.port)) as (client, gateway):
        assert (await error_of(client.unary("Unary", b"x")))[0] is UNAVAILABLE
        assert gateway.log.records[-1].reason == "upstream_refused_stream"


async def test_what_is_too_long_to_be_kept_is_not_sent_again() -> None:
    async with Refusing(1) as endpoint, between(calls_to(endpoint.port)) as (client, _):
        assert (await error_of(client.unary("Unary", b"x" * 60_000 * 3)))[0] is UNAVAILABLE


# --- where calls go ---------------------------------------------------------------------------


async def test_weights_are_of_calls_not_of_connections() -> None:
    async with Endpoint("one") as one, Endpoint("two") as two:
        match, made, first = calls_to(one.port)
        _, other, second = calls_to(two.port)
        backends = (replace(made.backends[0], weight=7), replace(other.backends[0], weight=3))
        async with between((match, replace(made, backends=backends), first + second)) as (client, _):
            names = Counter(await asyncio.gather(*(client.unary("Name") for _ in range(100))))
            assert names == {b"one": 70, b"two": 30}


async def test_filters_change_metadata() -> None:
    asked = HeaderModifier("request", set=((b"x-set", b"1"),), remove=(b"x-gone",))
    told = HeaderModifier("response", set=((b"x-told", b"2"),))
    async with Endpoint() as endpoint, between(calls_to(endpoint.port, filters=(asked, told))) as (client, _):
        call = client.unary("Unary", metadata=(("x-gone", "1"),))
        await call
        assert dict(endpoint.metadata)["x-set"] == "1" and "x-gone" not in dict(endpoint.metadata)
        assert dict(await call.initial_metadata())["x-told"] == "2"


# --- change -----------------------------------------------------------------------------------


async def test_a_reload_loses_no_call_under_way() -> None:
    async with Endpoint("old") as old, Endpoint("new") as new, between(calls_to(old.port)) as (client, gateway):
        call = client.bidirectional("Chat")
        await call.write(b"before")
        assert await call.read() == b"BEFORE"
        gateway.install(calls_to(new.port))
        assert await client.unary("Name") == b"new"
        await call.write(b"after")
        assert await call.read() == b"AFTER"
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK


async def test_a_server_that_shuts_down_finishes_its_calls_and_others_go_elsewhere() -> None:
    async with (
        Endpoint("leaving") as leaving,
        Endpoint("staying") as staying,
        between(calls_to(leaving.port)) as (client, gateway),
    ):
        call = client.bidirectional("Chat")
        await call.write(b"a")
        assert await call.read() == b"A"
        stopping = asyncio.ensure_future(leaving.server.stop(30))
        gateway.install(calls_to(staying.port))
        assert await client.unary("Name") == b"staying"
        await call.write(b"b")
        assert await call.read() == b"B"
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK
        await stopping


async def test_a_gateway_that_drains_finishes_its_calls() -> None:
    async with Endpoint() as endpoint, between(calls_to(endpoint.port)) as (client, gateway):
        call = client.bidirectional("Chat")
        await call.write(b"a")
        assert await call.read() == b"A"
        gateway.plane.begin_drain()
        await gateway.plane.close_listeners()
        gateway.plane.close_idle()
        await call.write(b"b")
        assert await call.read() == b"B"
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK
        await eventually(lambda: not gateway.plane.connections)


# --- beside gRPC ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
async def test_other_requests_are_answered_as_http(kind: str) -> None:
    match, made, _ = rule(to())
    async with Gateway((match, replace(made, kind=kind, backends=()), ())) as gateway:
        client = await gateway.client()
        await client.send(b"POST /test.Echo/Unary HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n\r\n")
        assert (await client.response()).status == 500


async def test_calls_by_an_httproute_fail_in_their_own_words_too() -> None:
    match, made, upstreams = calls_to()
    async with between((match, replace(made, kind="HTTPRoute"), upstreams)) as (client, _):
        assert (await error_of(client.unary("Unary")))[0] is UNAVAILABLE
