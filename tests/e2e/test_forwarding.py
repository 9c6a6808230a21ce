"""What arrives at the endpoint beside the request itself: fields of the way, and none of the connection."""

import re

import pytest

from proxy.downstream.settings import DataPlaneSettings
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend
from tests.oracle import grammar


async def forwarded(head: bytes, trusted: tuple[str, ...] = ()) -> grammar.Request:
    """The one request that the endpoint gets for this head."""
    settings = DataPlaneSettings(trusted_proxies=trusted, via_id=b"here")
    async with Backend() as backend, Gateway(rule(to(backend.port)), settings=settings) as gateway:
        client = await gateway.client()
        await client.send(head)
        assert (await client.response()).status == 200
        [request] = backend.requests
        return request


def head(*fields: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join(
        [b"GET /a?q=%2e HTTP/1.1".replace(b"HTTP/1.1", version), b"Host: A.example:8080", *fields, b"", b""]
    )


async def test_end_to_end_fields_arrive_in_order_and_as_they_came() -> None:
    got = await forwarded(head(b"X-A: 1", b"Cookie: a=b", b"X-A: 2", b"Accept:", b"X-B: \xe4 \t z"))
    kept = [(name, value) for name, value in got.fields if name in (b"x-a", b"cookie", b"accept", b"x-b")]
    assert kept == [(b"x-a", b"1"), (b"cookie", b"a=b"), (b"x-a", b"2"), (b"accept", b""), (b"x-b", b"\xe4 \t z")]
    assert (got.target, got.all(b"host")) == (b"/a?q=%2e", [b"A.example:8080"])


async def test_fields_of_the_connection_stay_behind() -> None:
    fields = [
        b"Connection: keep-alive, X-Hop, x-other", b"Connection: X-Third", b"X-Hop: 1", b"X-Other: 2", b"X-Third: 3",
        b"X-End: 4",
        b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: gzip", b"Upgrade: h2c", b"HTTP2-Settings: AAM",
    ]  # fmt: skip
    got = await forwarded(head(*fields))
    names = {name for name, _ in got.fields}
    hops = set(b"connection x-hop x-other x-third keep-alive proxy-connection te upgrade http2-settings".split())
    assert not names & hops
    assert got.all(b"x-end") == [b"4"]


@pytest.mark.parametrize("option", [b"Host", b"Content-Length", b"X-Forwarded-For", b"Via", b"X-Request-Id"])
async def test_connection_takes_away_nothing_that_the_gateway_answers_for(option: bytes) -> None:
    got = await forwarded(head(b"Connection: " + option))
    assert got.all(b"host") == [b"A.example:8080"]
    assert len(got.all(b"x-forwarded-for")) == len(got.all(b"via")) == len(got.all(b"x-request-id")) == 1


LIES = [
    b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: evil", b"X-Forwarded-Port: 443",
    b"X-Forwarded-Prefix: /evil", b"X-Real-IP: 1.2.3.4", b"Forwarded: for=1.2.3.4",
]  # fmt: skip


async def test_an_untrusted_peer_is_not_believed() -> None:
    got = await forwarded(head(*LIES))
    assert {
        name: value for name, value in got.fields if name.startswith((b"x-forwarded-", b"x-real", b"forwarded"))
    } == {
        b"x-forwarded-for": b"127.0.0.1",
        b"x-forwarded-proto": b"http",
        b"x-forwarded-host": b"A.example:8080",
        b"x-forwarded-port": b"80",
        b"x-real-ip": b"127.0.0.1",
        b"forwarded": b"for=127.0.0.1;proto=http",
    }


async def test_a_trusted_peer_is_believed_and_added() -> None:
    got = await forwarded(head(*LIES), trusted=("127.0.0.0/8",))
    assert got.all(b"x-forwarded-for") == [b"1.2.3.4, 127.0.0.1"]
    assert got.all(b"x-forwarded-proto") == [b"https"]
    assert got.all(b"x-forwarded-host") == [b"evil"]
    assert got.all(b"x-real-ip") == [b"1.2.3.4"]
    assert got.all(b"forwarded") == [b"for=1.2.3.4, for=127.0.0.1;proto=http"]


async def test_via_says_how_it_came_and_who_passed_it_on() -> None:
    assert (await forwarded(head())).all(b"via") == [b"1.1 here"]
    assert (await forwarded(head(version=b"HTTP/1.0"))).all(b"via") == [b"1.0 here"]
    assert (await forwarded(head(b"Via: 1.0 fred"))).all(b"via") == [b"1.0 fred, 1.1 here"]


async def test_a_loop_is_508_and_goes_no_further() -> None:
    settings = DataPlaneSettings(via_id=b"here")
    async with Backend() as backend, Gateway(rule(to(backend.port)), settings=settings) as gateway:
        client = await gateway.client()
        await client.send(head(b"Via: 1.1 here"))
        assert (await client.response()).status == 508
        assert backend.peers == []


async def test_a_gateway_that_is_its_own_endpoint_answers_508() -> None:
    async with Gateway() as gateway:
        gateway.install(rule(to(gateway.port)))
        client = await gateway.client()
        await client.send(head())
        assert (await client.response()).status == 508


async def test_an_absolute_target_names_the_host() -> None:
    got = await forwarded(b"GET http://b.example:81/c?d HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (got.target, got.all(b"host"), got.all(b"x-forwarded-host")) == (
        b"/c?d",
        [b"b.example:81"],
        [b"b.example:81"],
    )


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        (b"/open/../admin", b"/admin"),
        (b"/%7Eu/%41", b"/%7Eu/%41"),
        (b"/@scope%2fname?x=/../%2e%2e", b"/@scope%2fname?x=/../%2e%2e"),
        (b"//a//b", b"//a//b"),
    ],
)
async def test_the_path_that_was_matched_is_the_path_that_arrives(received: bytes, sent: bytes) -> None:
    got = await forwarded(b"GET " + received + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.target == sent


async def test_options_for_the_whole_server() -> None:
    got = await forwarded(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (got.method, got.target) == (b"OPTIONS", b"*")


async def test_an_answer_of_our_own_carries_the_request_id() -> None:
    async with Gateway() as gateway:
        client = await gateway.client()
        await client.send(head(b"X-Request-Id: mine"))
        got = await client.response()
        assert (got.status, got.all(b"x-request-id")) == (404, [b"mine"])


LOOKALIKES = [
    b"Content_Length: 5", b"Transfer_Encoding: chunked", b"Content-Length_: 5", b"Transfer-Encoding.: chunked",
    b"Content--Length: 5", b"_Host: evil", b"X_Forwarded_For: 6.6.6.6", b"X-Forwarded_Proto: https",
    b"X_Real_IP: 6.6.6.6", b"x-forwarded-for!: 6.6.6.6",
]  # fmt: skip


@pytest.mark.parametrize("field", LOOKALIKES, ids=[field.decode() for field in LOOKALIKES])
async def test_no_field_reaches_a_lax_endpoint_under_a_name_that_the_gateway_answers_for(field: bytes) -> None:
    """CGI and WSGI read `_` as `-`, others drop what they do not know: to them these are framing and forwarding."""
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(head(field))
        status = (await client.response()).status
        value = field.partition(b": ")[2]
        arrived = [value for request in backend.requests for name, value in request.fields if not _plain(name)]
        assert value not in arrived
        assert status == (200 if backend.requests else 400)


def _plain(name: bytes) -> bool:
    return bool(re.fullmatch(rb"[a-z0-9]+(-[a-z0-9]+)*", name))
