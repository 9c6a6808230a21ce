"""Connections and flows that are passed on as they are, through a data plane in this process."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Self, TypeVar

import pytest
import pytest_asyncio
from msgspec.structs import replace

from proxy.downstream.dataplane import DataPlane
from proxy.downstream.l4.relay import Relay
from proxy.downstream.listeners import BoundPort
from proxy.downstream.settings import DataPlaneSettings
from proxy.forward.ongoing import EVERY, Ongoing
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.certificate import Certificate
from proxy.snapshot.delta import difference
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.names import NameKey, Resolved
from proxy.snapshot.route import BackendRef
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Protocol, Snapshot, Transport, Upstream
from tests.certificates import Authority, server_side
from tests.clock import ManualTime
from tests.e2e.gateway import Log
from tests.e2e.peers import Backend, Peer, connect
from tests.e2e.secure_backends import Trust
from tests.patience import PATIENCE, eventually

T = TypeVar("T")
LISTENER = "default/gateway/l4"
AUTHORITY = Authority("one")


def to(*ports: int, weight: int = 1, protocol: Protocol = "tcp") -> tuple[BackendRef, Upstream]:
    key = "default/" + "-".join(map(str, ports)) + ":80"
    return BackendRef(key, weight, key), Upstream(key, tuple(Endpoint("127.0.0.1", port) for port in ports), protocol)


class L4Gateway:
    """One listener with routes, on a free port."""

    def __init__(
        self,
        *routes: tuple[L4Route, tuple[Upstream, ...]],
        protocol: str = "TCP",
        certificate: Certificate | None = None,
        settings: DataPlaneSettings | None = None,
        address: str = "127.0.0.1",
        trust: Trust | None = None,
    ) -> None:
        self._trust = trust or Trust()
        self._address = address
        self._routes = routes
        self._protocol = protocol
        self._certificate = certificate
        self._transport: Transport = "UDP" if protocol == "UDP" else "TCP"
        self._settings = settings or DataPlaneSettings()
        self._peers: list[Peer] = []
        self.metrics = WorkerMetrics.in_memory()
        self.log = Log()

    async def __aenter__(self) -> Self:
        self.plane = DataPlane(self._settings, self.metrics, self.log)  # type: ignore[arg-type]  # a list will do
        self.install(*self._routes)
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM if self._transport == "UDP" else socket.SOCK_STREAM)
        sock.bind((self._address, 0))
        if self._transport == "TCP":
            sock.listen()
        sock.setblocking(False)
        self.port = sock.getsockname()[1]
        await self.plane.open(self._bind(), sock)
        return self

    def _bind(self) -> Bind:
        return Bind("127.0.0.1", 80, (LISTENER,), self._transport)

    def install(self, *routes: tuple[L4Route, tuple[Upstream, ...]]) -> None:
        certificates = {} if self._certificate is None else {self._certificate.digest: self._certificate}
        snapshot = Snapshot(
            generation=self.plane.generation + 1,
            binds=(self._bind(),),
            listeners={
                LISTENER: Listener("default/gateway", "l4", self._protocol, b"", 80, certificates=tuple(certificates))
            },
            buckets={},
            upstreams={upstream.key: upstream for _, upstreams in routes for upstream in upstreams},
            certificates=certificates,
            upstream_tls=self._trust.settings,
            bundles=self._trust.bundles,
            l4={LISTENER: tuple(route for route, _ in routes)},
        )
        self.plane.commit(self.plane.prepare(difference(self.plane.snapshot, snapshot)))

    async def client(self) -> Peer:
        self._peers.append(await connect(self.port, "127.0.0.1"))
        return self._peers[-1]

    async def __aexit__(self, *exc: object) -> None:
        for peer in self._peers:
            peer.close()
        await self.plane.close_listeners()
        self.plane.abort_all()
        await eventually(lambda: not self.plane.connections)

    def reasons(self) -> list[str]:
        return [record.reason for record in self.log.records]

    def counted(self, backend: str, result: str) -> float:
        names = ("default/gateway", "l4", "default/r", backend, result)
        return self.metrics.values[self.metrics.counter("penstock_l4_connections_total", names)]


def tcp(*backends: tuple[BackendRef, Upstream]) -> tuple[L4Route, tuple[Upstream, ...]]:
    return L4Route("default/r", "TCPRoute", backends=tuple(ref for ref, _ in backends)), tuple(up for _, up in backends)


async def echoes(peer: Peer) -> None:
    while await peer.more():
        await peer.send(peer.received[peer._used :])
        peer._used = len(peer.received)


# --- TCP --------------------------------------------------------------------------------------


async def test_octets_pass_both_ways() -> None:
    async with Backend(echoes) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        client = await gateway.client()
        for piece in (b"one", b"two", b"x" * 300_000):
            await client.send(piece)
            await client.until(piece)
        client.finish()
        assert await client.to_the_end() == b"" and client.how == "fin"
        await eventually(lambda: len(gateway.log.records) == 1)
        [record] = gateway.log.records
        assert (record.protocol, record.bytes_in, record.bytes_out, record.reason) == ("TCP", 300_006, 300_006, "")
        assert record.endpoint == f"127.0.0.1:{backend.port}" and record.route == "default/r"
        assert gateway.counted(f"default/{backend.port}:80", "ok") == 1.0


async def test_octets_are_counted_while_a_connection_is_open_and_none_of_them_twice() -> None:
    async with Backend(echoes) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        time = ManualTime()
        ongoing = gateway.plane._plane.ongoing = Ongoing(time.wheel)
        names = ("default/gateway", "l4", "default/r", f"default/{backend.port}:80")
        slots = [gateway.metrics.counter("penstock_l4_bytes_total", (*names, way)) for way in ("in", "out")]

        def counted() -> list[float]:
            return [gateway.metrics.values[slot] for slot in slots]

        client = await gateway.client()
        for number, piece in enumerate((b"one", b"two")):
            await client.send(piece)
            await client.until(piece)
            assert counted() == [3.0 * number] * 2
            time.pass_(EVERY + 0.1)
            assert counted() == [3.0 * number + 3.0] * 2
        await client.send(b"the rest")
        client.finish()
        await client.to_the_end()
        await eventually(lambda: len(gateway.log.records) == 1)
        assert counted() == [14.0, 14.0] and len(ongoing) == 0


async def test_a_server_may_speak_first() -> None:
    async def greets(peer: Peer) -> None:
        await peer.send(b"220 hello\r\n")
        await peer.to_the_end()

    async with Backend(greets) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        client = await gateway.client()
        assert await client.until(b"\r\n") == b"220 hello\r\n"


async def test_half_closed_connections_go_on_the_other_way() -> None:
    async def counts(peer: Peer) -> None:
        body = await peer.to_the_end()
        assert peer.how == "fin"
        await peer.send(b"%d" % len(body))

    async def speaks_and_listens(peer: Peer) -> None:
        await peer.send(b"all I have")
        peer.finish()
        assert await peer.to_the_end() == b"thanks"

    async with Backend(counts) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        client = (await (await gateway.client()).send(b"x" * 100_000)).finish()
        assert await client.to_the_end() == b"100000" and client.how == "fin"
    async with Backend(speaks_and_listens) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        client = await gateway.client()
        assert await client.to_the_end() == b"all I have"
        (await client.send(b"thanks")).finish()
        await eventually(lambda: gateway.reasons() == [""])


async def test_a_server_may_have_said_all_before_it_is_asked() -> None:
    async def daytime(peer: Peer) -> None:
        await peer.send(b"noon")
        peer.finish()
        await peer.to_the_end()

    async with Backend(daytime) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        for _ in range(30):
            client = await gateway.client()
            assert await client.to_the_end() == b"noon" and client.how == "fin"
            client.finish()
        await eventually(lambda: gateway.reasons() == [""] * 30)


async def test_both_may_have_ended_before_they_are_joined() -> None:
    async def daytime(peer: Peer) -> None:
        await peer.send(b"noon")
        peer.finish()
        assert await peer.to_the_end() == b"when?"

    async with Backend(daytime) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        for _ in range(30):
            client = (await (await gateway.client()).send(b"when?")).finish()
            assert await client.to_the_end() == b"noon" and client.how == "fin"
        await eventually(lambda: gateway.reasons() == [""] * 30)


async def test_a_client_that_never_takes_the_rest_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    async def says_much(peer: Peer) -> None:
        peer._writer.write(b"x" * 30_000_000)
        peer.finish()
        await peer.to_the_end()

    monkeypatch.setattr("proxy.downstream.l4.relay.WRITE_STALL", 0.1)
    settings = DataPlaneSettings(tunnel_timeout=PATIENCE)
    async with Backend(says_much) as backend, L4Gateway(tcp(to(backend.port)), settings=settings) as gateway:
        client = (await gateway.client()).finish()
        client.stop_reading()
        [relay] = await _relays(gateway)
        side = relay.endpoint_side
        assert side is not None and side.transport is not None
        side.transport.pause_reading()
        relay.half_closed(side)  # as if that had been all it had to say
        await eventually(lambda: gateway.reasons() == ["write_stalled"])


async def _relays(gateway: L4Gateway) -> list[Relay]:
    [port] = gateway.plane._ports.values()
    assert isinstance(port, BoundPort)

    def full() -> bool:
        sides = [each.client.transport for each in port.connections if isinstance(each, Relay)]
        return any(side is not None and side.get_write_buffer_size() for side in sides)

    await eventually(full)
    return [each for each in port.connections if isinstance(each, Relay)]


@pytest.mark.parametrize("who", ["client", "endpoint"])
async def test_a_reset_is_passed_on_as_one(who: str) -> None:
    ended: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.until(b"hello")
        if who == "endpoint":
            peer.reset()
            return
        await peer.to_the_end()
        ended.append(peer.how)

    async with Backend(script) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        client = await (await gateway.client()).send(b"hello")
        if who == "endpoint":
            await client.to_the_end()
            assert client.how == "reset" and gateway.reasons() == ["upstream_reset"]
        else:
            await eventually(lambda: bool(backend.peers and backend.peers[0].received))
            client.reset()
            await eventually(lambda: ended == ["reset"])
            assert gateway.reasons() == ["client_reset"]


async def test_weights_count_connections() -> None:
    async with (
        Backend(echoes) as one,
        Backend(echoes) as other,
        L4Gateway(tcp(to(one.port, weight=3), to(other.port, weight=1))) as gateway,
    ):
        for _ in range(20):
            client = await (await gateway.client()).send(b"x")
            await client.until(b"x")
        assert (len(one.peers), len(other.peers)) == (15, 5)


async def test_the_invalid_share_is_refused() -> None:
    invalid = BackendRef("default/gone:80", 1, "", "BackendNotFound")
    async with Backend(echoes) as backend:
        ref, upstream = to(backend.port)
        route = L4Route("default/r", "TCPRoute", backends=(ref, invalid))
        async with L4Gateway((route, (upstream,))) as gateway:
            served = 0
            for _ in range(10):
                client = await gateway.client()
                await client.send(b"x")
                served += b"x" in await client.to_the_end() if not await client.more() else True
            assert served == 5 and gateway.reasons().count("BackendNotFound") == 5


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (tcp(), "no_backend"),
        (
            tcp((BackendRef("default/x:80", 1, "default/x:80"), Upstream("default/x:80", (), "tcp"))),
            "no_ready_endpoint",
        ),
        (None, "no_route"),
    ],
)
async def test_what_cannot_be_passed_on_is_reset(
    route: tuple[L4Route, tuple[Upstream, ...]] | None, reason: str
) -> None:
    async with L4Gateway(*(() if route is None else (route,))) as gateway:
        client = await gateway.client()
        await client.to_the_end()
        assert client.how == "reset" and gateway.reasons() == [reason]


async def test_another_endpoint_is_asked_when_one_is_not_there() -> None:
    async with Backend(echoes) as gone:
        port = gone.port
    async with Backend(echoes) as backend, L4Gateway(tcp(to(port, backend.port))) as gateway:
        for _ in range(4):
            client = await (await gateway.client()).send(b"x")
            await client.until(b"x")
        assert len(backend.peers) == 4
    async with L4Gateway(tcp(to(port))) as gateway:
        client = await gateway.client()
        await client.to_the_end()
        assert client.how == "reset" and gateway.reasons() == ["connection_refused"]


async def test_a_name_is_waited_for_until_it_has_an_answer() -> None:
    async with Backend(echoes) as backend:
        ref = BackendRef("default/b", 1, "tcp://default/b")
        named = Upstream("tcp://default/b", (), "tcp", names=(Endpoint("db.example", backend.port),))
        async with L4Gateway(tcp((ref, named))) as gateway:
            client, gone = await (await gateway.client()).send(b"early"), await gateway.client()
            await eventually(lambda: gateway.plane.connections == 2)
            gone.reset()
            await eventually(lambda: gateway.reasons() == ["client_reset"])
            gateway.plane.resolve([Resolved(NameKey("db.example", False), ("127.0.0.1",))])
            assert await client.until(b"early") == b"early"
            gateway.plane.resolve([Resolved(NameKey("db.example", False), (), "nxdomain")])
            late = await gateway.client()
            await late.to_the_end()
            assert late.how == "reset" and gateway.reasons()[-1] == "nxdomain"


async def test_a_silent_connection_ends() -> None:
    settings = DataPlaneSettings(tunnel_timeout=0.05)
    async with Backend(echoes) as backend, L4Gateway(tcp(to(backend.port)), settings=settings) as gateway:
        client = await gateway.client()
        await client.to_the_end()
        assert client.how == "reset" and gateway.reasons() == ["idle_timeout"]


async def test_a_slow_endpoint_slows_its_client() -> None:
    async def reads_late(peer: Peer) -> None:
        peer.stop_reading()
        await asyncio.wait_for(late.wait(), PATIENCE)
        peer._writer.transport.resume_reading()  # type: ignore[attr-defined]  # the other half of stop_reading
        await peer.to_the_end()

    late = asyncio.Event()
    async with Backend(reads_late) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        client = await gateway.client()
        client._writer.write(b"x" * 8_000_000)
        await eventually(lambda: bool(backend.peers))
        [relay] = next(iter(gateway.plane._ports.values())).connections  # type: ignore[union-attr]
        await eventually(lambda: relay.endpoint_side is not None)  # type: ignore[union-attr]
        endpoint = relay.endpoint_side.transport  # type: ignore[union-attr]
        await eventually(lambda: endpoint.get_write_buffer_size() > 0)  # type: ignore[union-attr]
        assert endpoint.get_write_buffer_size() < 1 << 20  # type: ignore[union-attr]
        late.set()
        client.finish()
        await eventually(lambda: gateway.reasons() == [""])
        assert gateway.log.records[0].bytes_in == 8_000_000


async def test_connections_outlive_a_reload_and_end_with_the_time_to_drain() -> None:
    async with Backend(echoes) as old, Backend(echoes) as new, L4Gateway(tcp(to(old.port))) as gateway:
        client = await (await gateway.client()).send(b"a")
        await client.until(b"a")
        gateway.install(tcp(to(new.port)))
        await client.send(b"b")
        await client.until(b"b")
        later = await (await gateway.client()).send(b"c")
        await later.until(b"c")
        assert (len(old.peers), len(new.peers)) == (1, 1)
        gateway.plane.begin_drain()
        await client.send(b"d")
        await client.until(b"d")
        gateway.plane.abort_all()
        await client.to_the_end()
        assert [(one.reason, one.flags) for one in gateway.log.records] == [("drained", "DR")] * 2


# --- TLS --------------------------------------------------------------------------------------


def tls(hostname: bytes, name: str, *backends: tuple[BackendRef, Upstream]) -> tuple[L4Route, tuple[Upstream, ...]]:
    refs = tuple(ref for ref, _ in backends)
    return L4Route(f"default/{name}", "TLSRoute", hostname, backends=refs), tuple(up for _, up in backends)


def server(name: str) -> ssl.SSLContext:
    return server_side(AUTHORITY.issues(name))


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.pem.decode())
    return context


async def asks(port: int, name: str | None, data: bytes = b"ping") -> bytes:
    context = trusting()
    context.check_hostname = name is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
    writer.write(data)
    got = await asyncio.wait_for(reader.readexactly(len(data)), PATIENCE)
    writer.close()
    return got


async def test_tls_passes_by_its_server_name() -> None:
    async with (
        Backend(echoes, secure=server("a.example")) as one,
        Backend(echoes, secure=server("*.b.example")) as other,
        L4Gateway(
            tls(b"a.example", "a", to(one.port)), tls(b"*.b.example", "b", to(other.port)), protocol="TLS"
        ) as gateway,
    ):
        assert await asks(gateway.port, "a.example") == b"ping"
        assert await asks(gateway.port, "x.b.example") == b"ping"
        assert (len(one.peers), len(other.peers)) == (1, 1)
        await eventually(lambda: len(gateway.log.records) == 2)
        assert {record.route for record in gateway.log.records} == {"default/a", "default/b"}
        with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
            await asks(gateway.port, "c.example")


async def test_a_hello_in_many_pieces_passes_whole() -> None:
    context = trusting()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    async with (
        Backend(echoes) as backend,
        L4Gateway(tls(b"a.example", "a", to(backend.port)), protocol="TLS") as gateway,
    ):
        peer = await gateway.client()
        for octet in hello:
            await peer.send(bytes((octet,)))
            await asyncio.sleep(0)
        peer.finish()
        assert await peer.to_the_end() == hello


async def test_a_name_nobody_serves_ends_without_an_alert() -> None:
    async with (
        Backend(echoes) as backend,
        L4Gateway(tls(b"a.example", "a", to(backend.port)), protocol="TLS") as gateway,
    ):
        for hello in (_hello("b.example"), _hello(None), b"GET / HTTP/1.1\r\n\r\n"):
            peer = await (await gateway.client()).send(hello)
            assert await peer.to_the_end() == b""
        assert backend.peers == []


def _hello(name: str | None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


async def test_tls_may_end_here() -> None:
    certificate = AUTHORITY.issues("a.example").certificate

    async def greets_and_echoes(peer: Peer) -> None:
        await peer.send(b"hi ")
        await echoes(peer)

    async with (
        Backend(greets_and_echoes) as backend,
        L4Gateway(tls(b"a.example", "a", to(backend.port)), protocol="TLS", certificate=certificate) as gateway,
    ):
        context = trusting()
        context.set_alpn_protocols(["h2", "http/1.1"])
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", gateway.port, ssl=context, server_hostname="a.example"
        )
        assert await asyncio.wait_for(reader.readexactly(3), PATIENCE) == b"hi "
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
        writer.write(b"x" * 100_000)
        assert len(await asyncio.wait_for(reader.readexactly(100_000), PATIENCE)) == 100_000
        writer.close()
        await eventually(lambda: len(gateway.log.records) == 1)
        assert gateway.log.records[0].tls.startswith("TLSv1.")


class HalfClosing:
    """A client of TLS that can say its end and read on, which asyncio's cannot."""

    def __init__(self, peer: Peer, name: str) -> None:
        self._peer = peer
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusting().wrap_bio(self._in, self._out, server_hostname=name)
        self._fed = 0

    async def run(self, step: Callable[[], T]) -> T:
        """Until the step needs no more from the other side."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._peer.more()
                self._in.write(self._peer.received[self._fed :])
                self._fed = len(self._peer.received)
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if data := self._out.read():
            await self._peer.send(data)

    async def end(self) -> None:
        """close_notify, without waiting for the other one."""
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        await self._flush()


async def test_half_closes_pass_where_tls_ends_here() -> None:
    async def counts(peer: Peer) -> None:
        await peer.send(b"%d" % len(await peer.to_the_end()))

    async with (
        Backend(counts) as backend,
        L4Gateway(
            tls(b"a.example", "a", to(backend.port)),
            protocol="TLS",
            certificate=AUTHORITY.issues("a.example").certificate,
        ) as gateway,
    ):
        client = HalfClosing(await gateway.client(), "a.example")
        await client.run(client.tls.do_handshake)
        for _ in range(10):
            await client.run(lambda: client.tls.write(b"x" * 10_000))
        await client.end()
        assert await client.run(lambda: client.tls.read(100)) == b"100000"
        await eventually(lambda: gateway.reasons() == [""])


async def test_who_ends_tls_without_saying_so_is_named() -> None:
    async with (
        Backend(lambda peer: peer.to_the_end()) as backend,
        L4Gateway(
            tls(b"a.example", "a", to(backend.port)),
            protocol="TLS",
            certificate=AUTHORITY.issues("a.example").certificate,
        ) as gateway,
    ):
        peer = await gateway.client()
        client = HalfClosing(peer, "a.example")
        await client.run(client.tls.do_handshake)
        await client.run(lambda: client.tls.write(b"x"))
        peer.finish()
        await eventually(lambda: gateway.log.records)
        assert [(one.reason, one.flags) for one in gateway.log.records] == [("truncated", "DC")]


@pytest.mark.parametrize("name", ["one.example", "another.example"])
async def test_endpoints_may_be_spoken_to_over_tls_and_are_verified(name: str) -> None:
    trust = Trust()
    async with Backend(echoes, secure=server("one.example")) as backend:
        ref, upstream = trust.to(backend.port, authority=AUTHORITY, name=name)
        route = tcp((ref, replace(upstream, protocol="tcp")))
        async with L4Gateway(route, trust=trust) as gateway:
            client = await (await gateway.client()).send(b"x" * 50_000)
            if name == "one.example":
                assert len(await client.until(b"x" * 50_000)) == 50_000
                client.finish()
                await client.to_the_end()
                assert client.how == "fin"
            else:
                await client.to_the_end()
                assert client.how == "reset" and gateway.reasons() == ["certificate_name_mismatch"]


# --- UDP --------------------------------------------------------------------------------------


class UdpPeer(asyncio.DatagramProtocol):
    """A socket, and what came."""

    def __init__(self, answers: Callable[[bytes], bytes] | None = None) -> None:
        self._answers = answers
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.senders: set[tuple[str, int]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]  # it is one

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.senders.add(addr)
        self.got.put_nowait(data)
        if self._answers is not None:
            self.transport.sendto(self._answers(data), addr)

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.got.get(), PATIENCE)

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("sockname")[1]
        return port


OPEN: list[UdpPeer] = []


@pytest_asyncio.fixture(autouse=True)
async def no_socket_is_left() -> AsyncIterator[None]:
    yield
    while OPEN:
        OPEN.pop().transport.close()
    await asyncio.sleep(0)


async def udp_server(answers: Callable[[bytes], bytes] | None = bytes.upper) -> UdpPeer:
    _, peer = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: UdpPeer(answers), local_addr=("127.0.0.1", 0)
    )
    OPEN.append(peer)
    return peer


async def udp_client(port: int, address: str = "127.0.0.1") -> UdpPeer:
    """It takes what comes from where it sends to, and nothing else."""
    _, peer = await asyncio.get_running_loop().create_datagram_endpoint(UdpPeer, remote_addr=(address, port))
    OPEN.append(peer)
    return peer


def udp(*backends: tuple[BackendRef, Upstream]) -> tuple[L4Route, tuple[Upstream, ...]]:
    return L4Route("default/r", "UDPRoute", backends=tuple(ref for ref, _ in backends)), tuple(up for _, up in backends)


async def test_datagrams_and_their_answers() -> None:
    server = await udp_server()
    async with L4Gateway(udp(to(server.port, protocol="udp")), protocol="UDP") as gateway:
        one, other = await udp_client(gateway.port), await udp_client(gateway.port)
        for text in (b"a", b"b", b"x" * 8000):
            one.transport.sendto(text)
            assert await one.next() == text.upper()
        other.transport.sendto(b"other")
        assert await other.next() == b"OTHER"
        assert len(server.senders) == 2 and one.got.empty()
    assert sorted((record.protocol, record.bytes_in) for record in gateway.log.records) == [("UDP", 5), ("UDP", 8002)]


@pytest.mark.parametrize("first", [b"", b"x"])
async def test_an_empty_datagram_is_one_too(first: bytes) -> None:
    """All that a client of RFC 867 says. Event loops do not send them, so the client here is a socket."""
    server = await udp_server(lambda data: data + b"!")
    loop = asyncio.get_running_loop()
    async with L4Gateway(udp(to(server.port, protocol="udp")), protocol="UDP") as gateway:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(("127.0.0.1", gateway.port))
            for data in (first, b""):
                client.send(data)
                assert await loop.sock_recv(client, 10) == data + b"!"


async def test_flows_are_weighted_and_stay_where_they_are() -> None:
    servers = [await udp_server(lambda _: b"0"), await udp_server(lambda _: b"1")]
    one, other = (
        to(server.port, weight=weight, protocol="udp") for server, weight in zip(servers, (3, 1), strict=True)
    )
    async with L4Gateway(udp(one, other), protocol="UDP") as gateway:
        answers: list[bytes] = []
        for _ in range(20):
            client = await udp_client(gateway.port)
            for _ in range(3):
                client.transport.sendto(b"x")
            got = {await client.next() for _ in range(3)}
            assert len(got) == 1
            answers += got
        assert (answers.count(b"0"), answers.count(b"1")) == (15, 5)


async def test_the_table_of_flows_is_bounded_and_silent_flows_end() -> None:
    server = await udp_server()
    settings = DataPlaneSettings(max_flows=3, udp_idle_timeout=0.2)
    async with L4Gateway(udp(to(server.port, protocol="udp")), protocol="UDP", settings=settings) as gateway:
        clients = [await udp_client(gateway.port) for _ in range(5)]
        for client in clients:
            client.transport.sendto(b"x")
            await client.next()
        [port] = gateway.plane._ports.values()
        assert port.flows == 3 and gateway.reasons() == ["evicted", "evicted"]  # type: ignore[union-attr]
        await eventually(lambda: port.flows == 0)  # type: ignore[union-attr]
        assert gateway.reasons()[2:] == ["", "", ""]
        clients[0].transport.sendto(b"again")
        assert await clients[0].next() == b"AGAIN"


async def test_who_gets_answers_stays_where_addresses_are_made_up() -> None:
    server = await udp_server()
    settings = DataPlaneSettings(max_flows=3)
    async with L4Gateway(udp(to(server.port, protocol="udp")), protocol="UDP", settings=settings) as gateway:
        client = await udp_client(gateway.port)
        for _ in range(2):
            client.transport.sendto(b"x")
            await client.next()
        for _ in range(6):
            other = await udp_client(gateway.port)
            other.transport.sendto(b"once")
            await other.next()
        client.transport.sendto(b"x")
        await client.next()
        assert gateway.reasons() == ["evicted"] * 4 and len(server.senders) == 7


@pytest.mark.parametrize(("everywhere", "one"), [("0.0.0.0", "127.0.0.2"), ("::", "::1")])
async def test_answers_come_from_the_address_that_was_asked(everywhere: str, one: str) -> None:
    server = await udp_server()
    route = udp(to(server.port, protocol="udp"))
    async with L4Gateway(route, protocol="UDP", address=everywhere) as gateway:
        client = await udp_client(gateway.port, one)
        for text in (b"a", b"b"):
            client.transport.sendto(text)
            assert await client.next() == text.upper()


async def test_datagrams_with_nowhere_to_go_are_counted_and_seldom_logged() -> None:
    async with L4Gateway(udp(), protocol="UDP") as gateway:
        client = await udp_client(gateway.port)
        for _ in range(5):
            client.transport.sendto(b"x")
        await eventually(lambda: gateway.counted("", "no_backend") == 5.0)
        assert gateway.reasons() == ["no_backend"] and gateway.log.records[0].protocol == "UDP"


async def test_an_endpoint_that_is_gone_and_one_that_has_come() -> None:
    old, new = await udp_server(lambda _: b"old"), await udp_server(lambda _: b"new")
    async with L4Gateway(udp(to(old.port, protocol="udp")), protocol="UDP") as gateway:
        client = await udp_client(gateway.port)
        client.transport.sendto(b"x")
        assert await client.next() == b"old"
        gateway.install(udp(to(new.port, protocol="udp")))
        client.transport.sendto(b"x")
        assert await client.next() == b"new"
        gateway.install(udp())
        client.transport.sendto(b"x")
        await eventually(lambda: gateway.reasons()[-1] == "no_backend")


async def test_nobody_listens_at_the_endpoint() -> None:
    gone = await udp_server()
    port = gone.port
    OPEN.pop().transport.close()
    await asyncio.sleep(0)
    async with L4Gateway(udp(to(port, protocol="udp")), protocol="UDP") as gateway:
        client = await udp_client(gateway.port)
        client.transport.sendto(b"x")
        await eventually(lambda: gateway.reasons() == ["upstream_refused"])


async def test_a_drain_begins_flows_until_listeners_close_and_then_goes_on_with_those() -> None:
    server = await udp_server()
    async with L4Gateway(udp(to(server.port, protocol="udp")), protocol="UDP") as gateway:
        clients = [await udp_client(gateway.port) for _ in range(3)]

        async def asks(client: UdpPeer) -> None:
            client.transport.sendto(b"x")
            assert await client.next() == b"X"

        await asks(clients[0])
        gateway.plane.begin_drain()
        await asks(clients[1])
        await gateway.plane.close_listeners()
        clients[2].transport.sendto(b"x")
        await eventually(lambda: gateway.counted("", "draining") == 1.0)
        await asks(clients[0])
        await asks(clients[1])
        assert gateway.plane.flows_under_way == 2 and clients[2].got.empty()
    assert gateway.reasons() == ["draining", "drained", "drained"]
    assert [record.flags for record in gateway.log.records[1:]] == ["DR", "DR"]
