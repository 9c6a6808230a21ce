"""Answers of our own: short, plain, and about what the client did, not about what is behind us."""

import pytest

from proxy.errors import MalformedRequest, NoReadyEndpoint, NoRoute, ProxyError, RequestTimeout, UpstreamTimeout
from proxy.forward.reply import error_reply, send_reply
from proxy.protocol.message import Reply
from tests.playbook import server


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (MalformedRequest("bad_host", "Host must be a name"), 400, b"400 Bad Request: Host must be a name\n"),
        (RequestTimeout("request_header_timeout"), 408, b"408 Request Timeout: request_header_timeout\n"),
        (NoRoute("no_rule", "no route matches"), 404, b"404 Not Found: no route matches\n"),
        (NoReadyEndpoint("no_ready_endpoint", "secret/backend has none"), 503, b"503 Service Unavailable\n"),
        (UpstreamTimeout("response_head_timeout", "10.0.0.1 is slow"), 504, b"504 Gateway Timeout\n"),
    ],
)
def test_what_the_client_is_told(error: ProxyError, status: int, text: bytes) -> None:
    reply = error_reply(error)
    assert (reply.status, reply.body) == (status, text)
    assert dict(reply.headers)[b"content-type"].startswith(b"text/plain")


GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_reply_goes_out_whole() -> None:
    book = server().receives(GET).starts(b"GET", b"/a")
    assert send_reply(book.now.stream, Reply(404, [(b"x", b"y")], b"gone\n"), b"GET", [(b"z", b"1")]) == 5
    book.sends(b"HTTP/1.1 404 Not Found\r\nx: y\r\nz: 1\r\ncontent-length: 5\r\n\r\ngone\n").stays().done()


def test_a_reply_to_head_is_its_head() -> None:
    book = server().receives(GET.replace(b"GET", b"HEAD")).starts(b"HEAD", b"/a")
    assert send_reply(book.now.stream, Reply(404, [], b"gone\n"), b"HEAD", []) == 0
    book.sends(b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\n").stays().done()


@pytest.mark.parametrize("status", [204, 304])
def test_a_reply_that_has_no_body_has_no_length(status: int) -> None:
    book = server().receives(GET).starts(b"GET", b"/a")
    send_reply(book.now.stream, Reply(status), b"GET", [])
    assert b"content-length" not in book.wire.written
