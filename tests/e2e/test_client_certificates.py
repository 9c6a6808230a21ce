"""Client certificates end to end, with real TLS clients: who is let in, who is not, and what old connections do."""

import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.certificates import Pair, client_context, issued, pair, shows
from tests.e2e.gateway import rule, to
from tests.e2e.peers import Backend
from tests.e2e.secure import SecureGateway, TLSClient
from tests.patience import eventually

SERVER = pair("one.example", "two.example")
OURS, OTHER = pair("our ca"), pair("another ca")
MIDDLE = issued(OURS, "intermediate", ca=True)
LONG_AGO, FAR_AWAY = (
    datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(2110, 1, 1, tzinfo=datetime.UTC),
)
ALICE, MALLORY = issued(OURS, "alice"), issued(OTHER, "mallory")
GET = b"GET /x HTTP/1.1\r\nHost: %b\r\n\r\n"

VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])

REFUSED = [
    # (what the client shows, how its handshake is counted)
    ((), "client_certificate_missing"),
    ((MALLORY,), "client_certificate_untrusted"),
    ((pair("our ca", number=1),), "client_certificate_untrusted"),
    ((issued(MIDDLE, "without its intermediate"),), "client_certificate_untrusted"),
    ((issued(OURS, "late", ends=LONG_AGO),), "client_certificate_expired"),
    ((issued(OURS, "early", begins=FAR_AWAY),), "client_certificate_not_yet_valid"),
    ((issued(OURS, "a server", usage=ExtendedKeyUsageOID.SERVER_AUTH),), "client_certificate_invalid"),
    ((issued(ALICE, "signed by alice"), ALICE), "client_certificate_invalid"),  # who is no authority
]
IDS = ["none", "foreign", "self-signed", "broken chain", "expired", "not yet valid", "of a server", "by a leaf"]

LET_IN = [
    (ALICE,),
    (issued(MIDDLE, "bob"), MIDDLE),
    (issued(OURS, "a client", usage=ExtendedKeyUsageOID.CLIENT_AUTH),),
]


@asynccontextmanager
async def gateway(*authorities: Pair, insecure: bool = False) -> AsyncIterator[SecureGateway]:
    """Listener one.example checks its clients, two.example does not."""
    certificates = {"one.example": [SERVER], "two.example": [SERVER]}
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=certificates) as made:
        made.check("one.example", *authorities, insecure=insecure)
        yield made


