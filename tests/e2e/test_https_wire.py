"""TLS on the wire: what is cut, held back, damaged, or never comes."""

import asyncio
import ssl
from collections.abc import Callable

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.certificate import Certificate
from tests.certificates import Pair, client_context, pair
from tests.e2e.gateway import rule, to
from tests.e2e.peers import Backend, Ended, Peer, ok
from tests.e2e.secure import SecureGateway, TLSClient
from tests.oracle import grammar
from tests.patience import eventually
from tests.protocol.tls.hellos import HELLOS

ONE = pair("one.example")
ONLY = {"": [ONE]}
GET = b"GET /x HTTP/1.1\r\nHost: one.example\r\n\r\n"
MIB = 1 << 20


async def tls(gateway: SecureGateway, cut: Callable[[bytes], list[bytes]] = lambda data: [data]) -> TLSClient:
    return await TLSClient(await gateway.client(), client_context(ONE), "one.example").handshake(cut)


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


# --- before there is a connection -------------------------------------------------------------


async def test_a_hello_that_comes_octet_by_octet() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway, bytewise)
        for piece in bytewise(client.sealed(GET)):
            await client.peer.send(piece)
        assert (await client.until(b"path=/x")).startswith(b"HTTP/1.1 200 ")


async def test_a_request_in_the_segment_that_ends_the_handshake() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = TLSClient(await gateway.client(), client_context(ONE), "one.example")
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.do_handshake()
        await client.flush()
        await client._feed()
        client.tls.do_handshake()
        await client.send(GET)  # with it goes the Finished message
        await client.until(b"path=/x")


