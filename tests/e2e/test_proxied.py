"""Connections that trusted proxies pass on: before HTTP, TLS and TCP a header says whose they are, or they end."""

import asyncio
import gc
import ssl
import struct

import pytest
from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from proxy.protocol.proxy_protocol import SIGNATURE, Addresses, encode_header
from proxy.snapshot.snapshot import ProxyHeaders
from tests.certificates import Pair, client_context, pair, server_side
from tests.e2e.gateway import LISTENER, Gateway, rule, to
from tests.e2e.peers import Backend, Peer
from tests.e2e.proxied import PROXY, STRANGER, TRUSTING, Asking, AskingL4, AskingSecure, counted, waiting
from tests.e2e.secure import TLSClient
from tests.e2e.test_l4 import AUTHORITY, echoes, tcp, tls
from tests.e2e.test_l4 import to as connections_to
from tests.oracle import grammar
from tests.patience import eventually

CLIENT = Addresses(("192.0.2.7", 40000), ("198.51.100.9", 443))
V1, V2 = encode_header("v1", CLIENT), encode_header("v2", CLIENT)
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
IMPATIENT = replace(TRUSTING, header_timeout=0.05)


async def forwarded(opening: bytes, *, source: str = PROXY, headers: ProxyHeaders = "required") -> grammar.Request:
    """What the endpoint gets when a request follows."""
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=TRUSTING) as gateway:
        gateway.ask(headers)
        client = await gateway.peer(source)
        await client.send(opening + REQUEST)
        assert (await client.response()).status == 200
        await eventually(lambda: len(gateway.log.records) == 1)
        [request] = backend.requests
        assert [gateway.log.records[0].client.encode()] == request.all(b"x-real-ip")
        return request


# --- whose it is ------------------------------------------------------------------------------

SAID = {
    "v1": (V1, "192.0.2.7"),
    "v2": (V2, "192.0.2.7"),
    "IPv6": (encode_header("v1", Addresses(("2001:db8::7", 1), ("::2", 2))), "2001:db8::7"),
    "IPv4 in IPv6": (encode_header("v2", Addresses(("::ffff:192.0.2.8", 1), ("::ffff:1.2.3.4", 2))), "192.0.2.8"),
    "UNKNOWN": (b"PROXY UNKNOWN 192.0.2.7 192.0.2.7 1 2\r\n", PROXY),
    "LOCAL": (SIGNATURE + b"\x20\x00\0\0", PROXY),
    "LOCAL with addresses": (SIGNATURE + b"\x20\x11\0\x0c" + V2[16:], PROXY),
    "UNIX": (SIGNATURE + b"\x21\x31" + struct.pack("!H", 216) + bytes(216), PROXY),
    "with TLVs": (SIGNATURE + b"\x21\x11" + struct.pack("!H", 18) + V2[16:] + b"\x04\0\3abc", "192.0.2.7"),
}


@pytest.mark.parametrize("opening", SAID)
async def test_the_client_is_whom_the_header_names(opening: str) -> None:
    octets, client = SAID[opening]
    request = await forwarded(octets)
    assert request.all(b"x-forwarded-for") == [client.encode()]
    assert request.all(b"x-forwarded-port") == [b"80"]  # the listener's, whatever the header says


async def test_a_header_may_come_in_any_pieces() -> None:
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=TRUSTING) as gateway:
        for header in (V1, V2):
            client = await gateway.peer()
            for octet in header + REQUEST[:3]:
                await client.send(bytes((octet,)))
                await asyncio.sleep(0)
            await client.send(REQUEST[3:])
            assert (await client.response()).status == 200
        assert [request.all(b"x-forwarded-for") for request in backend.requests] == [[b"192.0.2.7"]] * 2
        assert counted(gateway.metrics, "ok", LISTENER) == 2 and waiting(gateway.metrics, LISTENER) == 0