def context(*shown: Pair, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    made = client_context(SERVER)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return shows(made, *shown) if shown else made


async def connected(made: SecureGateway, asking: ssl.SSLContext, server_name: str = "one.example") -> TLSClient:
    return await TLSClient(await made.client(), asking, server_name).handshake()


async def status(client: TLSClient, host: bytes = b"one.example") -> int:
    client.received = b""
    await client.send(GET % host)
    head = await client.until(b"\r\n\r\n")
    return int(head.split()[1])


@VERSIONS
@pytest.mark.parametrize("shown", LET_IN, ids=["by the authority", "by an intermediate", "of a client"])
async def test_who_has_a_valid_certificate_is_let_in(shown: tuple[Pair, ...], version: ssl.TLSVersion) -> None:
    async with gateway(OURS) as made:
        assert await status(await connected(made, context(*shown, version=version))) == 200
        assert made.handshakes("ok", "default/gateway/one.example") == 1


@VERSIONS
@pytest.mark.parametrize(("shown", "result"), REFUSED, ids=IDS)
async def test_who_has_none_gets_an_alert_and_never_an_answer(
    shown: tuple[Pair, ...], result: str, version: ssl.TLSVersion
) -> None:
    """In TLS 1.3 a client has sent its request before it hears what is thought of its certificate."""
    async with gateway(OURS) as made:
        client = TLSClient(await made.client(), context(*shown, version=version), "one.example")
        with pytest.raises(ssl.SSLError, match="alert"):
            await client.handshake()
            await client.send(GET % b"one.example")
            await client.until(b"HTTP/1.1")
        assert client.received == b""
        assert await client.peer.to_the_end() == client.peer.received
        assert made.handshakes(result, "default/gateway/one.example") == 1
        assert made.log.records == []


async def test_a_client_that_goes_on_sending_after_the_alert_is_cut_off_in_the_end() -> None:
    async with gateway(OURS) as made:
        client = await connected(made, context(version=ssl.TLSVersion.TLSv1_3))
        await client.peer.send(client.sealed(GET % b"one.example") * 100)
        with pytest.raises(ssl.SSLError, match="alert"):
            await client.more()
        client.peer.close()
        await eventually(lambda: made.plane.connections == 0)


@VERSIONS
@pytest.mark.parametrize(("shown", "reason"), [*REFUSED, (LET_IN[1], "")], ids=[*IDS, "valid"])
async def test_the_insecure_fallback_lets_in_everybody_and_counts_whom(
    shown: tuple[Pair, ...], reason: str, version: ssl.TLSVersion
) -> None:
    async with gateway(OURS, insecure=True) as made:
        client = await connected(made, context(*shown, version=version))
        assert (await status(client), await status(client)) == (200, 200)
        assert client.tls.version() == made.log.records[0].tls
        listener = "default/gateway/one.example"
        assert made.handshakes("ok", listener) == 1
        counted = made.metrics.value("penstock_tls_insecure_fallbacks_total", (listener, reason)) if reason else 0
        assert counted == bool(reason)


async def test_several_authorities_add_up_and_an_intermediate_one_needs_no_root() -> None:
    async with gateway(MIDDLE, OTHER) as made:
        for shown in (issued(MIDDLE, "bob"), MALLORY):
            assert await status(await connected(made, context(shown))) == 200
        with pytest.raises(ssl.SSLError, match="unknown ca"):
            await status(await connected(made, context(ALICE)))


async def test_a_certificate_is_good_for_the_listener_that_asked_for_it_alone() -> None:
    async with gateway(OURS) as made:
        checked = await connected(made, context(ALICE))
        unchecked = await connected(made, context(), "two.example")
        assert await status(unchecked, b"two.example") == 200
        assert await status(unchecked, b"one.example") == 421
        assert await status(checked, b"two.example") == 421


AROUND = [
    # (server name, request; each is for the listener that checks)
    (None, GET % b"one.example"),
    ("two.example", GET % b"one.example"),
    ("two.example", GET % b"ONE.Example:443"),
    ("two.example", GET % b"one.example."),
    ("two.example", b"GET https://one.example/x HTTP/1.1\r\nHost: two.example\r\n\r\n"),
    ("two.example", b"GET http://one.example:443/x HTTP/1.1\r\nHost: two.example\r\n\r\n"),
    (None, b"GET https://one.example/x HTTP/1.1\r\nHost: unknown.example\r\n\r\n"),
    ("unknown.example", GET % b"one.example"),
    ("two.example", b"GET http://one.example/x HTTP/1.0\r\n\r\n"),
    ("two.example", b"GET /x HTTP/1.1\r\nHost: one.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
]


@pytest.mark.parametrize(("server_name", "request_"), AROUND)
async def test_no_way_of_naming_a_host_leads_around_its_listeners_check(
    server_name: str | None, request_: bytes
) -> None:
    """A listener for every host stands beside, so that who names no server is let in, too."""
    certificates = {"one.example": [SERVER], "two.example": [SERVER], "": [SERVER]}
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=certificates) as made:
        made.check("one.example", OURS)
        asking = context()
        asking.check_hostname = False
        client = await TLSClient(await made.client(), asking, server_name).handshake()
        await client.send(request_)
        head = await client.until(b"\r\n\r\n")
        assert head.split()[1] == b"421"
        assert backend.peers == []


@VERSIONS
async def test_no_session_of_another_listener_leads_past_the_check(version: ssl.TLSVersion) -> None:
    """Both listeners have the same certificate, so to the client they are one server."""
    async with gateway(OURS) as made:
        asking = context(version=version)
        first = await connected(made, asking, "two.example")
        assert await status(first, b"two.example") == 200
        assert first.tls.session is not None
        again = TLSClient(await made.client(), asking, "one.example")
        again.tls.session = first.tls.session
        with pytest.raises(ssl.SSLError, match="alert"):
            await status(await again.handshake())
        assert not again.tls.session_reused


@pytest.mark.parametrize("change", ["another authority", "an authority fewer", "strict again"])
@VERSIONS
async def test_no_session_outlives_what_it_was_checked_by(version: ssl.TLSVersion, change: str) -> None:
    before = {"another authority": [OTHER], "an authority fewer": [OURS, OTHER], "strict again": [OURS]}[change]
    async with gateway(*before, insecure=change == "strict again") as made:
        asking = context(MALLORY, version=version)
        first = await connected(made, asking)
        assert await status(first) == 200
        made.check("one.example", OURS)
        again = TLSClient(await made.client(), asking, "one.example")
        if first.tls.session is not None and first.tls.session.has_ticket:
            again.tls.session = first.tls.session
        with pytest.raises(ssl.SSLError, match="alert"):
            await status(await again.handshake())


@pytest.mark.parametrize("insecure", [False, True])
async def test_every_connection_of_tls_1_3_is_checked_anew(insecure: bool) -> None:
    async with gateway(OURS, insecure=insecure) as made:
        asking = context(ALICE, version=ssl.TLSVersion.TLSv1_3)
        first = await connected(made, asking)
        await status(first)
        again = TLSClient(await made.client(), asking, "one.example")
        if first.tls.session is not None and first.tls.session.has_ticket:
            again.tls.session = first.tls.session
        assert await status(await again.handshake()) == 200
        assert not again.tls.session_reused


@pytest.mark.parametrize("before", [(), (OTHER,)], ids=["unchecked", "checked by another"])
async def test_connections_that_were_checked_otherwise_end_with_their_next_answer(before: tuple[Pair, ...]) -> None:
    certificates = {"one.example": [SERVER], "two.example": [SERVER]}
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=certificates) as made:
        made.check("one.example", *before)
        asking = context(MALLORY)
        idle, begun = await connected(made, asking), await connected(made, asking)
        apart = await connected(made, asking, "two.example")
        for client, host in ((idle, b"one.example"), (begun, b"one.example"), (apart, b"two.example")):
            assert await status(client, host) == 200
        await begun.send(b"GET /old HTTP/1.1\r\n")
        port = made.plane._ports["127.0.0.1", 443, "TCP"]
        await eventually(lambda: any(not each._codec.idle for each in port.connections))  # type: ignore[union-attr]
        made._rules = (rule(to(backend.port), path=b"/new"),)
        made.check("one.example", OURS)
        assert not await idle.more()
        begun.received = b""
        await begun.send(b"Host: one.example\r\n\r\n" + GET % b"one.example")
        while await begun.more():
            pass
        assert (
            begun.received.count(b"HTTP/1.1 200") == 1
        )  # by the rules under which it was let in, and nothing after it
        assert b"connection: close" in begun.received.lower() and begun.received.endswith(b"path=/old")
        assert await status(apart, b"two.example") == 404  # goes on, by what is declared now


