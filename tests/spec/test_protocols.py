"""appProtocol of a Service's port: WebSocket and HTTP/2 pass, what is not spoken is told (BackendRef, GEP-1911)."""

import pytest

from tests.e2e.peers import Backend, Peer
from tests.e2e.versions.http1 import Http1Client
from tests.e2e.versions.http2 import Http2Client, Http2Endpoint
from tests.spec.served import Served, service
from tests.spec.site import WEB, route, rule

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
FRAMES = b"\x81\x05hello\x82\x04\x00\xff\r\n"
"""A text and a binary frame."""


async def echoes_frames(peer: Peer) -> None:
    await peer.until(b"\r\n\r\n")
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    await peer.until(FRAMES)
    await peer.send(FRAMES)
    await peer.to_the_end()


@pytest.mark.parametrize("protocol", ["", ", appProtocol: kubernetes.io/ws"])
async def test_a_websocket_passes(protocol: str) -> None:
    site = WEB + service("ws", 0, protocol).replace("port: 0", "port: $ws") + route("r", rule(to="ws"))
    async with Served(site, backends={"ws": Backend(echoes_frames)}) as served:
        assert served.declared.said("HTTPRoute", "r")["ResolvedRefs"] == "True ResolvedRefs"
        peer = await served.connect()
        await peer.send(UPGRADE)
        assert (await peer.response()).status == 101
        await peer.send(FRAMES)
        await peer.until(FRAMES)
        peer.close()


@pytest.mark.parametrize("version", [Http1Client, Http2Client])
async def test_http_2_goes_to_endpoints_that_speak_nothing_else(version: type[Http1Client | Http2Client]) -> None:
    """In clear text and with prior knowledge, both ways; who asks in HTTP/1.1 is answered all the same."""
    site = WEB + service("h2c", 0, ", appProtocol: kubernetes.io/h2c").replace("port: 0", "port: $h2c")
    endpoint = Http2Endpoint()
    async with Served(site + route("r", rule(to="h2c")), services=(), backends={"h2c": endpoint}) as served:
        assert served.declared.said("HTTPRoute", "r")["ResolvedRefs"] == "True ResolvedRefs"
        client = await version.connect(served.port_of())
        try:
            talk = await client.ask(b"GET", b"/x?y")
            asked = await endpoint.next()
            assert (asked.method, asked.path, asked.field(b":authority")) == (b"GET", b"/x?y", b"a.example")
            await asked.reply(200, [], b"over HTTP/2")
            answer = await talk.answer()
            assert (answer.status, await answer.body()) == (200, b"over HTTP/2")
        finally:
            await client.close()


@pytest.mark.parametrize("protocol", ["kubernetes.io/wss", "https", "example.com/odd"])
async def test_what_is_not_spoken_is_unsupported_and_never_tried_in_clear_text(protocol: str) -> None:
    site = (
        WEB
        + service("odd", 0, f", appProtocol: {protocol}").replace("port: 0", "port: $odd")
        + route("r", rule(to="odd"))
    )
    backend = Backend()
    async with Served(site, backends={"odd": backend}) as served:
        said = served.declared.said("HTTPRoute", "r")
        assert (said["Accepted"], said["ResolvedRefs"]) == ("True Accepted", "False UnsupportedProtocol")
        assert (await served.ask("a/")).status == 500
    assert backend.peers == []


async def test_a_port_of_udp_is_none_for_http() -> None:
    site = WEB + service("udp", 0, ", protocol: UDP") + route("r", rule(to="udp"))
    async with Served(site) as served:
        assert served.declared.said("HTTPRoute", "r")["ResolvedRefs"] == "False UnsupportedProtocol"
        assert (await served.ask("a/")).status == 500
