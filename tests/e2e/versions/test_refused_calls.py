"""Calls of gRPC that are refused before anybody asks for a route: their clients understand nothing but grpc-status."""

import pytest

from proxy.protocol.grpc import INTERNAL, RESOURCE_EXHAUSTED, UNIMPLEMENTED
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.versions.conversation import Answered, Fields
from tests.e2e.versions.http1 import Http1Client
from tests.e2e.versions.http2 import Http2Client

TYPES = [b"application/grpc", b"application/grpc+proto", b"Application/GRPC; charset=utf-8"]
REFUSALS = [
    # (method, path, fields, status for others, grpc-status, what is said)
    (b"POST", b"/a.B/C", [(b"content_length", b"5")], 400, INTERNAL, b"400 Bad Request: a field may not look like"),
    (b"POST", b"/a.B/%2e%2e", [], 400, INTERNAL, b"400 Bad Request"),
    (b"BREW", b"/a.B/C", [], 501, UNIMPLEMENTED, b"501 Not Implemented"),
    (b"POST", b"/" + b"a" * 9000, [], 414, RESOURCE_EXHAUSTED, b"414 URI Too Long"),
    (b"POST", b"/a.B/C", [(b"x", b"y" * 33_000)], 431, RESOURCE_EXHAUSTED, b"431 Request Header Fields Too Large"),
    (b"POST", b"/a.B/C", [(b"x%d" % i, b"") for i in range(120)], 431, RESOURCE_EXHAUSTED, b"431 Request Header"),
]


async def ask(method: bytes, path: bytes, fields: Fields) -> tuple[Answered, int]:
    """The answer over HTTP/2, and the status in the log."""
    async with Gateway(rule(to())) as gateway:
        client = await Http2Client.connect(gateway.port)
        client.wire.h2.config.validate_outbound_headers = False
        answer = await (await client.ask(method, path, fields)).answer()
        [record] = gateway.log.records
        assert gateway.metrics.value("penstock_http2_refused_total", ("default/gateway/http", record.reason)) == 1
        await client.close()
        return answer, record.status


@pytest.mark.parametrize(("method", "path", "fields", "status", "code", "said"), REFUSALS)
@pytest.mark.parametrize("content_type", TYPES)
async def test_a_call_is_told_in_its_own_words(
    method: bytes, path: bytes, fields: Fields, status: int, code: int, said: bytes, content_type: bytes
) -> None:
    answer, logged = await ask(method, path, [(b"content-type", content_type), *fields])
    assert (answer.status, logged, answer.trailers) == (200, 200, [])
    assert (answer.field(b"content-type"), answer.field(b"grpc-status")) == (b"application/grpc", b"%d" % code)
    assert (answer.field(b"grpc-message") or b"").startswith(said)


@pytest.mark.parametrize(("method", "path", "fields", "status", "code", "said"), REFUSALS)
@pytest.mark.parametrize("content_type", [b"application/json", b"application/grpc-web", b"application/grpcx"])
async def test_any_other_request_is_told_in_those_of_http(
    method: bytes, path: bytes, fields: Fields, status: int, code: int, said: bytes, content_type: bytes
) -> None:
    answer, logged = await ask(method, path, [(b"content-type", content_type), *fields])
    assert (answer.status, logged, answer.field(b"grpc-status")) == (status, status, None)
    assert answer.field(b"content-type") == b"text/plain; charset=utf-8"


async def test_what_comes_by_http_1_is_no_call() -> None:
    async with Gateway(rule(to())) as gateway:
        client = await Http1Client.connect(gateway.port)
        answer = await client.get(b"/a.B/%2e%2e", (b"content-type", b"application/grpc"))
        assert (answer.status, answer.field(b"grpc-status")) == (400, None)
        await client.close()
