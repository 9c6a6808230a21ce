"""Endpoints that are told whose connection it is: a header before all else, and it says what we know ourselves."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from proxy.protocol.proxy_protocol import Addresses, Version, encode_header, parse_header
from proxy.snapshot.route import BackendRef
from proxy.snapshot.snapshot import Upstream
from tests.e2e.peers import Backend, Peer
from tests.e2e.proxied import TRUSTING, AskingL4
from tests.e2e.secure import TLSClient
from tests.e2e.secure_backends import Trust
from tests.e2e.test_l4 import AUTHORITY, L4Gateway, echoes, tcp, tls, to
from tests.patience import eventually

CLIENT = Addresses(("192.0.2.7", 40000), ("198.51.100.9", 443))
VERSIONS: list[Version] = ["v1", "v2"]


def telling(backend: tuple[BackendRef, Upstream], version: Version) -> tuple[BackendRef, Upstream]:
    ref, upstream = backend
    return ref, replace(upstream, proxy_protocol=version)


Script = Callable[[Peer], Awaitable[None]]


def hears(heard: list[bytes], then: Script = echoes) -> Script:
    """An endpoint that reads a header first."""

    async def script(peer: Peer) -> None:
        while isinstance(read := parse_header(peer.received), int):
            assert await peer.more()
        peer._used = read.size
        heard.append(peer.received[: read.size])
        await then(peer)

    return script


def ends(client: Peer) -> Addresses:
    """As a client sees them."""
    ours, theirs = (client._writer.get_extra_info(name)[:2] for name in ("sockname", "peername"))
    return Addresses(ours, theirs)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_it_says_from_where_to_where_the_client_has_connected(version: Version, address: str) -> None:
    heard: list[bytes] = []
    async with (
        Backend(hears(heard)) as backend,
        L4Gateway(tcp(telling(to(backend.port), version)), address=address) as gateway,
    ):
        client = await connect_to(gateway, address)
        await client.send(b"ping")
        assert await client.until(b"ping") == b"ping"
        assert heard == [encode_header(version, ends(client))]
        client.finish()
        await client.to_the_end()
        await eventually(lambda: len(gateway.log.records) == 1)
        assert gateway.log.records[0].bytes_in == 4  # the client's, and not ours


async def connect_to(gateway: L4Gateway, address: str) -> Peer:
    peer = Peer(*await asyncio.open_connection(address, gateway.port))
    gateway._peers.append(peer)
    return peer


async def test_an_endpoint_that_speaks_first_has_heard_it_before() -> None:
    async def greets(peer: Peer) -> None:
        await peer.send(b"220 hello\r\n")
        await peer.to_the_end()

    heard: list[bytes] = []
    async with (
        Backend(hears(heard, then=greets)) as backend,
        L4Gateway(tcp(telling(to(backend.port), "v2"))) as gateway,
    ):
        client = await gateway.client()
        assert await client.until(b"\r\n") == b"220 hello\r\n"
        assert heard == [encode_header("v2", ends(client))]


async def test_a_client_that_says_all_at_once_comes_behind_it() -> None:
    async def counts(peer: Peer) -> None:
        await peer.send(b"%d" % (len(await peer.to_the_end())))

    async with (
        Backend(hears([], then=counts)) as backend,
        L4Gateway(tcp(telling(to(backend.port), "v1"))) as gateway,
    ):
        for _ in range(20):
            client = (await (await gateway.client()).send(b"x" * 100_000)).finish()
            assert await client.to_the_end() == b"100000" and client.how == "fin"


async def test_each_endpoint_that_is_asked_hears_it() -> None:
    heard: list[bytes] = []
    async with Backend(echoes) as gone:
        port = gone.port
    async with (
        Backend(hears(heard)) as backend,
        L4Gateway(tcp(telling(to(port, backend.port), "v2"))) as gateway,
    ):
        for _ in range(2):
            client = await (await gateway.client()).send(b"x")
            await client.until(b"x")
        assert [len(each) for each in heard] == [28, 28]


async def test_it_goes_before_tls_that_is_passed_on() -> None:
    heard: list[bytes] = []
    async with (
        Backend(hears(heard)) as backend,
        L4Gateway(tls(b"a.example", "a", telling(to(backend.port), "v2")), protocol="TLS") as gateway,
    ):
        client = await gateway.client()
        hello = hello_for("a.example")
        await client.send(hello)
        assert await client.until(hello) == hello
        assert heard == [encode_header("v2", ends(client))]


def hello_for(name: str) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


async def test_it_goes_before_our_own_tls() -> None:
    """The endpoint reads it in clear text, then shakes hands. Here it is a gateway itself, whose client it names."""
    certificate = AUTHORITY.issues("one.example").certificate
    async with (
        Backend(echoes) as backend,
        AskingL4(
            tls(b"one.example", "r", to(backend.port)), protocol="TLS", certificate=certificate, settings=TRUSTING
        ) as inner,
    ):
        trust = Trust()
        ref, upstream = trust.to(inner.port, authority=AUTHORITY)
        secured = ref, replace(upstream, protocol="tcp", proxy_protocol="v2")
        async with L4Gateway(tcp(secured), trust=trust) as outer:
            client = await (await outer.client()).send(b"ping")
            assert await client.until(b"ping") == b"ping"
            client.reset()
            await eventually(lambda: len(inner.log.records) == len(outer.log.records) == 1)
            assert {record.client for record in (*inner.log.records, *outer.log.records)} == {"127.0.0.1"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("came", VERSIONS)
async def test_who_came_by_a_header_goes_on_by_one(came: Version, version: Version) -> None:
    heard: list[bytes] = []
    async with (
        Backend(hears(heard)) as backend,
        AskingL4(tcp(telling(to(backend.port), version)), settings=TRUSTING) as gateway,
    ):
        client = await gateway.peer()
        await client.send(encode_header(came, CLIENT) + b"ping")
        assert await client.until(b"ping") == b"ping"
        assert heard == [encode_header(version, CLIENT)]


async def test_a_proxy_that_speaks_for_itself_is_the_client() -> None:
    """A header that names nobody: LOCAL is not passed on, since to the endpoint this connection is not our own."""
    heard: list[bytes] = []
    async with (
        Backend(hears(heard)) as backend,
        AskingL4(tcp(telling(to(backend.port), "v2")), settings=TRUSTING) as gateway,
    ):
        client = await gateway.peer()
        await client.send(b"PROXY UNKNOWN\r\nping")
        assert await client.until(b"ping") == b"ping"
        assert heard == [encode_header("v2", ends(client))]


async def test_a_change_holds_for_connections_from_then_on() -> None:
    heard: list[bytes] = []
    async with Backend(echoes, hears(heard), echoes) as backend, L4Gateway(tcp(to(backend.port))) as gateway:
        for backends in (to(backend.port), telling(to(backend.port), "v1"), to(backend.port)):
            gateway.install(tcp(backends))
            client = await (await gateway.client()).send(b"ping")
            assert await client.until(b"ping") == b"ping"
        assert [each[:31] for each in heard] == [b"PROXY TCP4 127.0.0.1 127.0.0.1 "]
        assert [peer.received for peer in backend.peers[::2]] == [b"ping", b"ping"]


# --- a chain ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_chain_tells_the_last_whom_the_first_has_met(version: Version) -> None:
    """TLS passed on by the first, and ended by the second."""
    issued = AUTHORITY.issues("a.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.pem.decode())
    heard: list[bytes] = []
    async with (
        Backend(hears(heard)) as backend,
        AskingL4(
            tls(b"a.example", "a", telling(to(backend.port), version)),
            protocol="TLS",
            certificate=issued.certificate,
            settings=TRUSTING,
        ) as second,
        L4Gateway(tls(b"a.example", "a", telling(to(second.port), version)), protocol="TLS") as first,
    ):
        peer = await connect_to(first, "127.0.0.1")
        client = await TLSClient(peer, context, "a.example").handshake()
        await client.send(b"ping")
        await client.until(b"ping")
        assert heard == [encode_header(version, ends(peer))]
