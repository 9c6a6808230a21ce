"""A drain while answers are under way that may last: over all four pairs, event streams, long polls and WebSockets."""

import asyncio

import pytest

from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.versions.conftest import CLIENTS, ENDPOINTS, Pair, spoken_to
from tests.e2e.versions.conversation import Cut
from tests.e2e.versions.http2 import Http2Client, Http2Talk
from tests.e2e.versions.test_events import arrives, subscribe
from tests.patience import eventually
from tests.protocol.http2 import frames

ANY_STREAM = 2**31 - 1


async def closed(gateway: Gateway) -> None:
    await eventually(lambda: not gateway.plane.connections)


def goodbyes(pair: Pair) -> list[tuple[int, int]]:
    return pair.client.wire.goodbyes if isinstance(pair.client, Http2Client) else []


async def test_a_stream_goes_on_to_its_end(pair: Pair) -> None:
    _, asked, answer = await subscribe(pair.client, pair.endpoint)
    pair.gateway.plane.begin_drain()
    await pair.gateway.plane.close_listeners()
    for number in range(5):
        pair.gateway.plane.close_idle(0.0)
        event = b"data: %d\n\n" % number
        await asked.send(event)
        await arrives(answer, event)
    if pair.down == "h2":
        await eventually(lambda: goodbyes(pair) == [(0, ANY_STREAM), (0, 1)])
    await asked.end()
    assert await answer.piece() == b""
    pair.gateway.plane.close_idle(0.0)
    await closed(pair.gateway)
    assert pair.gateway.log.records[0].flags == ""


