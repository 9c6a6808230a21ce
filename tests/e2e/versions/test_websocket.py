"""WebSockets over all four pairs of versions: an upgrade in HTTP/1.1, extended CONNECT in HTTP/2 (RFC 8441)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web
from h2.settings import SettingCodes, Settings

from proxy.downstream.settings import DataPlaneSettings
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.versions.conftest import spoken_to
from tests.e2e.versions.conversation import Answered, Asked, Cut, Incoming
from tests.e2e.versions.http2 import Http2Client, Http2Endpoint, Http2Talk, Wire
from tests.e2e.versions.websocket import CLOSE, PING, PONG, TEXT, Frames, frame
from tests.patience import PATIENCE, eventually

PAIRS = [("h1", "h1"), ("h1", "h2"), ("h2", "h1"), ("h2", "h2")]
ABNORMAL = 1006
"""The connection ended without a close frame (RFC 6455 section 7.1.5)."""
VERSION = [(b"sec-websocket-version", b"13"), (b"sec-websocket-protocol", b"chat")]


# --- endpoints: say hello, answer in capitals, and keep the code of the close ----------------------


class Closes:
    """Close codes that endpoints were told, in order."""

    def __init__(self) -> None:
        self.codes: list[int] = []


@asynccontextmanager
async def http1_endpoint(closes: Closes) -> AsyncIterator[int]:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["chat"])
        await socket.prepare(request)
        await socket.send_str("hello")
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            await socket.send_str(message.data.upper())
        closes.codes.append(socket.close_code or 0)
        return socket

    app = web.Application()
    app.router.add_get("/chat", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def converse(asked: Asked) -> int:
    """The code that the client closed with. Raises Cut."""
    frames = Frames()
    while piece := await asked.piece():
        for kind, payload in frames.feed(piece):
            if kind == CLOSE:
                await asked.send(frame(CLOSE, payload))
                await asked.end()
                return int.from_bytes(payload[:2], "big")
            if kind == PING:
                await asked.send(frame(PONG, payload))
            else:
                await asked.send(frame(TEXT, payload.upper()))
    return ABNORMAL


class ConnectEndpoint(Http2Endpoint):
    """Says that it takes extended CONNECT."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._talk(TunnelWire(reader, writer, client=False))


class TunnelWire(Wire):
    def _settle(self) -> None:
        self.h2.local_settings = Settings(client=False, initial_values={SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})


@asynccontextmanager
async def http2_endpoint(closes: Closes) -> AsyncIterator[int]:
    async def serve(asked: Asked) -> None:
        assert (asked.method, asked.field(b":protocol"), asked.path) == (b"CONNECT", b"websocket", b"/chat")
        assert asked.field(b"sec-websocket-key") is None
        await asked.head(200, [(b"sec-websocket-protocol", b"chat")])
        await asked.send(frame(TEXT, b"hello"))
        try:
            closes.codes.append(await converse(asked))
        except Cut:
            closes.codes.append(ABNORMAL)

    async def serve_all(endpoint: ConnectEndpoint) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(serve(await endpoint.asked.get()))

    async with ConnectEndpoint() as endpoint:
        serving = asyncio.create_task(serve_all(endpoint))
        try:
            yield endpoint.port
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


ENDPOINTS = {"h1": http1_endpoint, "h2": http2_endpoint}


# --- clients ----------------------------------------------------------------------------------------


class Http1Socket:
    """aiohttp's."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.protocol = socket.protocol

    async def send(self, text: str) -> None:
        await self.socket.send_str(text)

    async def receive(self) -> str:
        return await self.socket.receive_str(timeout=PATIENCE)

    async def ping(self, payload: bytes) -> None:
        """Autopong is the endpoint's; ours comes back before the answer to what is sent next."""
        await self.socket.ping(payload)
        message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, payload)

    async def close(self, code: int) -> int:
        await self.socket.close(code=code)
        return self.socket.close_code or 0

    async def breaks(self) -> None:
        """It ends, and not as one that is closed."""
        await asyncio.wait_for(self.socket.receive(), PATIENCE)
        assert self.socket.closed and self.socket.close_code == ABNORMAL


