"""CORS on real sockets: preflights end at the gateway, everything else goes on to the backend."""

import pytest

from proxy.snapshot.route import Cors, Redirect
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Ended, Peer, ok

ORIGIN = b"https://www.foo.com"
POLICY = Cors(origins=(ORIGIN,), methods=(b"PUT",), headers=(b"x-a",), credentials=True)


async def has_an_opinion(peer: Peer) -> None:
    """A backend that does CORS by itself, and other than the gateway."""
    while True:
        try:
            request = await peer.request()
        except Ended:
            return
        await peer.send(ok(b"page", request.method, b"Access-Control-Allow-Origin: *", b"Vary: Accept"))


def request(method: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([method + b" /a HTTP/1.1", b"Host: a", *fields, b"", b""])


@pytest.mark.parametrize("place", ["rule", "backend"])
async def test_a_preflight_is_answered_without_the_backend(place: str) -> None:
    filters = (POLICY,)
    async with Backend() as backend:
        one = rule(to(backend.port), filters=filters) if place == "rule" else rule(to(backend.port, filters=filters))
        async with Gateway(one) as gateway:
            client = await gateway.client()
            await client.send(request(b"OPTIONS", b"Origin: " + ORIGIN, b"Access-Control-Request-Method: PUT"))
            head = (await client.until(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 204 no content\r\n")
            assert b"\r\naccess-control-allow-origin: https://www.foo.com\r\n" in head
            assert b"\r\naccess-control-allow-methods: put\r\n" in head
            assert b"content-length" not in head and b"content-type" not in head
            assert backend.peers == []
            await client.send(request(b"OPTIONS", b"Origin: " + ORIGIN))
            assert (await client.response(b"OPTIONS")).status == 200
            assert len(backend.requests) == 1


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"HEAD", b"OPTIONS"])
@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, True), (b"https://evil.example", False), (None, False)])
async def test_ordinary_requests_reach_the_backend_and_get_the_gateways_opinion(
    method: bytes, origin: bytes | None, allowed: bool
) -> None:
    async with (
        Backend(has_an_opinion) as backend,
        Gateway(rule(to(backend.port), filters=(POLICY,))) as gateway,
    ):
        client = await gateway.client()
        await client.send(request(method, *(() if origin is None else (b"Origin: " + origin,))))
        got = await client.response(method)
        assert got.status == 200
        fields = [(name.lower(), value) for name, value in got.fields if name.lower() != b"content-length"]
        assert [value for name, value in fields if name == b"vary"] == [b"Accept", b"origin"]
        granted = [(name, value) for name, value in fields if name.startswith(b"access-control")]
        assert granted == (
            [(b"access-control-allow-origin", ORIGIN), (b"access-control-allow-credentials", b"true")]
            if allowed
            else []
        )


async def test_a_page_may_read_what_the_gateway_answers_itself() -> None:
    async with Gateway(
        rule(to(), filters=(POLICY,)),
        rule(path=b"/moved", filters=(POLICY, Redirect())),
        rule(to(filters=(POLICY,)), path=b"/backend"),
    ) as gateway:
        client = await gateway.client()
        for path, status in ((b"/a", 503), (b"/moved", 302), (b"/backend", 503)):
            await client.send(request(b"GET", b"Origin: " + ORIGIN).replace(b"/a", path))
            got = await client.response()
            assert got.status == status
            assert [value for name, value in got.fields if name.lower() == b"access-control-allow-origin"] == [ORIGIN]
        await client.send(request(b"GET", b"Origin: https://evil.example"))
        assert b"access-control" not in (await client.until(b"\r\n\r\n")).lower()