async def test_a_long_poll_is_answered_and_its_client_told_to_go_elsewhere(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/poll")
    asked = await pair.endpoint.next()
    pair.gateway.plane.begin_drain()
    await pair.gateway.plane.close_listeners()
    if pair.down == "h2":
        await eventually(lambda: goodbyes(pair) == [(0, ANY_STREAM), (0, 1)])
    pair.gateway.plane.close_idle(0.0)
    await asked.reply(200, [], b"at last")
    answer = await talk.answer()
    assert (answer.status, await answer.body()) == (200, b"at last")
    assert answer.field(b"connection") == (b"close" if pair.down == "h1" else None)
    await closed(pair.gateway)


async def test_the_end_of_the_time_cuts_a_stream_so_that_its_client_sees_it(pair: Pair) -> None:
    talk, asked, answer = await subscribe(pair.client, pair.endpoint)
    await asked.send(b"data: last\n\n")
    await arrives(answer, b"data: last\n\n")
    pair.gateway.plane.begin_drain()
    pair.gateway.plane.cut_all()
    with pytest.raises(Cut):
        await answer.piece()
    await asked.gone()
    await closed(pair.gateway)
    if isinstance(talk, Http2Talk):
        assert (talk.reset, goodbyes(pair)[-1]) == (2, (0, 1))
    [record] = pair.gateway.log.records
    assert (record.status, record.flags, record.reason) == (200, "DR", "drained")


async def test_the_end_of_the_time_is_told_to_whom_nothing_was_said_yet(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/poll")
    asked = await pair.endpoint.next()
    pair.gateway.plane.begin_drain()
    pair.gateway.plane.cut_all()
    answer = await talk.answer()
    assert (answer.status, await answer.body()) == (503, b"503 Service Unavailable\n")
    await asked.gone()
    await closed(pair.gateway)
    [record] = pair.gateway.log.records
    assert (record.status, record.flags, record.reason) == (503, "DR", "drained")


async def test_an_upload_at_the_end_of_the_time_is_not_taken_for_whole(pair: Pair) -> None:
    talk = await pair.client.ask(b"POST", b"/", end=False)
    asked = await pair.endpoint.next()
    await talk.send(b"half")
    assert await asked.piece() == b"half"
    pair.gateway.plane.begin_drain()
    pair.gateway.plane.cut_all()
    assert (await talk.answer()).status == 503
    with pytest.raises(Cut):
        await asked.body()
    await closed(pair.gateway)


@pytest.mark.parametrize("up", ENDPOINTS)
async def test_a_connection_of_http_2_that_comes_within_a_drain_is_served(up: str) -> None:
    """As one of HTTP/1.1 is: whoever sends it here does not know yet. A client that knows at once could ask nothing."""
    async with ENDPOINTS[up]() as endpoint:
        match, made, upstreams = rule(to(endpoint.port))
        async with Gateway((match, made, spoken_to(up, upstreams))) as gateway:
            gateway.plane.begin_drain()
            client = await Http2Client.connect(gateway.port)
            await eventually(lambda: client.wire.h2.remote_settings.enable_connect_protocol)  # our SETTINGS are there
            assert client.wire.goodbyes == []
            talk = await client.ask(b"GET", b"/")
            asked = await endpoint.next()
            await eventually(lambda: client.wire.goodbyes == [(0, ANY_STREAM), (0, 1)])
            await asked.reply(200, [], b"hello")
            assert await (await talk.answer()).body() == b"hello"
            await closed(gateway)
            await client.close()


async def test_a_client_of_http_2_that_asks_for_nothing_is_told_last() -> None:
    async with Gateway(rule(to())) as gateway:
        gateway.plane.begin_drain()
        client = await Http2Client.connect(gateway.port)
        await gateway.plane.close_listeners()
        await eventually(lambda: client.wire.h2.remote_settings.enable_connect_protocol)
        gateway.plane.close_idle(0.0)
        await closed(gateway)
        await eventually(lambda: client.wire.goodbyes == [(0, 0)])
        await client.close()


@pytest.mark.parametrize("down", CLIENTS)
async def test_a_listener_that_is_removed_ends_its_connections_with_their_streams(down: str) -> None:
    async with ENDPOINTS["h1"]() as endpoint, Gateway(rule(to(endpoint.port))) as gateway:
        client = await CLIENTS[down].connect(gateway.port)
        _, asked, answer = await subscribe(client, endpoint)
        await gateway.plane.close_bind(gateway._bind())
        await asked.send(b"data: still here\n\n")
        await arrives(answer, b"data: still here\n\n")
        await asked.end()
        assert await answer.piece() == b""
        if isinstance(client, Http2Client):
            assert client.wire.goodbyes == [(0, ANY_STREAM), (0, 1)]
            await closed(gateway)
        else:  # its head was out before, so that it did not know; it is told with its next answer
            talk = await client.ask(b"GET", b"/")
            await (await endpoint.next()).reply(204)
            assert (await talk.answer()).field(b"connection") == b"close"
            await closed(gateway)
        await client.close()


async def test_the_end_of_a_long_answer_is_not_lost_with_the_connection() -> None:
    """A client takes its last answer slowly, and speaks of its windows meanwhile: to nobody, it would be a reset."""
    body = bytes(60_000)
    async with ENDPOINTS["h1"]() as endpoint, Gateway(rule(to(endpoint.port))) as gateway:
        client = await gateway.client(receive_buffer=4096)
        await client.send(frames.opening() + frames.headers(1, frames.request()))
        asked = await endpoint.next()
        gateway.plane.begin_drain()
        await client.until(b"draining")
        await client.send(frames.frame(frames.PING, frames.ACK, 0, b"draining"))
        await asked.reply(200, [], body)
        [port] = gateway.plane._tcp_ports()
        await eventually(lambda: all(each._finishing for each in port.connections))  # type: ignore[union-attr]
        for _ in range(20):
            await client.send(frames.frame(frames.WINDOW_UPDATE, 0, 0, (1000).to_bytes(4, "big")))
            await asyncio.sleep(0)
        got = await client.to_the_end()
        assert got.count(b"\0" * 10_000) and len(got) > len(body) and client.how == "fin"
