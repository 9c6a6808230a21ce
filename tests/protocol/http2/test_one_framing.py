"""What leaves HTTP/2 for HTTP/1 says in one way where it ends: two ways are what smuggling is made of."""

import pytest

from proxy.protocol.http1.encode import encode_request
from proxy.protocol.message import Headers, Request
from tests.protocol.http2 import frames as f
from tests.protocol.http2.playbook import client, server

WEBSOCKET: Headers = [
    (b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"http"), (b":path", b"/ws"),
    (b":authority", b"a.example"),
]  # fmt: skip


def head_in_http1(request: Request | None) -> bytes:
    """What an endpoint of HTTP/1 gets."""
    assert request is not None
    return encode_request(request, request.content_length == 0)


@pytest.mark.parametrize("length", [b"0", b"5"])
def test_a_tunnel_has_no_length_and_only_our_key(length: bytes) -> None:
    """An endpoint that refuses the tunnel would wait for a body, and find it in the next request."""
    fields = [*WEBSOCKET, (b"content-length", length), (b"sec-websocket-key", b"theirs")]
    book = server().says(f.headers(1, fields, f.END_HEADERS)).starts(b"GET", b"/ws")
    head = head_in_http1(book.now.request)
    assert b"content-length" not in head and b"transfer-encoding" not in head
    assert head.count(b"sec-websocket-key: ") == 1 and b"theirs" not in head


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_an_empty_body_with_an_open_end_is_in_chunks(method: bytes) -> None:
    book = server().asks(1, method, b"/", (b"content-length", b"0"), end=False).starts(method, b"/")
    head = head_in_http1(book.now.request)
    assert b"content-length" not in head and b"\r\ntransfer-encoding: chunked\r\n" in head
    book.asks_end(1, [(b"sum", b"0")]).ends([(b"sum", b"0")])


def test_an_empty_answer_with_an_open_end_is_in_chunks() -> None:
    book = client().asks().replies(1, 200, (b"content-length", b"0"), (b"x", b"y"), trailers=[(b"sum", b"0")])
    book.head(200, [(b"x", b"y")]).ends([(b"sum", b"0")])
    assert book.record.head is not None and book.record.head.content_length == -1
