"""TLS to endpoints, on real sockets: who is believed, what is sent to whom, and what is said when nobody is."""

import asyncio
import datetime
import socket
import ssl
from contextlib import suppress

import pytest
from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from proxy.forward.mirror import Mirror as Copy
from proxy.snapshot.route import Mirror
from proxy.tls.loading import load_certificate
from tests.certificates import Authority, Pair, pair, server_side
from tests.e2e.gateway import rule, to
from tests.e2e.peers import Backend, Peer, ok
from tests.e2e.secure_backends import Sealed, SecuringGateway, Trust, old_versions_only
from tests.forward.memory import asking
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n"
ROOT, FOREIGN = Authority("root"), Authority("foreign")
GOOD = ROOT.issues("one.example")
PAST = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC)
SPIFFE = "spiffe://one.example/ns/shop/sa/cart"


class Greeted:
    """The endpoint's side of TLS; keeps the server names it was asked for."""

    def __init__(self, pair: Pair = GOOD, *clients: bytes) -> None:
        self.names: list[str | None] = []
        self.context = server_side(pair, *clients)
        self.context.sni_callback = lambda _, name, __: self.names.append(name)


@pytest.mark.parametrize("old", [False, True])
async def test_a_request_goes_to_who_is_vouched_for_and_its_connection_is_kept(old: bool) -> None:
    it, trust = Greeted(), Trust()
    context = old_versions_only(it.context) if old else it.context
    async with (
        Backend(secure=context) as backend,
        SecuringGateway(trust, rule(trust.to(backend.port, authority=ROOT))) as gateway,
    ):
        client = await gateway.client()
        for _ in range(3):
            await client.send(GET)
            assert (await client.response()).body == b"path=/a"
        assert len(backend.peers) == 1
        assert it.names == ["one.example"]
        [*_, request] = backend.requests
        assert dict(request.fields)[b"host"] == b"www.example.com"


NOT_BELIEVED = [
    # (what the endpoint has, the names that are wanted instead of one.example, reason)
    (FOREIGN.issues("one.example"), (), "certificate_untrusted"),
    (pair("one.example"), (), "certificate_untrusted"),
    (ROOT.issues("two.example"), (), "certificate_name_mismatch"),
    (ROOT.issues(common_name="one.example"), (), "certificate_name_mismatch"),
    (ROOT.issues("*.one.example"), (), "certificate_name_mismatch"),
    (ROOT.issues(uris=("https://one.example",)), (), "certificate_name_mismatch"),
    (ROOT.issues("one.example", ends=PAST), (), "certificate_expired"),
    (GOOD, (("DNS", "two.example"),), "certificate_name_mismatch"),
    (GOOD, (("URI", "one.example"), ("URI", SPIFFE)), "certificate_name_mismatch"),
    (ROOT.issues("one.example", uris=(SPIFFE + "/x",)), (("URI", SPIFFE),), "certificate_name_mismatch"),
    (FOREIGN.issues("one.example", uris=(SPIFFE,)), (("URI", SPIFFE),), "certificate_untrusted"),
]


