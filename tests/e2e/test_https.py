"""HTTPS listeners end to end: which certificate, which listener, what the backend and the client are told."""

import asyncio
import ssl

import pytest

from proxy.snapshot.route import Redirect
from tests.certificates import client_context, pair
from tests.e2e.gateway import rule, to
from tests.e2e.peers import Backend
from tests.e2e.secure import SecureGateway, TLSClient
from tests.patience import eventually

ONE, OTHER, ANY = pair("one.example"), pair("*.other.example"), pair("any.example")
THREE = {"one.example": [ONE], "*.other.example": [OTHER], "": [ANY]}
GET = b"GET /x HTTP/1.1\r\nHost: %b\r\n\r\n"


@pytest.mark.parametrize(
    ("server_name", "trusted"), [("one.example", ONE), ("a.other.example", OTHER), ("any.example", ANY)]
)
async def test_the_server_name_chooses_the_certificate(server_name: str, trusted: object) -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=THREE) as gateway:
        client = await gateway.secure(server_name, trusted)  # type: ignore[arg-type]
        await client.send(GET % server_name.encode())
        response = await client.response()
        assert (response.status, response.body) == (200, b"path=/x")


async def test_of_several_certificates_the_one_that_names_the_server_is_shown() -> None:
    certificates = {"": [ANY, OTHER, ONE]}
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=certificates) as gateway:
        for server_name, trusted in (("one.example", ONE), ("b.other.example", OTHER)):
            await gateway.secure(server_name, trusted)
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            await gateway.secure("a.b.other.example", ANY)  # a wildcard is one label, so the first is shown
        await gateway.secure(None, ANY)


async def test_a_server_name_of_nobody_ends_without_an_alert() -> None:
    async with SecureGateway(rule(to(1)), certificates={"one.example": [ONE]}) as gateway:
        for server_name, result in (("two.example", "unknown_server_name"), (None, "no_server_name")):
            peer = await gateway.client()
            context = client_context(ONE)
            context.check_hostname = False
            client = TLSClient(peer, context, server_name)
            with pytest.raises(Exception, match=r"fin|reset"):
                await client.handshake()
            assert peer.received == b""
            assert gateway.handshakes(result) == 1


async def test_the_backend_and_the_log_are_told_of_tls() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=THREE) as gateway:
        client = await gateway.secure("one.example", ONE)
        await client.send(GET % b"one.example")
        await client.response()
        [request] = backend.requests
        fields = dict(request.fields)
        assert fields[b"x-forwarded-proto"] == b"https"
        assert fields[b"x-forwarded-port"] == b"443"
        [record] = gateway.log.records
        assert (record.tls, record.listener) == ("TLSv1.3", "one.example")
        assert gateway.handshakes("ok", "default/gateway/one.example") == 1


@pytest.mark.parametrize(
    ("server_name", "host", "status"),
    [
        ("one.example", b"one.example", 200),
        ("one.example", b"ONE.example:443", 200),
        ("one.example", b"a.other.example", 421),
        ("one.example", b"nobody.example", 421),  # of the listener for every host
        ("a.other.example", b"b.other.example", 200),
        ("a.other.example", b"one.example", 421),
        ("any.example", b"elsewhere.example", 200),
        ("any.example", b"one.example", 421),
    ],
)
async def test_a_host_of_another_listener_is_misdirected(server_name: str, host: bytes, status: int) -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=THREE) as gateway:
        client = await gateway.secure(server_name, ONE, OTHER, ANY)
        await client.send(GET % host)
        assert (await client.response()).status == status
        assert gateway.log.records[0].flags == ("MD" if status == 421 else "")
        await client.send(GET % server_name.encode())  # the connection is good for its own hosts
        assert (await client.response()).status == 200


async def test_a_host_that_no_listener_has_is_not_found() -> None:
    async with SecureGateway(rule(to(1)), certificates={"one.example": [ONE]}) as gateway:
        client = await gateway.secure("one.example", ONE)
        await client.send(GET % b"two.example")
        assert (await client.response()).status == 404


@pytest.mark.parametrize(
    ("filter_", "location"),
    [
        (Redirect(status=302, path=None), b"https://one.example/x"),
        (Redirect(scheme="http", status=302), b"http://one.example/x"),
        (Redirect(scheme="https", port=8443, status=302), b"https://one.example:8443/x"),
        (Redirect(port=443, status=302), b"https://one.example/x"),
        (Redirect(port=80, status=302), b"https://one.example:80/x"),
        (Redirect(scheme="http", port=8080, status=302), b"http://one.example:8080/x"),
    ],
)
async def test_redirects_know_that_they_are_asked_for_over_tls(filter_: Redirect, location: bytes) -> None:
    async with SecureGateway(rule(filters=(filter_,)), certificates=THREE) as gateway:
        client = await gateway.secure("one.example", ONE)
        await client.send(GET % b"one.example")
        assert dict((await client.response()).fields)[b"location"] == location


