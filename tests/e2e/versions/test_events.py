"""Server-sent events and other answers without an end, over all four pairs and through TLS: nothing waits for more.

Each event is sent when the one before it has arrived, so what is held back for company never comes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.downstream import connection
from proxy.downstream.settings import DataPlaneSettings
from tests.certificates import Authority, client_context, server_side
from tests.certificates import pair as key_pair
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer
from tests.e2e.secure import SecureGateway
from tests.e2e.secure_backends import SecuringGateway, Trust
from tests.e2e.versions.conftest import CLIENTS, ENDPOINTS, Pair, spoken_to
from tests.e2e.versions.conversation import Answered, Asked, Client, Cut, Endpoint, Talk
from tests.e2e.versions.http2 import Http2Talk
from tests.patience import eventually

EVENTS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
PAIRS = [("h1", "h1"), ("h1", "h2"), ("h2", "h1"), ("h2", "h2")]
PIECES = {
    "events": [b"id: %d\ndata: hello\n\n" % number for number in range(20)],
    "single octets": [bytes((octet,)) for octet in b"data: hello\n\n:\n\n"],
    "a comment to keep it open": [b":\n\n"] * 5,
    "big events": [b"data: " + b"x" * 40_000 + b"\n\n", b":\n\n", b"data: " + b"y" * 90_000 + b"\n\n"],
}
CA = Authority("events")
LISTENER = key_pair("one.example")


async def subscribe(client: Client, endpoint: Endpoint) -> tuple[Talk, Asked, Answered]:
    """The head is there before the first event."""
    talk = await client.ask(b"GET", b"/events", [(b"accept", b"text/event-stream")])
    asked = await endpoint.next()
    await asked.head(200, EVENTS)
    answer = await talk.answer()
    assert (answer.status, answer.field(b"content-type")) == (200, b"text/event-stream")
    return talk, asked, answer


async def arrives(answer: Answered, event: bytes) -> None:
    """All of an event, however it was cut on its way, and nothing else."""
    got = b""
    while len(got) < len(event):
        got += await answer.piece()
    assert got == event


async def one_by_one(client: Client, endpoint: Endpoint, events: list[bytes]) -> None:
    _, asked, answer = await subscribe(client, endpoint)
    for event in events:
        sending = asyncio.create_task(asked.send(event))  # a big one needs the client to take some of it
        await arrives(answer, event)
        await sending
    await asked.end()
    assert await answer.piece() == b""


@pytest.mark.parametrize("events", PIECES.values(), ids=PIECES)
async def test_each_piece_arrives_before_the_next_is_sent(pair: Pair, events: list[bytes]) -> None:
    await one_by_one(pair.client, pair.endpoint, events)


@pytest.mark.parametrize("events", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_so_it_is_for_clients_that_speak_tls(down: str, up: str, events: list[bytes]) -> None:
    async with ENDPOINTS[up]() as endpoint:
        match, made, upstreams = rule(to(endpoint.port))
        async with SecureGateway((match, made, spoken_to(up, upstreams)), certificates={"": [LISTENER]}) as gateway:
            context = client_context(LISTENER)
            context.check_hostname = False
            client = await CLIENTS[down].connect(gateway.port, context)
            await one_by_one(client, endpoint, events)
            await client.close()
            assert gateway.log.records[0].tls


@pytest.mark.parametrize("events", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_and_for_endpoints_that_speak_tls(down: str, up: str, events: list[bytes]) -> None:
    context, trust = server_side(CA.issues("one.example")), Trust()
    context.set_alpn_protocols(["h2" if up == "h2" else "http/1.1"])
    async with ENDPOINTS[up](context) as endpoint:
        match, made, upstreams = rule(trust.to(endpoint.port, authority=CA))
        async with SecuringGateway(trust, (match, made, spoken_to(up, upstreams))) as gateway:
            client = await CLIENTS[down].connect(gateway.port)
            await one_by_one(client, endpoint, events)
            await client.close()


@pytest.mark.parametrize("down", CLIENTS)
async def test_an_endpoint_that_says_the_end_by_closing(down: str) -> None:
    """Neither counted nor chunked: what many small servers of events do."""
    told: asyncio.Queue[bytes] = asyncio.Queue()

    async def says(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while event := await told.get():
            await peer.send(event)

    async with Backend(says) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await CLIENTS[down].connect(gateway.port)
        answer = await client.get(b"/events")
        for event in PIECES["events"]:
            told.put_nowait(event)
            await arrives(answer, event)
        told.put_nowait(b"")
        assert await answer.piece() == b""
        await client.close()


# --- however it ends --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cut", "hang_up"])
async def test_an_endpoint_that_goes_away_ends_the_stream_so_that_its_client_sees_it(pair: Pair, how: str) -> None:
    talk, asked, answer = await subscribe(pair.client, pair.endpoint)
    await asked.send(b"data: last\n\n")
    await arrives(answer, b"data: last\n\n")
    await (asked.cut() if how == "cut" else asked.hang_up())
    with pytest.raises(Cut):
        await answer.piece()
    if isinstance(talk, Http2Talk):
        assert talk.reset == 2  # and its connection goes on
        other = await pair.client.ask(b"GET", b"/")
        await (await pair.endpoint.next()).reply(204)
        assert (await other.answer()).status == 204
    assert [record.flags for record in pair.gateway.log.records][:1] == ["UC"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that ends its half of HTTP/1.1 may still read; that is found out sooner than usual."""
    monkeypatch.setattr(connection, "HALF_CLOSED", 0.05)