@pytest.mark.parametrize(
    ("octets", "result"),
    [
        (GET, "not_tls"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not_tls"),
        (b"\x16\x03\x01\x00\x05\x02abcd", "malformed_hello"),
        (b"\x16\x03\x01\xff\xff", "malformed_hello"),
    ],
)
async def test_what_is_no_hello_is_closed_and_counted(octets: bytes, result: str) -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await gateway.client()
        await client.send(octets)
        assert await client.to_the_end() == b""
        assert gateway.handshakes(result) == 1
        assert not backend.peers and not gateway.log.records
        await eventually(lambda: not gateway.plane.connections)


async def test_garbage_behind_a_sound_hello_is_counted_under_the_listener() -> None:
    async with SecureGateway(rule(to(1)), certificates=ONLY) as gateway:
        client = TLSClient(await gateway.client(), client_context(ONE), "one.example")
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.do_handshake()
        await client.flush()
        await client.peer.more()
        await client.peer.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        await client.peer.to_the_end()
        await eventually(lambda: gateway.handshakes("protocol_error", "default/gateway/any") == 1)


class Unread(Pair):
    """A pair that nobody has looked at."""

    @property
    def certificate(self) -> Certificate:
        return Certificate(self.chain, self.key)


async def test_a_certificate_that_cannot_be_used_is_told_once_and_not_for_each_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Unread(ONE.chain, pair("two.example").key)
    async with SecureGateway(rule(to(1)), certificates={"": [broken]}) as gateway:
        for again in (1, 2):
            for _ in range(3):
                client = await gateway.client()
                await client.send(HELLOS["openssl-1.3"])
                await client.to_the_end()
            assert [record.levelname for record in caplog.records].count("ERROR") == again
            gateway.rotate("", broken)
        assert gateway.handshakes("no_certificate", gateway.name("")) == 6


@pytest.mark.parametrize("sent", [0, 1, 100, -1])
async def test_a_client_that_stalls_in_its_handshake_is_cut_off(sent: int) -> None:
    """Nothing, a part of the hello, or all of it and then no more."""
    settings = DataPlaneSettings(handshake_timeout=0.1)
    async with SecureGateway(rule(to(1)), certificates=ONLY, settings=settings) as gateway:
        client = TLSClient(await gateway.client(), client_context(ONE), "one.example")
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.do_handshake()
        hello = client._out.read()
        await client.peer.send(hello[: len(hello) if sent < 0 else sent])
        await client.peer.to_the_end()
        assert gateway.handshakes("timeout", "default/gateway/any" if sent < 0 else "") == 1
        await eventually(lambda: not gateway.plane.connections)


async def test_a_refused_client_that_takes_nothing_is_cut_off() -> None:
    """Closing would wait for it to take the certificates that were sent to it before it broke the handshake."""
    long = Unread(ONE.chain * 8_000, ONE.key)
    settings = DataPlaneSettings(handshake_timeout=0.5)
    async with SecureGateway(rule(to(1)), certificates={"": [long]}, settings=settings) as gateway:
        client = await gateway.client(receive_buffer=4096)
        client.stop_reading()
        await client.send(HELLOS["openssl-1.3"] + b"\x17\x03\x03\x00\x20" + bytes(32))
        await client.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        await eventually(lambda: gateway.handshakes("protocol_error", gateway.name("")))
        await eventually(lambda: not gateway.plane.connections)


async def test_a_client_that_does_not_trust_us_is_counted_by_its_alert() -> None:
    async with SecureGateway(rule(to(1)), certificates=ONLY) as gateway:
        client = TLSClient(await gateway.client(), client_context(), "one.example")
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.handshake()
        await client.flush()
        await eventually(lambda: gateway.handshakes("client_alert", "default/gateway/any") == 1)


async def test_connections_are_counted_by_what_they_do() -> None:
    async with SecureGateway(rule(to(1)), certificates=ONLY) as gateway:

        def number(protocol: str) -> float:
            return gateway.metrics.value("penstock_open_connections", ("default/gateway/any", protocol))

        client = TLSClient(await gateway.client(), client_context(ONE), "one.example")
        await eventually(lambda: (number("tls"), number("http/1.1")) == (1, 0))
        await client.handshake()
        await eventually(lambda: (number("tls"), number("http/1.1")) == (0, 1))
        client.peer.close()
        await eventually(lambda: (number("tls"), number("http/1.1")) == (0, 0))


async def test_more_connections_than_are_allowed_are_reset() -> None:
    settings = DataPlaneSettings(max_connections=1)
    async with SecureGateway(rule(to(1)), certificates=ONLY, settings=settings) as gateway:
        await tls(gateway)
        with pytest.raises((Ended, ConnectionError)):
            await tls(gateway)
        assert gateway.handshakes("overload") == 1


# --- the end of a connection ------------------------------------------------------------------


async def test_an_answer_that_is_the_last_ends_with_close_notify() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        while await client.more():
            pass
        assert client.received.endswith(b"path=/x")


async def test_a_refused_request_gets_its_answer_although_more_of_it_comes() -> None:
    async with SecureGateway(rule(to(1)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(b"BAD REQUEST\r\n\r\n" + bytes(100_000))
        while await client.more():
            pass
        assert client.received.startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_said_its_end_still_gets_its_answer() -> None:
    go = asyncio.Event()

    async def waits(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        await peer.send(ok(b"late"))

    async with Backend(waits) as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(GET)
        await client.say_end()
        await eventually(lambda: backend.peers)
        go.set()
        while await client.more():
            pass
        assert client.received.endswith(b"late")


async def test_an_idle_client_that_says_its_end_is_answered_with_ours() -> None:
    async with SecureGateway(rule(to(1)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.say_end()
        assert not await client.more()
        await eventually(lambda: not gateway.plane.connections)


@pytest.mark.parametrize("said", [True, False])
async def test_a_body_that_is_cut_is_not_taken_for_whole(said: bool) -> None:
    async def reads(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.to_the_end()

    async with Backend(reads) as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(b"POST / HTTP/1.1\r\nHost: one.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await eventually(lambda: backend.peers and b"hello" in backend.peers[0].received)
        if said:
            await client.say_end()
        else:
            client.peer.finish()
        await eventually(lambda: backend.peers[0].how)
        assert not backend.peers[0].received.endswith(b"0\r\n\r\n")
        await eventually(lambda: gateway.log.records)
        assert gateway.log.records[0].flags == "DC"


async def upgrades(peer: Peer) -> None:
    await peer.until(b"\r\n\r\n")
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
    await peer.to_the_end()


@pytest.mark.parametrize(("said", "flags"), [(True, ""), (False, "DC")])
async def test_a_tunnel_that_is_cut_is_told_from_one_that_ends(said: bool, flags: str) -> None:
    async with Backend(upgrades) as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"))
        await client.until(b"101")
        await client.send(b"last words")
        await eventually(lambda: b"last words" in backend.peers[0].received)
        if said:
            await client.say_end()
        else:
            client.peer.finish()
        await eventually(lambda: backend.peers[0].how and gateway.log.records)
        assert gateway.log.records[0].flags == flags


async def test_a_damaged_record_ends_the_connection_and_is_counted() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        sealed = client.sealed(GET)
        await client.peer.send(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        await client.peer.to_the_end()
        failures = ("default/gateway/any", "protocol_error")
        assert gateway.metrics.value("penstock_tls_failures_total", failures) == 1
        assert not backend.peers


# --- what comes and goes ----------------------------------------------------------------------


async def test_many_small_writes_arrive_in_order() -> None:
    async def small(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(2000):
            await peer.send(b"6\r\n%05d,\r\n" % number)
        await peer.send(b"0\r\n\r\n")

    async with Backend(small) as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(GET)
        await client.until(b"0\r\n\r\n")
        [response] = grammar.read_response(client.received, b"GET", ended=False).messages
        assert response.body == b"".join(b"%05d," % number for number in range(2000))


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 262_144, 5 * MIB + 7])
async def test_bodies_of_all_sizes_go_there_and_back(size: int) -> None:
    async def echo(peer: Peer) -> None:
        request = await peer.request()
        await peer.send(ok(request.body))

    body = bytes(number % 251 for number in range(251)) * (size // 251 + 1)
    body = body[:size]
    async with Backend(echo) as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await gateway.secure("one.example", ONE)
        await client.send(b"POST / HTTP/1.1\r\nHost: one.example\r\nContent-Length: %d\r\n\r\n" % size + body)
        assert (await client.response()).body == body


async def test_pipelined_requests_in_one_record_and_over_many() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(GET * 50)
        for piece in [GET[at : at + 3] for at in range(0, len(GET), 3)]:
            await client.send(piece)
        while client.received.count(b"path=/x") < 51:
            await client.more()


async def test_what_waits_encrypted_is_read_when_the_backend_takes_more() -> None:
    """The client sends all and ends; most of it waits here, and none is lost."""
    go = asyncio.Event()

    async def slow(peer: Peer) -> None:
        peer._writer.transport.pause_reading()  # type: ignore[attr-defined]
        await go.wait()
        peer._writer.transport.resume_reading()  # type: ignore[attr-defined]
        request = await peer.request()
        await peer.send(ok(b"%d" % len(request.body)))

    size = 3 * MIB
    async with Backend(slow) as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = await tls(gateway)
        await client.send(b"POST / HTTP/1.1\r\nHost: one.example\r\nContent-Length: %d\r\n\r\n" % size)
        sending = asyncio.create_task(client.send(bytes(size)))
        await eventually(lambda: backend.peers)
        go.set()
        await sending
        await client.say_end()
        assert b"%d" % size in await client.until(b"\r\n\r\n%d" % size)


# --- drain ------------------------------------------------------------------------------------


async def test_a_drain_ends_idle_connections_and_says_so() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        idle, busy, fresh = await tls(gateway), await tls(gateway), await gateway.client()
        await eventually(lambda: gateway.plane.connections == 3)
        gateway.plane.begin_drain()
        await busy.send(GET)
        while await busy.more():
            pass
        assert b"connection: close" in busy.received
        gateway.plane.close_idle()
        assert not await idle.more()
        await fresh.to_the_end()
        assert gateway.handshakes("drained") == 1
        assert not gateway.plane.connections


async def test_a_handshake_begun_before_the_drain_is_served() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=ONLY) as gateway:
        client = TLSClient(await gateway.client(), client_context(ONE), "one.example")
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.do_handshake()
        await client.flush()
        await eventually(lambda: gateway.plane.connections)
        gateway.plane.begin_drain()
        gateway.plane.close_idle()
        await client.handshake()
        await client.send(GET)
        assert b"connection: close" in await client.until(b"path=/x")