async def test_old_protocols_and_ciphers_are_refused_with_an_alert() -> None:
    async with SecureGateway(rule(to(1)), certificates=THREE) as gateway:
        context = client_context(ONE)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-SHA256:AES256-SHA")
        with pytest.raises(ssl.SSLError, match="handshake failure"):
            await TLSClient(await gateway.client(), context, "one.example").handshake()
        assert gateway.handshakes("no_shared_cipher", "default/gateway/one.example") == 1


async def test_tls_1_2_is_served_and_only_by_what_keeps_forward_secrecy() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=THREE) as gateway:
        context = client_context(ONE)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        client = await TLSClient(await gateway.client(), context, "one.example").handshake()
        cipher = client.tls.cipher()
        assert client.tls.version() == "TLSv1.2" and cipher is not None and cipher[0].startswith("ECDHE-ECDSA-")
        await client.send(GET % b"one.example")
        await client.until(b"path=/x")
        assert gateway.log.records[0].tls == "TLSv1.2"


@pytest.mark.parametrize(("offered", "agreed"), [(["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), ([], None)])
async def test_what_is_agreed_on(offered: list[str], agreed: str | None) -> None:
    async with SecureGateway(rule(to(1)), certificates=THREE) as gateway:
        context = client_context(ONE)
        if offered:
            context.set_alpn_protocols(offered)
        client = await TLSClient(await gateway.client(), context, "one.example").handshake()
        assert client.tls.selected_alpn_protocol() == agreed


async def test_a_client_comes_back_by_ticket() -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates=THREE) as gateway:
        context = client_context(ONE)
        first = await TLSClient(await gateway.client(), context, "one.example").handshake()
        await first.send(GET % b"one.example")
        await first.until(b"path=/x")  # by then its ticket has come
        assert first.tls.session is not None and first.tls.session.has_ticket
        again = TLSClient(await gateway.client(), context, "one.example")
        again.tls.session = first.tls.session
        await again.handshake()
        assert again.tls.session_reused


async def test_renewed_two_hundred_times_under_load_and_nobody_notices() -> None:
    pairs = [pair("one.example", number=number) for number in range(4)]
    ended = asyncio.Event()
    served = [0, 0]

    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates={"": [pairs[0]]}) as gateway:

        async def keeps_its_connection() -> None:
            client = await gateway.secure("one.example", *pairs)
            while not ended.is_set():
                await client.send(GET % b"one.example")
                assert (await client.response()).status == 200
                served[0] += 1

        async def comes_anew() -> None:
            while not ended.is_set():
                client = await gateway.secure("one.example", *pairs)
                await client.send(GET % b"one.example")
                assert (await client.response()).status == 200
                client.close()
                served[1] += 1

        async with asyncio.TaskGroup() as load:
            for task in (keeps_its_connection, keeps_its_connection, comes_anew, comes_anew):
                load.create_task(task())
            for number in range(200):
                gateway.rotate("", pairs[number % 4])
                before = sum(served)
                await eventually(lambda before=before: sum(served) > before)  # type: ignore[misc]
            ended.set()
        fresh = await gateway.secure("one.example", pairs[3])  # trusts the last alone
        await fresh.send(GET % b"one.example")
        assert (await fresh.response()).status == 200
        assert min(served) > 0
        assert {record.status for record in gateway.log.records} == {200}


async def test_a_port_that_turns_to_tls_answers_no_more_requests_in_clear_text() -> None:
    """What is declared for HTTPS alone must not be had on a connection that was there before."""
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates={"": [ANY]}) as gateway:
        port = gateway.plane._ports["127.0.0.1", 443, "TCP"]
        port.secure_by(None)
        client = await gateway.client()
        await client.send(GET % b"any.example")
        assert (await client.response()).status == 200
        begun = await gateway.client()
        await begun.send(b"GET /old HTTP/1.1\r\n")
        await eventually(lambda: any(not each._codec.idle for each in port.connections))  # type: ignore[union-attr]
        gateway._rules = (rule(to(backend.port), path=b"/new"),)
        gateway.rotate("", ANY)
        assert await client.to_the_end() == b""
        await begun.send(b"Host: any.example\r\n\r\n" + GET % b"any.example")
        assert (await begun.response()).body == b"path=/old"  # by the rules it began under, and nothing after it
        assert await begun.to_the_end() == b""
