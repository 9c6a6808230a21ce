"""The oracle itself: each rule with what it takes and what it refuses, most of them the RFCs' own examples."""

import pytest

from tests.oracle import grammar
from tests.oracle.grammar import Request, Response, read_requests, read_response
from tests.oracle.http_abnf import HTTP
from tests.oracle.paths import HiddenDotSegment, matched, remove_dot_segments, resolve

RULES: list[tuple[str, list[bytes], list[bytes]]] = [
    ("token", [b"GET", b"!#$%&'*+-.^_`|~09azAZ"], [b"", b"a b", b"a:", b"a\x80", b"a\x7f", b"(a)"]),
    ("HTTP-version", [b"HTTP/1.1", b"HTTP/2.0"], [b"http/1.1", b"HTTP/1.10", b"HTTP/1", b"HTTP/1,1", b"HTTP/\xb2.0"]),
    ("request-line", [b"GET /a HTTP/1.1"], [b"GET  /a HTTP/1.1", b"GET /a HTTP/1.1 ", b"GET\t/a HTTP/1.1", b"GET /a"]),
    ("request-target", [b"/a?b", b"*", b"/\\{}|"], [b"", b"/a#b", b"/\x80", b"/\x7f", b"/\t"]),
    ("status-line", [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.1 200 \xe4"],
     [b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1 200OK", b"HTTP/1.1 200 O\x00K"]),
    ("field-line", [b"a:", b"a: b", b"a:b", b"a:\t b c \t", b"a: \xff", b"a_b: 1"],
     [b": b", b"a : b", b" a: b", b"a", b"a: \x00", b"a: b\rc", b"a: \x7f", b"a\x85: b"]),
    ("Content-Length", [b"0", b"007", b"42"], [b"", b"+1", b"-1", b"1_0", b"0x1", b"1,1", b"1 1", b"\xb2"]),
    ("chunk-line", [b"5", b"aF", b"5;a", b"5 ; a = b", b'5;a="\\"\x80"', b"5;a=b;c"],
     [b"", b"0x5", b"+5", b"-5", b"5 ", b" 5", b"5;", b"5;a=", b'5;a="', b"5;\n", b"5g", b"5;a b", b"5_0"]),
    ("transfer-codings", [b"chunked", b"gzip, chunked", b"a;b=c"], [b"", b"chunked,", b"chun ked", b"\x0bchunked"]),
    ("Host", [b"a", b"a.b:80", b"a:", b"[::1]:80", b"[::ffff:1.2.3.4]", b"[v1.x]", b"a_b", b"%41", b"1.2.3.4", b"a,b"],
     [b"", b":80", b"a:b", b"a b", b"a/b", b"a@b", b"[::1", b"[::::]", b"[:]", b"[1.2.3.4]", b"[12345::]",
      b"[::1%25eth0]", b"a:80:80", b"a\\b", b"%4", b"a\xe4", b"[::1]x"]),
    ("http-uri", [b"http://a", b"HTTPS://a:1/b?c", b"http://[::1]?q", b"http://a/?"],
     [b"http:///b", b"http://u@a/", b"ftp://a/", b"http:/a", b"http://a/#b", b"http://a b/", b"http://:80/", b"//a/"]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "taken", "refused"), RULES, ids=[row[0] for row in RULES])
def test_rule(rule: str, taken: list[bytes], refused: list[bytes]) -> None:
    assert [octets for octets in taken if not HTTP.matches(rule, octets)] == []
    assert [octets for octets in refused if HTTP.matches(rule, octets)] == []


def _one(data: bytes) -> Request:
    stream = read_requests(data)
    assert stream.refusal is None and len(stream.messages) == 1, stream
    message = stream.messages[0]
    assert isinstance(message, Request)
    return message


def test_the_example_of_rfc_9112_section_3() -> None:
    request = _one(b"GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
    assert (request.method, request.path, request.query) == (b"GET", b"/where", b"q=now")
    assert request.authority == b"www.example.org"
    assert (request.framing, request.body, request.persistent) == ("none", b"", True)


def test_the_target_s_authority_replaces_host() -> None:
    request = _one(b"GET http://www.example.org/pub HTTP/1.1\r\nHost: other\r\n\r\n")
    assert (request.authority, request.path) == (b"www.example.org", b"/pub")


def test_an_absolute_target_without_a_path_is_the_root() -> None:
    assert _one(b"GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n").path == b"/"


def test_a_chunked_body_with_extensions_and_trailers() -> None:
    request = _one(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        b'4;n=v\r\nWiki\r\nA ; q="\\""\r\npedia in \r\r\n0\r\nX-Sum: 1 \r\n\r\n'
    )
    assert (request.body, request.trailers) == (b"Wikipedia in \r", [(b"x-sum", b"1")])


def test_requests_follow_one_another_until_one_says_close() -> None:
    get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    closing = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"
    stream = read_requests(get + closing + get)
    assert (len(stream.messages), stream.refusal, stream.rest) == (2, None, get)


def test_look_alikes_of_fields_about_the_way_are_dropped_and_other_names_are_not() -> None:
    fields = b"X_Forwarded_For: 1\r\nX.Real-IP: 2\r\nX-Forwarded-For: 3\r\nX_Other: 4\r\n"
    request = _one(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
    assert request.fields == [(b"host", b"a"), (b"x-forwarded-for", b"3"), (b"x_other", b"4")]


def test_http_1_0_persists_only_when_asked() -> None:
    assert not _one(b"GET / HTTP/1.0\r\n\r\n").persistent
    assert _one(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").persistent


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_request_cut_short_is_incomplete_and_not_refused(cut: int) -> None:
    whole = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    stream = read_requests(whole[:-cut])
    assert (stream.messages, stream.refusal) == ([], None)


def _head(*fields: bytes, line: bytes = b"POST / HTTP/1.1") -> bytes:
    return b"\r\n".join([line, *fields, b"", b""])


HOST = b"Host: a"
REFUSED: list[tuple[str, int, bytes]] = [
    ("a leading empty line", 400, b"\r\n" + _head(HOST)),
    ("a bare LF", 400, b"GET / HTTP/1.1\nHost: a\n\n"),
    ("a bare CR", 400, _head(HOST, b"X: a\rb")),
    ("a look-alike of Content-Length", 400, _head(HOST, b"Content_Length: 5")),
    ("a look-alike of Host", 400, _head(HOST, b"_Host: b")),
    ("NUL", 400, _head(HOST, b"X: a\x00b")),
    ("obs-fold", 400, _head(HOST, b"X: a", b" b")),
    ("space before the colon", 400, _head(HOST, b"X : a")),
    ("two spaces", 400, _head(HOST, line=b"GET  / HTTP/1.1")),
    ("no version", 400, _head(HOST, line=b"GET /")),
    ("another version", 505, _head(HOST, line=b"GET / HTTP/2.0")),
    ("a version that is none", 400, _head(HOST, line=b"GET / HTTP/1.10")),
    ("an unknown method", 501, _head(HOST, line=b"FOO / HTTP/1.1")),
    ("a lower-case method", 501, _head(HOST, line=b"get / HTTP/1.1")),
    ("no method", 400, _head(HOST, line=b"G(T / HTTP/1.1")),
    ("CONNECT", 501, _head(HOST, line=b"CONNECT a:80 HTTP/1.1")),
    ("asterisk-form with GET", 400, _head(HOST, line=b"GET * HTTP/1.1")),
    ("a fragment", 400, _head(HOST, line=b"GET /#a HTTP/1.1")),
    ("authority-form", 400, _head(HOST, line=b"GET a:80 HTTP/1.1")),
    ("userinfo", 400, _head(HOST, line=b"GET http://u@a/ HTTP/1.1")),
    ("a hidden dot segment", 400, _head(HOST, line=b"GET /a/%2e%2e/b HTTP/1.1")),
    ("no Host", 400, _head()),
    ("two Hosts", 400, _head(HOST, HOST)),
    ("two Hosts in HTTP/1.0", 400, _head(HOST, HOST, line=b"GET / HTTP/1.0")),
    ("an empty Host", 400, _head(b"Host:")),
    ("Content-Length beside Transfer-Encoding", 400, _head(HOST, b"Content-Length: 0", b"Transfer-Encoding: chunked")),
    ("Content-Length twice", 400, _head(HOST, b"Content-Length: 0", b"Content-Length: 0")),
    ("a list of Content-Lengths", 400, _head(HOST, b"Content-Length: 0, 0")),
    ("a signed Content-Length", 400, _head(HOST, b"Content-Length: +0")),
    ("an unknown coding", 501, _head(HOST, b"Transfer-Encoding: gzip")),
    ("two codings", 501, _head(HOST, b"Transfer-Encoding: gzip, chunked")),
    ("chunked with a parameter", 501, _head(HOST, b"Transfer-Encoding: chunked;q=1")),
    ("a coding that is none", 400, _head(HOST, b"Transfer-Encoding: chun ked")),
    ("Transfer-Encoding in HTTP/1.0", 400, _head(HOST, b"Transfer-Encoding: chunked", line=b"POST / HTTP/1.0")),
    ("a request line over 8 KiB", 414, _head(HOST, line=b"GET /" + b"a" * 8192 + b" HTTP/1.1")),
    ("a header section over 32 KiB", 431, _head(HOST, *(b"X: " + b"a" * 4000,) * 9)),
    ("101 fields", 431, _head(HOST, *(b"X: a",) * 100)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "data"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_requests(name: str, status: int, data: bytes) -> None:
    stream = read_requests(data)
    assert stream.messages == [], name
    assert stream.refusal is not None and stream.refusal.status == status, stream.refusal


CHUNKED = _head(HOST, b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "body",
    [
        b"g\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX0\r\n\r\n", b"5\r\nhello!\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"\r\n0\r\n\r\n",
        b"00000000000000005\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFF\r\n",
        b"5;" + b"a" * 280 + b"\r\nhello\r\n0\r\n\r\n",
        b"5;a\nb\r\nhello\r\n0\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nHost: b\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\nA: b\n\r\n", b"0\r\n A: b\r\n\r\n", b"0\r\nXX", b"0\r\nA: " + b"b" * 8200 + b"\r\n\r\n",
        (b"1;" + b"e" * 250 + b"\r\nz\r\n") * 70 + b"0\r\n\r\n",
    ],
)  # fmt: skip
def test_refused_chunked_bodies(body: bytes) -> None:
    stream = read_requests(CHUNKED + body + b"\r\n\r\n")
    assert stream.messages == []
    assert stream.refusal is not None and stream.refusal.status == 400


def _final(data: bytes, method: bytes = b"GET", *, ended: bool = False) -> Response:
    stream = read_response(data, method, ended=ended)
    assert stream.refusal is None and stream.messages, stream
    message = stream.messages[-1]
    assert isinstance(message, Response)
    return message


def test_response_bodies_end_as_section_6_3_says() -> None:
    ok = b"HTTP/1.1 200 OK\r\n"
    assert _final(ok + b"Content-Length: 2\r\n\r\nhi").body == b"hi"
    assert _final(ok + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n").body == b"hi"
    assert _final(ok + b"\r\nhi", ended=True).body == b"hi"
    assert _final(ok + b"Content-Length: 2\r\n\r\n", b"HEAD").body == b""
    assert _final(b"HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\n").body == b""
    assert _final(b"HTTP/1.1 204 x\r\n\r\n").body == b""


def test_interim_responses_come_before_the_final_one() -> None:
    stream = read_response(b"HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nrest", b"GET")
    assert [message.status for message in stream.messages if isinstance(message, Response)] == [103, 200]
    assert stream.rest == b"rest"


@pytest.mark.parametrize(
    "data",
    [
        b"HTP/1.1 200 OK\r\n\r\n", b"HTTP/2.0 200 OK\r\n\r\n", b"HTTP/1.1 099 x\r\n\r\n", b"HTTP/1.1 600 x\r\n\r\n",
        b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", b"HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", b"",
        b"HTTP/1.1 103 x\r\n\r\n",
        b"HTTP/1.1 103 x\r\n\r\n" * 17 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)  # fmt: skip
def test_refused_responses(data: bytes) -> None:
    stream = read_response(data, b"GET", ended=True)
    assert stream.refusal is not None and stream.refusal.status == 502, stream


# --- paths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        (b"/a/b/c/./../../g", b"/a/g"),  # RFC 3986 section 5.2.4
        (b"/", b"/"), (b"/.", b"/"), (b"/..", b"/"), (b"/a/.", b"/a/"), (b"/a/..", b"/"), (b"/a/b/..", b"/a/"),
        (b"/../../a", b"/a"), (b"//a", b"//a"), (b"/a//../b", b"/a/b"), (b"/a/...", b"/a/..."), (b"/.a/b.", b"/.a/b."),
    ],
)  # fmt: skip
def test_literal_dot_segments_are_resolved(path: bytes, resolved: bytes) -> None:
    assert remove_dot_segments(path) == resolved
    assert resolve(path) == resolved


@pytest.mark.parametrize(
    "path",
    [
        b"/%2e%2e/a", b"/%2E", b"/a/%2e./b", b"/a/..%2fb", b"/a%2f..%2fb", b"/a/..\\b", b"/a/..%5cb", b"/a/..;/b",
        b"/a/..;x=y/b", b"/%252e%252e/a", b"/a/..%252fb", b"/a/..%3bx/b", b"/%c0%ae%c0%ae/a", b"/%e0%80%ae./a",
        b"/%f0%80%80%ae/", b"/%25c0%25ae/", b"/a/..%c0%af", b"/%", b"/%4", b"/%zz",
    ],
)  # fmt: skip
def test_hidden_dot_segments_are_refused(path: bytes) -> None:
    with pytest.raises(HiddenDotSegment):
        resolve(path)


@pytest.mark.parametrize(
    "path", [b"/a%2fb", b"/@scope%2fname", b"/%25252e", b"/a;b/c", b"/a.b%2e", b"/%2e%2ea", b"/a\\b", b"/%e4"]
)
def test_other_escapes_are_data(path: bytes) -> None:
    assert resolve(path) == path


def test_only_unreserved_characters_are_decoded_for_matching() -> None:
    assert matched(b"/%7e%41%2D%2f%25%2541") == b"/~A-%2f%25%2541"


def test_limits_are_those_of_the_design() -> None:
    assert (grammar.REQUEST_LINE, grammar.HEAD, grammar.FIELDS) == (8 << 10, 32 << 10, 100)
