"""Connections to endpoints that speak HTTP/2: how many requests each takes, and how they end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from h2.settings import SettingCodes
from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer
from tests.e2e.versions.conftest import spoken_to
from tests.e2e.versions.http1 import Http1Client
from tests.e2e.versions.http2 import Http2Client, Http2Endpoint, Wire
from tests.patience import eventually


@asynccontextmanager
async def gateway_to(port: int, settings: DataPlaneSettings | None = None) -> AsyncIterator[Gateway]:
    match, made, upstreams = rule(to(port))
    async with Gateway((match, made, spoken_to("h2", upstreams)), settings=settings) as gateway:
        yield gateway


class Narrow(Http2Endpoint):
    """Takes `most` streams at a time, and says goodbye after `goodbye_after` requests of a connection."""

    def __init__(self, most: int = 100, goodbye_after: int = 0) -> None:
        super().__init__()
        self.most = most
        self.goodbye_after = goodbye_after
        self.now = self.peak = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, client=False)
        wire.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self.most})
        await wire.flush()
        served = 0
        while events := await wire.events():
            for event in events:
                if type(event).__name__ != "RequestReceived":
                    continue
                served += 1
                self.now += 1
                self.peak = max(self.peak, self.now)
                await asyncio.sleep(0.001)
                wire.h2.send_headers(event.stream_id, [(b":status", b"204")], end_stream=True)  # type: ignore[attr-defined]
                await wire.flush()
                self.now -= 1
                if served == self.goodbye_after:
                    wire.h2.close_connection(last_stream_id=event.stream_id)  # type: ignore[attr-defined]
                    await wire.flush()
                    while await reader.read(1 << 16):
                        pass
                    return


async def statuses(port: int, count: int) -> list[int]:
    """Of requests that are asked all at once."""
    client = await Http2Client.connect(port)
    talks = [await client.ask(b"GET", b"/") for _ in range(count)]
    answers = [await talk.answer() for talk in talks]
    await client.close()
    return [answer.status for answer in answers]


async def test_no_more_streams_than_the_endpoint_takes() -> None:
    async with Narrow(most=5) as endpoint, gateway_to(endpoint.port) as gateway:
        assert await statuses(gateway.port, 60) == [204] * 60
        assert endpoint.peak <= 5


async def test_an_endpoint_that_says_goodbye_again_and_again_loses_no_request() -> None:
    async with Narrow(goodbye_after=3) as endpoint, gateway_to(endpoint.port) as gateway:
        assert await statuses(gateway.port, 20) == [204] * 20
        assert endpoint.connections >= 7


async def test_connections_are_shared_and_close_when_they_are_idle_for_long() -> None:
    settings = DataPlaneSettings(upstream_idle_timeout=0.05)
    async with Narrow() as endpoint, gateway_to(endpoint.port, settings) as gateway:
        assert await statuses(gateway.port, 50) == [204] * 50
        assert endpoint.connections == 1
        values = gateway.metrics.values
        idle = gateway.metrics.gauge("penstock_upstream_connections", (f"default/{endpoint.port}:80", "idle"))
        await eventually(lambda: values[idle] == 0.0)


async def test_a_dropped_endpoint_finishes_what_it_has() -> None:
    async with Http2Endpoint() as old, Http2Endpoint() as new, gateway_to(old.port) as gateway:
        client = await Http2Client.connect(gateway.port)
        talk = await client.ask(b"GET", b"/")
        asked = await old.next()
        match, made, upstreams = rule(to(new.port))
        gateway.install((match, made, spoken_to("h2", upstreams)))
        later = await client.ask(b"GET", b"/")
        await (await new.next()).reply(204)
        assert (await later.answer()).status == 204
        await asked.reply(200, [], b"old")
        assert await (await talk.answer()).body() == b"old"
        await eventually(lambda: not old._tasks)
        await client.close()


async def test_the_same_endpoint_by_another_protocol_is_another_pool() -> None:
    async with Http2Endpoint() as endpoint, gateway_to(endpoint.port) as gateway:
        match, made, upstreams = rule(to(endpoint.port))
        gateway.install((match, made, tuple(replace(one, protocol="http") for one in upstreams)))
        client = await Http1Client.connect(gateway.port)
        assert (await client.get(b"/")).status in (502, 503)  # it sends frames, or closes before
        gateway.install((match, made, spoken_to("h2", upstreams)))
        talk = await client.ask(b"GET", b"/")
        await (await endpoint.next()).reply(204)
        assert (await talk.answer()).status == 204
        await client.close()


# --- what does not speak HTTP/2 ---------------------------------------------------------------


async def refused_by(*scripts: object, **settings: float) -> tuple[int, str]:
    """(status, reason) of a request to an endpoint that runs these scripts."""
    async with (
        Backend(*scripts) as backend,  # type: ignore[arg-type]
        gateway_to(backend.port, DataPlaneSettings(**settings)) as gateway,  # type: ignore[arg-type]
    ):
        client = await Http1Client.connect(gateway.port)
        status = (await client.get(b"/")).status
        await client.close()
        return status, gateway.log.records[0].reason


async def test_an_endpoint_of_http_1_is_told_from_a_slow_one() -> None:
    async def speaks_http_1(peer: Peer) -> None:
        await peer.until(b"SM\r\n\r\n")
        await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async def says_nothing(peer: Peer) -> None:
        await peer.to_the_end()

    async def closes(peer: Peer) -> None:
        await peer.until(b"SM\r\n\r\n")

    assert await refused_by(speaks_http_1) == (503, "not_http2")
    assert await refused_by(closes) == (503, "not_http2")
    assert await refused_by(says_nothing, connect_timeout=0.05) == (504, "settings_timeout")


async def test_nobody_listens() -> None:
    async with Backend() as backend:
        port = backend.port
    async with gateway_to(port) as gateway:
        client = await Http1Client.connect(gateway.port)
        assert (await client.get(b"/")).status == 503
        assert gateway.log.records[0].reason == "connection_refused"
        await client.close()


async def test_a_refused_stream_is_asked_again_whatever_its_method() -> None:
    async with Http2Endpoint() as endpoint, gateway_to(endpoint.port) as gateway:
        client = await Http1Client.connect(gateway.port)
        talk = await client.ask(b"POST", b"/", [(b"content-length", b"0")])
        asked = await endpoint.next()
        await asked._inward._wire.reset(asked._inward._stream, 7)  # type: ignore[attr-defined]
        await (await endpoint.next()).reply(204)
        assert (await talk.answer()).status == 204
        assert gateway.log.records[0].retries == 1
        await client.close()
