"""Every request vector against a whole gateway and an endpoint that records each octet."""

import re

import pytest

from proxy.protocol.limits import Limits
from tests.certificates import pair
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer
from tests.e2e.secure import SecureGateway
from tests.oracle.grammar import read_requests
from tests.patience import eventually
from tests.protocol.http1.vectors import CANARY, REQUESTS, Vector

ONE = pair("one.example")
ONE_REQUEST_ONLY = (b"close", b"HTTP/1.0", b"Upgrade: h2c")
GROUPS = sorted({vector.name.partition("-")[0] for vector in REQUESTS})


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("group", GROUPS)
async def test_nothing_of_a_malformed_request_arrives(group: str, secure: bool) -> None:
    for vector in REQUESTS:
        if vector.name.startswith(group + "-") and vector.verdict:
            await _refused(vector, secure)


def _gateway(backend: Backend, secure: bool) -> Gateway:
    served = rule(to(backend.port))
    return SecureGateway(served, certificates={"": [ONE]}) if secure else Gateway(served)


async def _client(gateway: Gateway) -> Peer:
    return await gateway.secure(None, ONE) if isinstance(gateway, SecureGateway) else await gateway.client()


async def _refused(vector: Vector, secure: bool) -> None:
    async with Backend() as backend, _gateway(backend, secure) as gateway:
        # A connection to the endpoint waits in the pool, so that octets could go out at once.
        warm = await _client(gateway)
        await warm.send(b"GET /warm HTTP/1.1\r\nHost: a\r\n\r\n")
        await warm.response()
        client = await _client(gateway)
        await client.send(vector.data + CANARY)
        answer = await client.to_the_end()
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), (vector.name, answer)
        status = int(answer[9:12])
        assert status == vector.verdict or {status, vector.verdict} == {400, 501}, (vector.name, status)
        assert len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)) == 1 and b"connection: close" in answer, vector.name
        stranger = await _client(gateway)
        await stranger.send(b"GET /nonce HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await stranger.response()).body == b"path=/nonce", vector.name
        for peer in backend.peers:
            stream = read_requests(peer.received)
            assert stream.refusal is None, (vector.name, stream.refusal)
            assert {message.path for message in stream.messages} <= {b"/warm", b"/nonce"}, vector.name
            # What could go out before its body turned out to be malformed is cut, and never followed by anything.
            assert not stream.rest or (
                stream.rest.startswith(b"POST /v HTTP/1.1\r\n") and vector.name.startswith("chunk")
            )


@pytest.mark.parametrize("group", GROUPS)
async def test_sound_requests_arrive_as_they_are_meant(group: str) -> None:
    for vector in REQUESTS:
        if vector.name.startswith(group + "-") and not vector.verdict:
            await _accepted(vector)


async def _accepted(vector: Vector) -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(vector.data + CANARY)
        client.finish()
        answer = await client.to_the_end()
        meant = read_requests(vector.data + CANARY)
        assert answer.count(b"HTTP/1.1 200 OK") == len(meant.messages), (vector.name, answer)
        assert len(backend.requests) == len(meant.messages), vector.name
        for sent, got in zip(meant.messages, backend.requests, strict=True):
            assert (got.method, got.path, got.query, got.body) == (sent.method, sent.path, sent.query, sent.body), (
                vector.name
            )
            assert got.trailers == sent.trailers, vector.name
            if sent.authority is not None:
                assert got.all(b"host") == [sent.authority], vector.name
            assert got.version == 11
            assert got.framing == sent.framing or (sent.framing, sent.length) == ("none", 0), vector.name


async def test_what_the_gateway_sends_has_only_its_own_framing() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(
            b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"
            b"0003;ext=1\r\nabc\r\n2\r\nde\r\n000\r\nX-Sum: 9\r\n\r\n"
        )
        await client.response()
        [request] = backend.requests
        assert (request.body, request.trailers) == (b"abcde", [(b"x-sum", b"9")])
        assert b"ext" not in backend.peers[0].received and b"0003" not in backend.peers[0].received
        assert request.all(b"transfer-encoding") == [b"chunked"] and not request.all(b"content-length")


async def test_a_length_arrives_without_leading_zeros() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0010\r\n\r\n0123456789")
        await client.response()
        assert backend.requests[0].all(b"content-length") == [b"10"]


async def test_a_malformed_body_breaks_off_what_has_already_been_forwarded() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"POST /v HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await eventually(lambda: backend.peers and b"hello" in backend.peers[0].received)
        await client.send(b"XX\r\n\r\n" + CANARY)
        assert (await client.to_the_end()).startswith(b"HTTP/1.1 400 ")
        await eventually(lambda: backend.peers[0].how)
        assert backend.requests == [] and b"\r\n0\r\n" not in backend.peers[0].received


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
async def test_what_looks_like_the_preface_of_http_2_within_a_connection_is_what_it_stands_for(secure: bool) -> None:
    """A body may begin so, and no later request can: the version of a connection is decided by its first octets."""
    async with Backend() as backend, _gateway(backend, secure) as gateway:
        client = await _client(gateway)
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(PREFACE))
        await eventually(lambda: backend.peers and backend.peers[0].received)
        await client.send(PREFACE)
        assert (await client.response(b"POST")).status == 200
        assert backend.requests[0].body == PREFACE
        await client.send(PREFACE)
        assert (await client.response()).status == 505
        assert len(backend.requests) == 1


@pytest.mark.parametrize("size", [1, 5])
async def test_limits_are_those_that_were_set(size: int) -> None:
    limits = Limits(field_count=size)
    async with Backend() as backend, Gateway(rule(to(backend.port)), limits=limits) as gateway:
        for count, status in ((size - 1, b"200"), (size, b"431")):
            client = await gateway.client()
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * count + b"\r\n")
            assert (await client.until(b"\r\n\r\n"))[9:12] == status
