"""What no client in its right mind sends: refused on its stream or its connection, and never given to an exchange."""

import pytest
from hypothesis import given, settings, strategies

from proxy.protocol.message import Headers
from tests.protocol.http2 import frames as f
from tests.protocol.http2.playbook import ServerPlaybook, server


def opened() -> ServerPlaybook:
    """By octets: h2 has no part in it."""
    book = server(begun=False).says(f.opening())
    book.cable.take()
    return book


def sent_frames(book: ServerPlaybook) -> list[tuple[int, int, bytes]]:
    """(kind, stream, payload) of all that we have sent."""
    data = book.cable.take()
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        found.append((data[3], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    return found


def codes(book: ServerPlaybook, kind: int) -> list[int]:
    at = slice(4, 8) if kind == f.GOAWAY else slice(0, 4)
    return [int.from_bytes(payload[at], "big") for each, _, payload in sent_frames(book) if each == kind]


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (f.frame(f.DATA, 0, 1, b"x"), 1),
        (f.frame(f.HEADERS, f.END_HEADERS, 2, f.block(f.request())), 1),
        (f.frame(f.CONTINUATION, 0, 1, b"x"), 1),
        (f.frame(f.SETTINGS, 0, 0, b"12345"), 6),
        (f.frame(f.SETTINGS, 0, 1), 1),
        (f.settings(ENABLE_PUSH=2), 1),
        (f.settings(INITIAL_WINDOW_SIZE=1 << 31), 3),
        (f.settings(MAX_FRAME_SIZE=1), 1),
        (f.frame(f.PING, 0, 0, b"short"), 6),
        (f.frame(f.PING, 0, 1, b"12345678"), 1),
        (f.frame(f.WINDOW_UPDATE, 0, 0, bytes(4)), 1),
        (f.frame(f.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, 3),
        (f.frame(f.RST_STREAM, 0, 1, bytes(4)), 1),
        (f.frame(f.PUSH_PROMISE, f.END_HEADERS, 1, bytes(4)), 1),
        (f.frame(f.HEADERS, f.END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\xff"), 9),
        (f.frame(f.DATA, 0, 0, b"x"), 1),
        (b"\x01\x00\x00" + b"\x00\x00" + bytes(4), 6),
    ],
)
def test_what_ends_the_connection(octets: bytes, code: int) -> None:
    book = opened().says(octets)
    assert codes(book, f.GOAWAY) == [code]
    assert book.cable.signals == ["closed"] and "protocol_error" in book.cable.refusals
    book.says(f.headers(1, f.request()))
    book.done()


@pytest.mark.parametrize(
    "fields",
    [
        [(b":method", b"GET"), (b":path", b"/"), (b":authority", b"a")],
        [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"a")],
        [(b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a")],
        f.request(b"GET", b"/", (b":method", b"GET")),
        f.request(b"GET", b"/", (b"x", b"1"), (b":scheme", b"http")),
        f.request(b"GET", b"/", (b":unknown", b"1")),
        f.request(b"GET", b""),
        f.request(b"GET", b"/", (b"X", b"1")),
        f.request(b"GET", b"/", (b"a b", b"1")),
        f.request(b"GET", b"/", (b"a:b", b"1")),
        f.request(b"GET", b"/", (b"", b"1")),
        f.request(b"GET", b"/", (b"x", b"a\r\nb: c")),
        f.request(b"GET", b"/", (b"x", b"a\nb")),
        f.request(b"GET", b"/", (b"x", b"a\0b")),
        f.request(b"GET", b"/", (b"connection", b"close")),
        f.request(b"GET", b"/", (b"keep-alive", b"1")),
        f.request(b"GET", b"/", (b"proxy-connection", b"1")),
        f.request(b"GET", b"/", (b"transfer-encoding", b"chunked")),
        f.request(b"GET", b"/", (b"upgrade", b"websocket")),
        f.request(b"GET", b"/", (b"te", b"gzip")),
        f.request(b"GET", b"/", (b"host", b"b.example")),
        f.request(b"POST", b"/", (b"content-length", b"1"), (b"content-length", b"1")),
        f.request(b"POST", b"/", (b"content-length", b"+1")),
        f.request(b"POST", b"/", (b"content-length", b"5")),
        f.request(b"GET\r\nx: y", b"/"),
        f.request(b"GET", b"/\r\nx: y"),
        f.request(b"GET", b"/ HTTP/1.1"),
    ],
)
def test_what_ends_its_stream_alone(fields: Headers) -> None:
    book = opened().says(f.headers(1, fields))
    book.says(f.headers(3, f.request(b"GET", b"/next"))).starts(b"GET", b"/next")
    assert [record.request.path for record in book.requests if record.request] == [b"/next"]
    refused = len(book.refusals) + book.cable.refusals.count("malformed")
    assert refused == 1, (book.refusals, book.cable.refusals)
    book.stays()


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        (b"", None),
        (b"a@b", None),
        (b"a/b", None),
        (b"a b", None),
        (b"a?b", None),
        (None, None),
        (None, b""),
        (None, b"a b"),
    ],
)
def test_an_authority_that_is_none(authority: bytes | None, host: bytes | None) -> None:
    fields = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/")]
    fields += [] if authority is None else [(b":authority", authority)]
    fields += [] if host is None else [(b"host", host)]
    book = opened().says(f.headers(1, fields))
    assert book.requests == [] and len(book.refusals) + book.cable.refusals.count("malformed") == 1
    book.stays()


@pytest.mark.parametrize(("declared", "sent"), [(3, b"ab"), (3, b"abcd"), (0, b"a")])
def test_a_body_that_is_not_as_long_as_it_says_breaks_its_request(declared: int, sent: bytes) -> None:
    book = opened().says(f.headers(1, f.request(b"POST", b"/", (b"content-length", b"%d" % declared)), f.END_HEADERS))
    book.starts(b"POST", b"/").says(f.frame(f.DATA, f.END_STREAM, 1, sent))
    assert not book.now.ended and book.now.error is not None and book.now.error.reason == "stream_error"
    assert codes(book, f.RST_STREAM) == [1] and book.cable.refusals == ["malformed"]
    book.stays()


@pytest.mark.parametrize(
    "trailers",
    [
        f.headers(1, [(b":path", b"/")]),
        f.headers(1, [(b"X", b"a")]),
        f.headers(1, [(b"x", b"a\r\nb: c")]),
        f.headers(1, [(b"x", b"a")], f.END_HEADERS),
    ],
    ids=["pseudo-field", "upper case", "line break", "no end"],
)
def test_trailers_that_are_none_break_their_request(trailers: bytes) -> None:
    book = opened().says(f.headers(1, f.request(b"POST"), f.END_HEADERS)).starts(b"POST", b"/").says(trailers)
    assert not book.now.ended and book.now.error is not None and book.now.error.reason == "stream_error"
    assert codes(book, f.RST_STREAM) == [1] and book.cable.refusals == ["malformed"]
    book.stays()


@pytest.mark.parametrize("code", [1, 8])
def test_a_request_that_is_taken_back_at_once_is_never_begun(code: int) -> None:
    book = opened().says(f.headers(1, f.request()) + f.frame(f.RST_STREAM, 0, 1, code.to_bytes(4, "big")))
    assert book.requests == [] and book.cable.refusals == ["reset_at_once"]


def test_what_a_client_takes_back_is_not_malformed() -> None:
    book = opened().says(f.headers(1, f.request())).starts(b"GET", b"/")
    book.says(f.frame(f.RST_STREAM, 0, 1, b"\0\0\0\1"))
    assert book.now.error is not None and book.now.error.reason == "stream_reset" and book.cable.refusals == []


@pytest.mark.parametrize("together", [True, False])
def test_a_flood_of_resets_reaches_no_exchange_for_long(together: bool) -> None:
    book = opened()
    for stream in range(1, 6001, 2):
        reset = f.frame(f.RST_STREAM, 0, stream, b"\0\0\0\x08")
        if together:
            book.says(f.headers(stream, f.request()) + reset)
        else:
            book.says(f.headers(stream, f.request())).says(reset)
    assert len(book.requests) <= 101
    assert codes(book, f.GOAWAY) == [11] and book.cable.signals == ["closed"]


def test_a_flood_of_resets_that_we_are_made_to_send() -> None:
    """MadeYouReset, CVE-2025-8671."""
    book = opened()
    for stream in range(1, 6001, 2):
        request = f.request(b"POST", b"/", (b"content-length", b"1"))
        book.says(f.headers(stream, request, f.END_HEADERS)).says(f.frame(f.DATA, 0, stream, b"xx"))
        if book.cable.signals:
            break
    assert len(book.requests) == 101 and book.cable.signals == ["closed"]
    assert "reset_flood" in book.cable.refusals and codes(book, f.GOAWAY) == [11]


def test_who_takes_requests_back_slowly_may_go_on() -> None:
    book = opened()
    for stream in range(1, 1001, 2):
        book.cable.now += 0.1
        book.says(f.headers(stream, f.request())).says(f.frame(f.RST_STREAM, 0, stream, b"\0\0\0\x08"))
    assert len(book.requests) == 500
    book.stays()


@pytest.mark.parametrize(
    "octets",
    [
        f.settings(),
        f.frame(f.PING, 0, 0, b"12345678"),
        f.frame(f.PRIORITY, 0, 1, b"\0\0\0\3\1"),
        f.frame(f.WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
        f.frame(f.DATA, 0, 1, b""),
        f.frame(0x7F, 0, 0, b"x"),
    ],
    ids=["settings", "ping", "priority", "window", "empty-data", "unknown"],
)
def test_a_flood_of_small_frames_keeps_nothing(octets: bytes) -> None:
    """With a transport that takes nothing: what we have to answer must not pile up without end."""
    book = opened().says(f.headers(1, f.request(b"POST"), f.END_HEADERS)).starts(b"POST", b"/")
    book.codec.blocked()
    for _ in range(300):
        book.says(octets * 100)
        if book.cable.signals:
            break
    if not book.cable.signals:
        book.codec.writable()
    assert len(book.cable.take()) < 64 * 1024


def test_continuations_without_end_are_not_kept() -> None:
    book = opened().says(f.frame(f.HEADERS, f.END_STREAM, 1, f.block(f.request())))
    for _ in range(20):
        if not book.cable.signals:
            book.says(f.frame(f.CONTINUATION, 0, 1, f.literals([(b"x", b"y" * 1000)])))
    assert book.requests == [] and book.cable.refusals == ["flood"] and codes(book, f.GOAWAY) == [11]


@pytest.mark.parametrize(("times", "status"), [(20, 431), (4000, 0)])
def test_a_small_block_that_unfolds_to_a_large_list(times: int, status: int) -> None:
    """HPACK bomb: one long value in the table, named again and again. Its stream is refused, or the connection ends."""
    book = opened()
    bomb = f.literals(f.request()) + f.literals([(b"a", b"x" * 4000)], kind=0x40) + b"\xbe" * times
    book.says(f.frame(f.HEADERS, f.END_STREAM | f.END_HEADERS, 1, bomb))
    assert book.requests == []
    if status:
        assert [error.status for error in book.refusals] == [status]
        book.stays()
    else:
        assert book.cable.refusals == ["flood"] and codes(book, f.GOAWAY) == [11]


def test_the_preface_has_to_be_right() -> None:
    book = server(begun=False).says(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + f.settings())
    assert codes(book, f.GOAWAY) == [1]
    assert book.cable.signals == ["closed"] and book.requests == []


def test_who_floods_is_told_why_the_connection_ends() -> None:
    book = opened()
    book.codec.blocked()
    for _ in range(20):
        book.says(f.settings() * 100)
    assert codes(book, f.GOAWAY) == [11] and book.cable.signals == ["closed"]
    assert book.cable.refusals == ["flood"]


FLIGHT = f.opening() + b"".join(
    f.headers(stream, f.request(b"POST", b"/%d" % stream, (b"content-length", b"3")), f.END_HEADERS)
    + f.frame(f.DATA, f.END_STREAM, stream, b"abc")
    for stream in (1, 3, 5)
) + f.frame(f.PING, 0, 0, b"12345678") + f.frame(f.WINDOW_UPDATE, 0, 0, b"\0\0\1\0")  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(
    cuts=strategies.lists(
        strategies.tuples(
            strategies.integers(0, len(FLIGHT)), strategies.integers(0, 12), strategies.binary(max_size=12)
        ),
        min_size=1,
        max_size=4,
    ),
    split=strategies.sampled_from([0, 1, 97]),
)
def test_a_damaged_flight_never_raises_and_starts_nothing_malformed(
    cuts: list[tuple[int, int, bytes]], split: int
) -> None:
    data = FLIGHT
    for at, size, other in cuts:
        data = data[:at] + other + data[at + size :]
    book = server(split, begun=False).says(data)
    book.cable.turn()
    for record in book.requests:
        request = record.request
        assert request is not None and request.host and request.path[:1] in (b"/", b"*")
        assert not any(octet in value for _, value in request.headers for octet in (0, 10, 13))
        assert not record.ended or request.content_length in (-1, 0, len(record.body))