class Http2Socket:
    """Frames in DATA of one stream."""

    def __init__(self, talk: Http2Talk, answer: Answered) -> None:
        self._talk = talk
        self._answer: Incoming = answer
        self._frames = Frames()
        self._come: list[tuple[int, bytes]] = []
        self.protocol = (answer.field(b"sec-websocket-protocol") or b"").decode()

    async def send(self, text: str) -> None:
        await self._talk.send(frame(TEXT, text.encode(), masked=True))

    async def _next(self) -> tuple[int, bytes]:
        while not self._come:
            piece = await self._answer.piece()
            assert piece
            self._come += self._frames.feed(piece)
        return self._come.pop(0)

    async def receive(self) -> str:
        kind, payload = await self._next()
        assert kind == TEXT
        return payload.decode()

    async def ping(self, payload: bytes) -> None:
        await self._talk.send(frame(PING, payload, masked=True))
        assert await self._next() == (PONG, payload)

    async def close(self, code: int) -> int:
        await self._talk.send(frame(CLOSE, code.to_bytes(2, "big"), masked=True))
        kind, payload = await self._next()
        assert kind == CLOSE and await self._answer.piece() == b""
        return int.from_bytes(payload[:2], "big")

    async def breaks(self) -> None:
        with pytest.raises(Cut):
            await self._answer.piece()
        assert self._talk.reset == 2


Socket = Http1Socket | Http2Socket


@asynccontextmanager
async def connected(down: str, port: int) -> AsyncIterator[Socket]:
    if down == "h1":
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port}/chat"
            async with session.ws_connect(url, protocols=["chat"], autoping=False) as socket:
                yield Http1Socket(socket)
        return
    client = await Http2Client.connect(port)
    talk = await client.ask(b"CONNECT", b"/chat", [(b":protocol", b"websocket"), *VERSION], end=False)
    answer = await talk.answer()
    assert answer.status == 200 and answer.field(b"sec-websocket-accept") is None
    yield Http2Socket(talk, answer)
    await client.close()


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_a_conversation(down: str, up: str) -> None:
    closes = Closes()
    async with ENDPOINTS[up](closes) as endpoint:
        match, made, upstreams = rule(to(endpoint))
        async with Gateway((match, made, spoken_to(up, upstreams))) as gateway:
            async with connected(down, gateway.port) as socket:
                assert socket.protocol == "chat"
                assert await socket.receive() == "hello"
                for text in ("one", "x" * 20_000):
                    await socket.send(text)
                    assert await socket.receive() == text.upper()
                await socket.ping(b"there?")
                assert await socket.close(4001) in (1000, 4001)  # aiohttp answers with a code of its own
            await eventually(lambda: closes.codes == [4001])
            await eventually(lambda: gateway.log.records)
            assert gateway.log.records[0].status == 101


@asynccontextmanager
async def talking(down: str, up: str, **settings: float) -> AsyncIterator[tuple[Socket, Gateway, Closes]]:
    """A conversation that has begun."""
    closes = Closes()
    async with ENDPOINTS[up](closes) as endpoint:
        match, made, upstreams = rule(to(endpoint))
        parts = (match, made, spoken_to(up, upstreams))
        async with Gateway(parts, settings=DataPlaneSettings(**settings)) as gateway:  # type: ignore[arg-type]
            async with connected(down, gateway.port) as socket:
                assert await socket.receive() == "hello"
                yield socket, gateway, closes
            await eventually(lambda: not gateway.plane.connections)
            await eventually(lambda: closes.codes)


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_a_drain_leaves_a_conversation_alone(down: str, up: str) -> None:
    async with talking(down, up) as (socket, gateway, _):
        gateway.plane.begin_drain()
        await gateway.plane.close_listeners()
        gateway.plane.close_idle(0.0)
        await socket.send("still there")
        assert await socket.receive() == "STILL THERE"
        assert await socket.close(1000) == 1000


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_the_end_of_a_drain_ends_it_at_both_sides(down: str, up: str) -> None:
    async with talking(down, up) as (socket, gateway, closes):
        gateway.plane.begin_drain()
        gateway.plane.cut_all()
        await socket.breaks()
        await eventually(lambda: closes.codes == [ABNORMAL])
        [record] = gateway.log.records
        assert (record.status, record.flags) == (101, "DR")


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_silence_ends_it_and_either_side_can_keep_it(down: str, up: str) -> None:
    """By a time of its own, and not by that of other exchanges."""
    async with talking(down, up, tunnel_timeout=0.3, exchange_idle_timeout=0.01) as (socket, gateway, closes):
        async with connected(down, gateway.port) as other:
            assert await other.receive() == "hello"
            silent = asyncio.create_task(socket.breaks())
            while not silent.done():
                await other.ping(b"there?")
            await silent
            await other.ping(b"still there?")
        assert gateway.log.records[0].reason == "idle_timeout"
        await eventually(lambda: ABNORMAL in closes.codes)