async def test_who_is_named_counts_as_the_peer_whom_to_believe_the_rest() -> None:
    """A chain: the proxy before us names another proxy that is trusted, and that one had a client."""
    named = encode_header("v2", Addresses((PROXY, 1), (PROXY, 2)))
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=TRUSTING) as gateway:
        client = await gateway.peer()
        for opening, field in ((named, b"192.0.2.1"), (b"", b"192.0.2.2")):
            head = REQUEST[:-2] + b"X-Forwarded-For: " + field + b"\r\n\r\n"
            await client.send(opening + head)
            await client.response()
        other = await gateway.peer()
        await other.send(V1 + REQUEST[:-2] + b"X-Forwarded-For: 192.0.2.3\r\n\r\n")
        await other.response()
        believed = [request.all(b"x-forwarded-for") for request in backend.requests]
        assert believed == [[b"192.0.2.1, 127.0.0.1"], [b"192.0.2.2, 127.0.0.1"], [b"192.0.2.7"]]
        assert [request.all(b"x-real-ip") for request in backend.requests] == [
            [b"192.0.2.1"],
            [b"192.0.2.2"],
            [b"192.0.2.7"],
        ]


async def test_http_2_may_follow() -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    async with Asking(settings=TRUSTING) as gateway:
        client = await gateway.peer()
        await client.send(V1 + preface)
        await eventually(lambda: gateway.metrics.value("penstock_open_connections", (LISTENER, "http/2")) == 1)
        await client.more()
        assert client.received[3:4] == b"\4"  # SETTINGS


# --- before TLS and TCP -----------------------------------------------------------------------

SHOP: Pair = pair("shop.example")


@pytest.mark.parametrize("header", [V1, V2])
async def test_it_goes_before_the_client_hello(header: bytes) -> None:
    async with (
        Backend() as backend,
        AskingSecure(rule(to(backend.port)), certificates={"": [SHOP]}, settings=TRUSTING) as gateway,
    ):
        peer = await gateway.peer()
        client = await TLSClient(peer, client_context(SHOP), "shop.example").handshake(
            lambda data: _first(header, data)
        )
        await client.send(REQUEST)
        await client.until(b"\r\n\r\n")
        [request] = backend.requests
        assert (request.all(b"x-forwarded-for"), request.all(b"x-forwarded-proto")) == ([b"192.0.2.7"], [b"https"])
        assert gateway.handshakes("ok", "default/gateway/any") == 1


def _first(header: bytes, data: bytes) -> list[bytes]:
    """The header before the hello, and only there: in one piece with it."""
    return [header + data] if (data[:1], data[5:6]) == (b"\x16", b"\1") else [data]


async def test_what_follows_is_passed_on_without_it() -> None:
    async with Backend(echoes) as backend, AskingL4(tcp(connections_to(backend.port)), settings=TRUSTING) as gateway:
        client = await gateway.peer()
        await client.send(V2 + b"ping")
        assert await client.until(b"ping") == b"ping"
        client.finish()
        await client.to_the_end()
        await eventually(lambda: len(gateway.log.records) == 1)
        record = gateway.log.records[0]
        assert (record.client, record.bytes_in, record.reason) == ("192.0.2.7", 4, "")


async def test_all_of_it_may_have_come_before_it_is_looked_at() -> None:
    async def counts(peer: Peer) -> None:
        await peer.send(b"%d" % len(await peer.to_the_end()))

    async with Backend(counts) as backend, AskingL4(tcp(connections_to(backend.port)), settings=TRUSTING) as gateway:
        for _ in range(20):
            client = await gateway.peer()
            (await client.send(V1 + b"x" * 100_000)).finish()
            assert await client.to_the_end() == b"100000"


async def test_a_server_speaks_first_to_a_client_that_is_known() -> None:
    async def greets(peer: Peer) -> None:
        await peer.send(b"220 hello\r\n")
        await peer.to_the_end()

    async with Backend(greets) as backend, AskingL4(tcp(connections_to(backend.port)), settings=TRUSTING) as gateway:
        client = await gateway.peer()
        await eventually(lambda: waiting(gateway.metrics) == 1)
        await client.send(V1[:20])
        await eventually(lambda: gateway.plane.connections == 1)
        assert backend.peers == []
        await client.send(V1[20:])
        assert await client.until(b"\r\n") == b"220 hello\r\n"