@pytest.mark.parametrize("how", ["leave", "close"])
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.usefixtures("hasty")
async def test_a_client_that_goes_away_ends_its_request_while_all_is_silent(pair: Pair, how: str, begun: bool) -> None:
    """It resets the stream or connection, or is just gone: a FIN, which is all there is of one that was killed."""
    if begun:
        talk, asked, _ = await subscribe(pair.client, pair.endpoint)
    else:
        talk = await pair.client.ask(b"GET", b"/poll")
        asked = await pair.endpoint.next()
    await (talk.leave() if how == "leave" else pair.client.close())
    await asked.gone()
    await eventually(lambda: pair.gateway.log.records)
    [record] = pair.gateway.log.records
    assert (record.status, record.flags) == (200 if begun else 499, "DC")


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_is_gone_is_found_out_by_what_is_sent_to_it(pair: Pair) -> None:
    _, asked, _ = await subscribe(pair.client, pair.endpoint)
    await pair.client.close()
    await asked.send(b"data: anybody?\n\n")
    await asked.gone()


@pytest.mark.parametrize("up", ENDPOINTS)
async def test_a_client_of_http_1_that_only_says_no_more_still_hears(up: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While others, to which nothing is sent, are given up one after the other."""
    monkeypatch.setattr(connection, "HALF_CLOSED", 0.3)
    async with ENDPOINTS[up]() as endpoint:
        match, made, upstreams = rule(to(endpoint.port))
        async with Gateway((match, made, spoken_to(up, upstreams))) as gateway:
            listening = await gateway.client()
            await listening.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            asked = await endpoint.next()
            await asked.head(200, EVENTS)
            await listening.until(b"\r\n\r\n")
            listening.finish()
            [port] = gateway.plane._tcp_ports()
            await eventually(lambda: [each for each in port.connections if each._half_closed])  # type: ignore[union-attr]
            await asked.send(b"data: first\n\n")
            await listening.until(b"first")
            for number in range(3):
                other = await gateway.client()
                await other.send(b"GET /silent HTTP/1.1\r\nHost: a\r\n\r\n")
                silent = await endpoint.next()
                other.finish()
                await silent.gone()
                await asked.send(b"data: %d\n\n" % number)
                await listening.until(b"data: %d\n\n" % number)
            assert (len(gateway.log.records), listening.how) == (3, "")


async def test_a_client_that_goes_away_takes_nobody_with_it(pair: Pair) -> None:
    """Where the endpoint speaks HTTP/2 both share a connection."""
    talk, asked, _ = await subscribe(pair.client, pair.endpoint)
    other = await pair.another()
    _, staying, answer = await subscribe(other, pair.endpoint)
    await talk.leave()
    await asked.gone()
    await staying.send(b"data: still here\n\n")
    await arrives(answer, b"data: still here\n\n")
    await other.close()


# --- silence ----------------------------------------------------------------------------------


@asynccontextmanager
async def impatient(down: str, up: str) -> AsyncIterator[Pair]:
    """Streams end after 0.2 s of silence."""
    async with ENDPOINTS[up]() as endpoint:
        match, made, upstreams = rule(to(endpoint.port))
        settings = DataPlaneSettings(exchange_idle_timeout=0.2)
        async with Gateway((match, made, spoken_to(up, upstreams)), settings=settings) as gateway:
            client = await CLIENTS[down].connect(gateway.port)
            yield Pair(down, up, client, gateway, endpoint)
            await client.close()


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_silence_ends_a_stream_and_any_octet_keeps_it(down: str, up: str) -> None:
    async with impatient(down, up) as both:
        _, silent, unheard = await subscribe(both.client, both.endpoint)
        other = await both.another()
        _, lively, heard = await subscribe(other, both.endpoint)
        leaving = asyncio.create_task(silent.gone())
        while not leaving.done():
            await lively.send(b":\n\n")
            await arrives(heard, b":\n\n")
        with pytest.raises(Cut):
            await unheard.piece()
        await lively.send(b"data: on and on\n\n")
        await arrives(heard, b"data: on and on\n\n")
        [record] = both.gateway.log.records
        assert (record.status, record.flags, record.reason) == (200, "UT", "idle_timeout")
        await other.close()