async def test_a_listener_that_goes_leaves_nobody_unchecked() -> None:
    """What was its host is then that of a listener that checks."""
    certificates = {"one.example": [SERVER], "*.example": [SERVER]}
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=certificates) as made:
        made.check("*.example", OURS)
        client = await connected(made, context())
        assert await status(client) == 200
        del made.certificates["one.example"]
        made.install(*made._rules)
        assert not await client.more()


async def test_a_handshake_under_way_when_checks_change_is_good_for_one_answer() -> None:
    async with gateway() as made:
        client = TLSClient(await made.client(), context(), "one.example")
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.do_handshake()
        await client.flush()
        await client._feed()
        made.check("one.example", OURS)
        await client.handshake()
        await client.send(GET % b"one.example" * 2)
        await client.until(b"path=/x")
        assert b"connection: close" in client.received.lower()
        while await client.more():
            pass
        assert client.received.count(b"HTTP/1.1") == 1


async def test_nobody_who_need_not_end_is_disturbed() -> None:
    async with gateway(OURS) as made:
        client = await connected(made, context(ALICE))
        for _ in range(3):
            made.rotate("two.example", pair("two.example", number=_))
            assert await status(client) == 200
        made.check("one.example")  # whoever was checked may stay where nobody is
        assert await status(client) == 200