@pytest.mark.parametrize("ends_here", [False, True])
async def test_the_client_of_a_tls_route_is_known(ends_here: bool) -> None:
    issued = AUTHORITY.issues("a.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.pem.decode())
    async with (
        Backend(echoes, secure=None if ends_here else server_side(issued)) as backend,
        AskingL4(
            tls(b"a.example", "a", connections_to(backend.port)),
            protocol="TLS",
            certificate=issued.certificate if ends_here else None,
            settings=TRUSTING,
        ) as gateway,
    ):
        peer = await gateway.peer()
        client = await TLSClient(peer, context, "a.example").handshake(lambda data: _first(V2, data))
        await client.send(b"ping")
        await client.until(b"ping")
        peer.reset()
        await eventually(lambda: len(gateway.log.records) == 1)
        assert gateway.log.records[0].client == "192.0.2.7"


# --- who has to say it, and who may not -------------------------------------------------------

REFUSED = {
    "GET / HTTP/1.1": (REQUEST, "missing"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01", "missing"),
    "version 1": (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "malformed"),
    "endless": (b"PROXY UNKNOWN " + b"x" * 200, "too_long"),
    "version 2": (SIGNATURE + b"\x21\x11\0\x0b" + bytes(11), "malformed"),
    "a huge length": (SIGNATURE + b"\x21\x11\xff\xff", "too_long"),
    "a wrong checksum": (SIGNATURE + b"\x21\x11\0\x13" + V2[16:] + b"\3\0\4abcd", "bad_checksum"),
}


@pytest.mark.parametrize("opening", REFUSED)
async def test_without_a_sound_header_nothing_begins(opening: str) -> None:
    octets, result = REFUSED[opening]
    async with Backend() as backend, AskingL4(tcp(connections_to(backend.port)), settings=TRUSTING) as gateway:
        client = await gateway.peer()
        await client.send(octets + REQUEST)
        assert await client.to_the_end() == b""
        assert counted(gateway.metrics, result) == 1
        assert (backend.peers, gateway.log.records, waiting(gateway.metrics)) == ([], [], 0)


@pytest.mark.parametrize("begun", [b"", V1[:-1], V2[:20]])
@pytest.mark.parametrize("headers", ["required", "optional"])
async def test_who_says_nothing_is_not_waited_for(begun: bytes, headers: ProxyHeaders) -> None:
    """Not even where a header is optional: who is silent may still send one."""
    async with Backend() as backend, AskingL4(tcp(connections_to(backend.port)), settings=IMPATIENT) as gateway:
        gateway.ask(headers)
        client = await gateway.peer()
        await client.send(begun)
        assert await client.to_the_end() == b""
        assert counted(gateway.metrics, "timeout") == 1 and backend.peers == []


@pytest.mark.parametrize(("how", "result"), [("fin", "client_closed"), ("reset", "client_reset")])
async def test_who_leaves_before_is_counted(how: str, result: str) -> None:
    """A port that is looked at by connecting to it, as load balancers do."""
    async with AskingL4(settings=TRUSTING) as gateway:
        client = await gateway.peer()
        await eventually(lambda: waiting(gateway.metrics) == 1)
        client.close() if how == "fin" else client.reset()
        await eventually(lambda: counted(gateway.metrics, result) == 1)
        assert waiting(gateway.metrics) == 0


async def test_a_stranger_is_asked_for_nothing_and_believed_nothing() -> None:
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=TRUSTING) as gateway:
        liar = await gateway.peer(STRANGER)
        await liar.send(V1 + REQUEST)
        assert (await liar.response()).status == 400
        other = await gateway.peer(STRANGER)
        await other.send(REQUEST)
        assert (await other.response()).status == 200
        assert [request.all(b"x-forwarded-for") for request in backend.requests] == [[STRANGER.encode()]]
        assert all(counted(gateway.metrics, result, LISTENER) == 0 for result in ("ok", "none", "missing"))


async def test_what_a_stranger_sends_is_passed_on_as_it_is() -> None:
    async def greets(peer: Peer) -> None:
        await peer.send(b"220 hello\r\n")
        await echoes(peer)

    async with Backend(greets) as backend, AskingL4(tcp(connections_to(backend.port)), settings=TRUSTING) as gateway:
        client = await gateway.peer(STRANGER)
        assert await client.until(b"\r\n") == b"220 hello\r\n"  # before it has said anything
        await client.send(V2)
        assert await client.until(V2) == V2
        client.reset()
        await eventually(lambda: [record.client for record in gateway.log.records] == [STRANGER])


async def test_nobody_is_asked_where_nobody_is_trusted() -> None:
    settings = DataPlaneSettings()
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=settings) as gateway:
        client = await gateway.peer()
        await client.send(REQUEST)
        assert (await client.response()).status == 200


OPTIONAL = {V1: b"192.0.2.7", V2: b"192.0.2.7", b"": PROXY.encode()}


@pytest.mark.parametrize("opening", OPTIONAL)
async def test_an_optional_header_may_be_missing(opening: bytes) -> None:
    request = await forwarded(opening, headers="optional")
    assert request.all(b"x-forwarded-for") == [OPTIONAL[opening]]


