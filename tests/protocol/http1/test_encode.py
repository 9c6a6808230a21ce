"""Heads and chunks as they go out."""

import pytest

from proxy.protocol.http1.encode import encode_chunk, encode_last_chunk, encode_request, encode_response
from proxy.protocol.message import Request, Response
from tests.oracle.http_abnf import HTTP


def _request(**values: object) -> Request:
    request = Request()
    request.method = b"POST"
    request.raw_path = b"/a"
    request.headers = [(b"host", b"b"), (b"x", b"")]
    for name, value in values.items():
        setattr(request, name, value)
    return request


@pytest.mark.parametrize(
    ("values", "end", "octets"),
    [
        ({}, True, b"POST /a HTTP/1.1\r\nhost: b\r\nx: \r\n\r\n"),
        ({"query": b"c=d"}, True, b"POST /a?c=d HTTP/1.1\r\nhost: b\r\nx: \r\n\r\n"),
        ({"query": b""}, True, b"POST /a? HTTP/1.1\r\nhost: b\r\nx: \r\n\r\n"),
        ({"version": 10}, True, b"POST /a HTTP/1.1\r\nhost: b\r\nx: \r\n\r\n"),
        ({"content_length": -1}, False, b"POST /a HTTP/1.1\r\nhost: b\r\nx: \r\ntransfer-encoding: chunked\r\n\r\n"),
        ({"content_length": 5}, False, b"POST /a HTTP/1.1\r\nhost: b\r\nx: \r\n\r\n"),
        ({"upgrade": b"x"}, True, b"POST /a HTTP/1.1\r\nhost: b\r\nx: \r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
        ({"expect_continue": True}, False, b"POST /a HTTP/1.1\r\nhost: b\r\nx: \r\nexpect: 100-continue\r\n\r\n"),
    ],
)
def test_requests(values: dict[str, object], end: bool, octets: bytes) -> None:
    assert encode_request(_request(**values), end) == octets


@pytest.mark.parametrize("status", [100, 200, 299, 404, 418, 451, 511, 599])
def test_status_lines_are_what_the_grammar_derives(status: int) -> None:
    line = encode_response(Response(status)).partition(b"\r\n")[0]
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert HTTP.matches("status-line", line)


def test_responses() -> None:
    response = Response(200, [(b"a", b"b"), (b"a", b"c")])
    assert encode_response(response, [b"x: y"]) == b"HTTP/1.1 200 OK\r\na: b\r\na: c\r\nx: y\r\n\r\n"


def test_chunks() -> None:
    assert encode_chunk(b"z" * 26) == b"1a\r\n" + b"z" * 26 + b"\r\n"
    assert encode_last_chunk(None) == encode_last_chunk([]) == b"0\r\n\r\n"
    assert encode_last_chunk([(b"a", b"b"), (b"c", b"")]) == b"0\r\na: b\r\nc: \r\n\r\n"