@pytest.mark.parametrize(("has", "names", "reason"), NOT_BELIEVED)
async def test_an_endpoint_that_is_not_believed_gets_no_octet_of_a_request(
    has: Pair, names: tuple[tuple[str, str], ...], reason: str
) -> None:
    trust = Trust()
    async with Backend(secure=server_side(has)) as backend:
        upstream = trust.to(backend.port, authority=ROOT, names=names)
        async with SecuringGateway(trust, rule(upstream)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 502
            assert gateway.failures(upstream, reason) == 1
            record = gateway.log.records[-1]
            assert (record.status, record.flags, record.reason) == (502, "UTLS", reason)
            assert all(peer.received == b"" for peer in backend.peers)


BELIEVED = [
    (ROOT.issues("other.example"), (("DNS", "two.example"), ("DNS", "other.example"))),
    (ROOT.issues("*.other.example"), (("DNS", "a.other.example"),)),
    (ROOT.issues(uris=(SPIFFE,)), (("URI", SPIFFE),)),
    (ROOT.issues("x.example", uris=(SPIFFE,)), (("DNS", "y.example"), ("URI", SPIFFE))),
]


@pytest.mark.parametrize(("has", "names"), BELIEVED)
async def test_one_of_several_names_is_enough_whatever_the_server_name(
    has: Pair, names: tuple[tuple[str, str], ...]
) -> None:
    it, trust = Greeted(has), Trust()
    async with Backend(secure=it.context) as backend:
        upstream = trust.to(backend.port, authority=ROOT, names=names)
        async with SecuringGateway(trust, rule(upstream)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            assert it.names == ["one.example"]


async def test_another_endpoint_is_asked_when_one_is_not_believed() -> None:
    trust = Trust()
    async with (
        Backend(secure=server_side(FOREIGN.issues("one.example"))) as bad,
        Backend(secure=Greeted().context) as ok_,
    ):
        upstream = trust.to(bad.port, ok_.port, authority=ROOT)
        async with SecuringGateway(trust, rule(upstream)) as gateway:
            for _ in range(4):
                client = await gateway.client()
                await client.send(GET)
                assert (await client.response()).status == 200
            assert gateway.failures(upstream, "certificate_untrusted") > 0
            assert all(peer.received == b"" for peer in bad.peers)


# --- what is no TLS ---------------------------------------------------------------------------


async def says_hello(peer: Peer) -> None:
    await peer.send(b"220 mail.example ESMTP\r\n")
    await peer.to_the_end()


async def answers_in_clear_text(peer: Peer) -> None:
    await peer.more()
    await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def hangs_up(peer: Peer) -> None:
    await peer.more()


NO_TLS = [
    (says_hello, 502, "UTLS", "unsupported_version"),
    (answers_in_clear_text, 502, "UTLS", "unsupported_version"),
    (hangs_up, 503, "UF", "unreachable"),
]


@pytest.mark.parametrize(("script", "status", "flag", "reason"), NO_TLS)
async def test_an_endpoint_without_tls(script: object, status: int, flag: str, reason: str) -> None:
    trust = Trust()
    async with Backend(script) as backend:  # type: ignore[arg-type]
        upstream = trust.to(backend.port, authority=ROOT)
        async with SecuringGateway(trust, rule(upstream)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == status
            assert gateway.failures(upstream, reason) == 1
            assert gateway.log.records[-1].flags == flag
            assert all(GET[:6] not in peer.received for peer in backend.peers)


async def test_a_handshake_that_does_not_end_is_a_connection_that_does_not_begin() -> None:
    trust = Trust()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        upstream = trust.to(silent.getsockname()[1], authority=ROOT)
        gateway = SecuringGateway(trust, rule(upstream))
        gateway._settings = DataPlaneSettings(connect_timeout=0.05)
        async with gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 504
            assert gateway.failures(upstream, "connect_timeout") == 1


async def test_a_client_that_goes_during_the_handshake_leaves_nothing_behind() -> None:
    trust = Trust()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        upstream = trust.to(silent.getsockname()[1], authority=ROOT)
        async with SecuringGateway(trust, rule(upstream)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            connection, _ = await asyncio.get_running_loop().run_in_executor(None, silent.accept)
            with connection:
                client.reset()
                connection.settimeout(20)
                ended = asyncio.get_running_loop().run_in_executor(None, _read_to_the_end, connection)
                await ended
            assert gateway.metrics.value("penstock_upstream_connections", (upstream[1].key, "active")) == 0


def _read_to_the_end(connection: socket.socket) -> None:
    with suppress(ConnectionError):
        while connection.recv(1 << 16):
            pass


# --- what cannot be followed ------------------------------------------------------------------


async def test_tls_that_cannot_be_had_is_never_replaced_by_clear_text() -> None:
    """A bundle that is missing is a fault of ours; the endpoint must not pay for it."""
    trust = Trust()
    async with Backend() as backend:
        upstream = trust.to(backend.port, authority=ROOT)
        trust.bundles.clear()
        async with SecuringGateway(trust, rule(upstream)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 500
            assert gateway.log.records[-1].reason == "backend_tls_unusable"
        assert backend.peers == []


# --- client certificates ----------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True])
async def test_the_gateway_shows_its_certificate_and_a_backend_its_own(old: bool) -> None:
    clients = Authority("clients")
    of_gateway, own = clients.issues("gateway.example"), clients.issues("own.example")
    seen: list[str] = []

    async def tells(peer: Peer) -> None:
        certificate = peer._writer.get_extra_info("peercert")
        seen.append(dict(certificate["subjectAltName"])["DNS"])
        await peer.until(b"\r\n\r\n")
        await peer.send(ok())

    context = server_side(GOOD, clients.pem)
    trust = Trust()
    async with Backend(tells, secure=old_versions_only(context) if old else context) as backend:
        rules = [
            rule(trust.to(backend.port, authority=ROOT), path=b"/a"),
            rule(trust.to(backend.port, authority=ROOT, shows=own, key="default/own:80"), path=b"/b"),
        ]
        async with SecuringGateway(trust, *rules, shows=of_gateway) as gateway:
            for path in (b"/a", b"/b"):
                client = await gateway.client()
                await client.send(GET.replace(b"/a", path))
                assert (await client.response()).status == 200
    assert seen == ["gateway.example", "own.example"]


@pytest.mark.parametrize("old", [False, True])
async def test_an_endpoint_that_wants_another_client_certificate_says_so(old: bool) -> None:
    """With TLS 1.3 it says so after the handshake, when the request may be under way."""
    context = server_side(GOOD, Authority("clients").pem)
    read: list[bytes] = []

    async def refuses(peer: Peer) -> None:
        sealed = Sealed(peer, old_versions_only(context) if old else context)
        assert not await sealed.handshake()
        read.append(sealed.received)

    trust = Trust()
    async with Backend(refuses) as backend:
        upstream = trust.to(backend.port, authority=ROOT)
        async with SecuringGateway(trust, rule(upstream)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 502
            assert gateway.failures(upstream, "endpoint_alert") == 1
            assert gateway.log.records[-1].reason == "endpoint_alert"
    assert read == [b""]


async def test_another_client_certificate_means_other_connections() -> None:
    clients = Authority("clients")
    trust = Trust()
    async with Backend(secure=server_side(GOOD, clients.pem)) as backend:
        rules = [rule(trust.to(backend.port, authority=ROOT))]
        async with SecuringGateway(trust, *rules, shows=clients.issues("one.example")) as gateway:
            client = await gateway.client()
            for n, shows in enumerate([None, clients.issues("two.example")]):
                if shows is not None:
                    gateway.shows = shows
                    gateway.install(*rules)
                await client.send(GET)
                assert (await client.response()).status == 200
                assert len(backend.peers) == n + 1
            await eventually(lambda: backend.peers[0].how)


# --- ends -------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False])
async def test_a_body_that_its_end_delimits_is_whole_when_tls_says_so(whole: bool) -> None:
    async def until_close(peer: Peer) -> None:
        sealed = Sealed(peer, server_side(GOOD))
        await sealed.handshake()
        await sealed.until(b"\r\n\r\n")
        await sealed.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        if whole:
            await sealed.say_end()

    trust = Trust()
    async with (
        Backend(until_close) as backend,
        SecuringGateway(trust, rule(trust.to(backend.port, authority=ROOT))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        told = await client.until(b"0\r\n\r\n") if whole else await client.to_the_end()
        assert b"5\r\nhello\r\n" in told
        assert told.endswith(b"0\r\n\r\n") == whole
        await eventually(lambda: gateway.log.records)
        assert gateway.log.records[0].reason == ("" if whole else "upstream_truncated")


async def echoes(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    await peer.until(b"ping")
    await peer.send(b"pong")
    await peer.to_the_end()


UPGRADE = (
    b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_an_upgraded_connection() -> None:
    trust = Trust()
    async with (
        Backend(echoes, secure=Greeted().context) as backend,
        SecuringGateway(trust, rule(trust.to(backend.port, authority=ROOT))) as gateway,
    ):
        client = await gateway.client()
        await client.send(UPGRADE)
        assert (await client.response()).status == 101
        await client.send(b"ping")
        await client.until(b"pong")
        client.finish()
        assert await client.to_the_end() == b""


@pytest.mark.parametrize("said", [True, False])
async def test_who_has_sent_all_on_an_upgraded_connection_is_still_answered(said: bool) -> None:
    """Half of it is closed, in TLS and TCP alike. An end that was not said must not look like one that was."""

    async def answers_late(peer: Peer) -> None:
        sealed = Sealed(peer, server_side(GOOD))
        await sealed.handshake()
        await sealed.until(b"\r\n\r\n")
        await sealed.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        await sealed.until_it_ends()
        assert sealed.received.endswith(b"ping")
        await sealed.send(b"late" * 10_000)
        if said:
            await sealed.say_end()

    trust = Trust()
    async with (
        Backend(answers_late) as backend,
        SecuringGateway(trust, rule(trust.to(backend.port, authority=ROOT))) as gateway,
    ):
        client = await gateway.client()
        await client.send(UPGRADE)
        assert (await client.response()).status == 101
        await client.send(b"ping")
        client.finish()
        late = await client.to_the_end()
        if said:
            assert (late, client.how) == (b"late" * 10_000, "fin")
        await eventually(lambda: gateway.log.records)
        assert gateway.log.records[0].reason == ("" if said else "upstream_truncated")


# --- beside it --------------------------------------------------------------------------------


async def test_a_mirror_is_spoken_to_as_its_policy_says() -> None:
    it, trust = Greeted(), Trust()
    async with Backend() as backend, Backend(secure=it.context) as mirror:
        ref, upstream = trust.to(mirror.port, authority=ROOT)
        copied = rule(to(backend.port), filters=(Mirror(ref.backend, ref.upstream),))
        copied = (copied[0], copied[1], (*copied[2], upstream))
        async with SecuringGateway(trust, copied) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            await eventually(lambda: mirror.requests)
            assert it.names == ["one.example"]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("sound", [True, False])
async def test_a_request_that_waits_when_a_policy_comes_does_not_go_out_in_clear_text(
    sound: bool, shared: bool
) -> None:
    """It was to, and has not gone yet. `shared`: another Service has the same endpoint, and no policy."""
    trust, answer = Trust(), asyncio.Event()

    async def holds(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await answer.wait()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await peer.to_the_end()

    async with Backend(holds) as clear, Backend(secure=server_side(ROOT.issues("one.example"))) as secure:
        settings = DataPlaneSettings(max_upstream_connections=1)
        ref, upstream = to(clear.port)
        others = [rule((replace(ref, upstream="o"), replace(upstream, key="o")), path=b"/other")] if shared else []
        async with SecuringGateway(trust, rule((ref, upstream)), *others, settings=settings) as gateway:
            first, second = await gateway.client(), await gateway.client()
            await first.send(GET)
            await eventually(lambda: clear.peers and clear.peers[0].received)
            await second.send(GET)
            (pool,) = gateway.plane._registry._pools.values()
            await eventually(lambda: pool.active == 2)
            policed = trust.to(secure.port, authority=ROOT, key=upstream.key)
            if not sound:
                policed = ref, replace(upstream, endpoints=(), invalid="backend_tls_invalid")
            gateway.install(rule(policed), *others)
            answer.set()
            assert [(await client.response()).status for client in (first, second)] == [200, 200 if sound else 500]
            assert (len(clear.peers), clear.peers[0].received.count(b"GET"), len(secure.peers)) == (1, 1, sound)


async def test_a_mirror_that_waits_when_a_policy_comes_is_dropped() -> None:
    async with Backend() as mirror:
        ref, upstream = to(mirror.port)
        async with SecuringGateway(Trust(), rule((ref, upstream))) as gateway:
            live = gateway.plane._registry.upstream(upstream.key)
            [pool] = live.pools
            Copy(gateway.plane._plane, live, asking()).begin()
            assert pool.connections == 1  # which is being made
            gateway.install(rule((ref, replace(upstream, endpoints=(), invalid="backend_tls_invalid"))))
            await eventually(lambda: not pool.connections)
            assert gateway.metrics.value("penstock_mirror_requests_total", (upstream.key, "dropped")) == 1
            await eventually(lambda: all(peer.how for peer in mirror.peers))
            assert [peer.received for peer in mirror.peers if peer.received] == []


async def test_authorities_change_while_requests_are_under_way_and_none_is_lost() -> None:
    """First the bundle gets the new authority, then the endpoint its certificate, then the old authority goes."""
    old, new = Authority("old"), Authority("new")
    both = Authority("both")
    both.pem = old.pem + new.pem
    trust = Trust()
    statuses: list[int] = []
    stop = asyncio.Event()
    context = server_side(old.issues("one.example"))
    async with Backend(secure=context) as backend:

        def rules(authority: Authority) -> object:
            return rule(trust.to(backend.port, authority=authority))

        async with SecuringGateway(trust, rules(old)) as gateway:  # type: ignore[arg-type]

            async def asks() -> None:
                client = await gateway.client()
                while not stop.is_set():
                    await client.send(GET)
                    statuses.append((await client.response()).status)

            async def more() -> None:
                so_far = len(statuses)
                await eventually(lambda: len(statuses) > so_far + 20)

            tasks = [asyncio.create_task(asks()) for _ in range(4)]
            await more()
            gateway.install(rules(both))  # type: ignore[arg-type]
            await more()
            _take(context, new.issues("one.example"))
            await more()
            gateway.install(rules(new))  # type: ignore[arg-type]
            await more()
            made = len(backend.peers)
            gateway.install(rules(old))  # type: ignore[arg-type]
            await eventually(lambda: 502 in statuses)
            stop.set()
            await asyncio.gather(*tasks)
            assert set(statuses) == {200, 502}
            assert statuses[: statuses.index(502)].count(200) == statuses.index(502)
            assert all(peer.received == b"" for peer in backend.peers[made:])
            await eventually(lambda: all(peer.how or peer.received == b"" for peer in backend.peers))


def _take(context: ssl.SSLContext, other: Pair) -> None:
    load_certificate(context, other.certificate)