@pytest.mark.parametrize("data", [b"\r", b"P", b"PROXY", b"\r\n\r\n", b"\0", b"PRI"])
async def test_what_is_no_header_is_told_by_its_first_octets(data: bytes) -> None:
    async with Backend(echoes) as backend, AskingL4(tcp(connections_to(backend.port)), settings=TRUSTING) as gateway:
        gateway.ask("optional")
        client = await gateway.peer()
        await client.send(data + b"!")
        assert await client.until(b"!") == data + b"!"
        assert counted(gateway.metrics, "none") == 1


async def test_an_optional_header_has_to_be_sound() -> None:
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=TRUSTING) as gateway:
        gateway.ask("optional")
        client = await gateway.peer()
        await client.send(b"PROXY TCP4 1.2.3.4\r\n" + REQUEST)
        assert await client.to_the_end() == b""
        assert backend.peers == [] and counted(gateway.metrics, "malformed", LISTENER) == 1


# --- while it runs ----------------------------------------------------------------------------


async def test_a_change_is_for_those_who_come() -> None:
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=TRUSTING) as gateway:
        gateway.ask("")
        old = await gateway.peer()
        await old.send(REQUEST)
        assert (await old.response()).status == 200
        gateway.ask("required")
        await old.send(REQUEST)
        assert (await old.response()).status == 200
        bare = await gateway.peer()
        await bare.send(REQUEST)
        assert await bare.to_the_end() == b""
        gateway.ask("")
        again = await gateway.peer()
        await again.send(REQUEST)
        assert (await again.response()).status == 200


async def test_a_drain_waits_for_headers_that_have_begun() -> None:
    async with Backend() as backend, Asking(rule(to(backend.port)), settings=TRUSTING) as gateway:
        silent, begun = await gateway.peer(), await gateway.peer()
        await begun.send(V1[:10])
        await eventually(lambda: waiting(gateway.metrics, LISTENER) == 2)
        gateway.plane.begin_drain()
        gateway.plane.close_idle()
        assert await silent.to_the_end() == b"" and counted(gateway.metrics, "drained", LISTENER) == 1
        await begun.send(V1[10:] + REQUEST)
        response = await begun.response()
        assert response.status == 200 and response.all(b"connection") == [b"close"]
        assert (backend.requests[0].all(b"x-forwarded-for")) == [b"192.0.2.7"]


async def test_at_the_end_of_a_drain_those_who_wait_are_cut() -> None:
    async with AskingL4(settings=TRUSTING) as gateway:
        client = await gateway.peer()
        await client.send(V1[:10])
        await eventually(lambda: waiting(gateway.metrics) == 1)
        gateway.plane.abort_all()
        assert await client.to_the_end() == b""
        assert counted(gateway.metrics, "drained") == 1 and waiting(gateway.metrics) == 0


async def test_those_who_wait_count_as_connections() -> None:
    settings = replace(TRUSTING, max_connections=1)
    async with AskingL4(settings=settings) as gateway:
        await gateway.peer()
        await eventually(lambda: waiting(gateway.metrics) == 1)
        other = await gateway.peer()
        assert await other.to_the_end() == b""
        assert counted(gateway.metrics, "overload") == 1 and waiting(gateway.metrics) == 1


@pytest.mark.parametrize("source", [PROXY, STRANGER])
async def test_nothing_of_it_stays_behind(source: str) -> None:
    """Freed by reference counts alone (see runtime.worker), with what it was handed over to."""
    names = {"Proxied", "Relay", "Side", "Dial"}

    def alive() -> list[str]:
        return [name for thing in gc.get_objects() if (name := type(thing).__name__) in names]

    async with Backend(echoes) as backend, AskingL4(tcp(connections_to(backend.port)), settings=TRUSTING) as gateway:
        gc.collect()
        gc.disable()
        try:
            for opening in (V1, V2, b"nonsense"):
                client = await gateway.peer(source)
                (await client.send(opening + b"ping")).finish()
                await client.to_the_end()
            await eventually(lambda: not gateway.plane.connections)
            await eventually(lambda: alive() == [])
        finally:
            gc.enable()


async def test_other_ports_take_a_header_for_what_it_is() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port)), settings=TRUSTING) as gateway:
        client = await gateway.client()
        await client.send(V1 + REQUEST)
        assert (await client.response()).status == 400
