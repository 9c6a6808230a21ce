"""ClientCodec as wire traces: what is asked, what the endpoint answers, whether the connection is used again."""

import pytest

from proxy.errors import UpstreamClosed
from proxy.protocol.http1.client import ClientCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Request, Response
from tests.playbook import ResponseRecord, Wire, client, pieces

ASKED = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("split", range(45))
def test_a_counted_response_cut_anywhere(split: int) -> None:
    book = client(split).asks().sends(ASKED).receives(OK + b"Content-Length: 5\r\n\r\nhello")
    book.head(200, [(b"content-length", b"5")]).gets(b"hello").ends().is_reusable()


@pytest.mark.parametrize("split", range(12))
def test_a_chunked_response_with_trailers_cut_anywhere(split: int) -> None:
    book = (
        client(split).asks().receives(OK + b"Transfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
    )
    book.head(200, []).gets(b"hello").ends([(b"x-sum", b"1")]).is_reusable()


@pytest.mark.parametrize("split", range(12))
def test_a_response_that_ends_with_the_connection(split: int) -> None:
    book = client(split).asks().receives(OK + b"\r\nhel").is_open().receives(b"lo").is_open()
    book.receives_eof().gets(b"hello").ends().is_spent()


def test_one_connection_carries_one_request_after_the_other() -> None:
    book = client()
    for _ in range(3):
        book.asks().receives(OK + b"Content-Length: 0\r\n\r\n").head(200).ends().is_reusable()


@pytest.mark.parametrize("split", [0, 1])
@pytest.mark.parametrize(
    ("method", "head"),
    [
        (b"HEAD", OK + b"Content-Length: 5\r\n\r\n"),
        (b"HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        (b"HEAD", OK + b"\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    ],
)
def test_responses_that_have_no_body_whatever_they_say(method: bytes, head: bytes, split: int) -> None:
    client(split).asks(method).receives(head).gets(b"").ends().is_reusable()


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_persistence(head: bytes, reusable: bool) -> None:
    book = client().asks().receives(head + b"Content-Length: 0\r\n\r\n").ends()
    assert book.wire.signals == ["reusable" if reusable else "spent"]


def test_connection_fields_of_a_response_go_no_further() -> None:
    fields = (
        b"Connection: close, X-Hop\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nProxy-Connection: x\r\nUpgrade: h2\r\nX-End: 2\r\n"
    )
    client().asks().receives(OK + fields + b"Content-Length: 0\r\n\r\n").head(
        200, [(b"x-end", b"2"), (b"content-length", b"0")]
    )


# --- requests ---------------------------------------------------------------------------------------


def test_a_counted_request_body_leaves_as_it_came() -> None:
    book = client().asks(b"POST", end=False, length=5).asks_data(b"he").sends(b"POST / HTTP/1.1\r\nhost: a\r\n\r\nhe")
    book.asks_data(b"llo").asks_end().sends(b"llo").receives(OK + b"Content-Length: 0\r\n\r\n").ends().is_reusable()


def test_a_request_body_of_unknown_length_is_framed_anew() -> None:
    book = client().asks(b"POST", end=False, length=-1).asks_data(b"hello").asks_end([(b"x-sum", b"1")])
    book.sends(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n")


def test_large_pieces_are_framed_too() -> None:
    book = client().asks(b"POST", end=False, length=-1).asks_data(b"z" * 20_000).asks_end()
    head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    book.sends(head + b"4e20\r\n" + b"z" * 20_000 + b"\r\n0\r\n\r\n")


def test_an_early_response_makes_the_connection_unusable() -> None:
    book = client().asks(b"POST", end=False, length=5).asks_data(b"he").receives(OK + b"Content-Length: 0\r\n\r\n")
    book.head(200).ends().is_spent()


def test_nothing_is_written_once_the_response_is_over() -> None:
    book = (
        client().asks(b"POST", end=False, length=5).asks_data(b"he").receives(OK + b"Content-Length: 0\r\n\r\n").ends()
    )
    book.wire.written = b""
    book.asks_data(b"llo").asks_end().sends(b"")


# --- interim responses ------------------------------------------------------------------------------


@pytest.mark.parametrize("split", [0, 1, 5])
def test_interim_responses_come_first(split: int) -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
    book = client(split).asks().receives(early + OK + b"Content-Length: 0\r\n\r\n")
    book.interim(100, 103).head(200).ends().is_reusable()
    assert book.record.interim[1].headers == [(b"link", b"<a>")]


@pytest.mark.parametrize("split", [0, 9])
def test_interim_responses_have_a_limit(split: int) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    final = OK + b"Content-Length: 0\r\n\r\n"
    limits = Limits(interim_responses=3)
    client(split, limits).asks().receives(early * 3 + final).head(200).ends()
    client(split, limits).asks().receives(early * 4 + final).breaks(502).is_spent()


def test_the_count_of_interim_responses_starts_anew_with_each_request() -> None:
    book = client(limits=Limits(interim_responses=2))
    for _ in range(3):
        book.asks().receives(
            b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + OK + b"Content-Length: 0\r\n\r\n"
        ).ends().is_reusable()


# --- ends -------------------------------------------------------------------------------------------

HEAD_OF_FIVE = OK + b"Content-Length: 5\r\n\r\n"
HEAD_OF_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200", OK, OK + b"X: y\r\n"])
def test_an_endpoint_that_closes_before_a_whole_head(data: bytes) -> None:
    client().asks().receives(data).receives_eof().breaks(503).is_spent()
    client().asks().receives(data).is_lost().breaks(503)


@pytest.mark.parametrize(
    "data",
    [HEAD_OF_FIVE, HEAD_OF_FIVE + b"hell", HEAD_OF_CHUNKS, HEAD_OF_CHUNKS + b"5\r\nhello\r\n",
    HEAD_OF_CHUNKS + b"0\r\n"],
)  # fmt: skip
def test_a_cut_body_is_never_whole(data: bytes) -> None:
    client().asks().receives(data).receives_eof().breaks(502).is_spent()
    client().asks().receives(data).is_lost().breaks(502)
    reset = client().asks().receives(data).is_lost(UpstreamClosed("upstream_reset"))
    assert reset.record.error is not None and not reset.record.ended


def test_a_body_that_ends_with_the_connection_is_cut_by_a_reset() -> None:
    book = client().asks().receives(OK + b"\r\nhel").is_lost(UpstreamClosed("upstream_reset"))
    assert book.record.error is not None and not book.record.ended


def test_answered_says_whether_any_octet_of_the_response_has_come() -> None:
    book = client().asks()
    assert not book.codec.answered
    book.receives(b"H")
    assert book.codec.answered
    book.receives(b"TTP/1.1 204 x\r\n\r\n").asks()
    assert not book.codec.answered


def test_given_up_exchanges_take_their_connection_with_them() -> None:
    book = client().asks().gives_up().is_spent()
    book.receives(OK + b"Content-Length: 0\r\n\r\n").is_open()
    assert book.record.head is None


def test_an_idle_connection_that_ends_or_speaks_is_gone() -> None:
    for end in ("eof", "octets", "lost"):
        book = client().asks().receives(OK + b"Content-Length: 0\r\n\r\n").is_reusable()
        if end == "eof":
            book.receives_eof().is_spent()
        elif end == "octets":
            book.receives(b"x").is_spent()
        else:
            book.is_lost()


def test_a_response_in_time_or_none() -> None:
    book = client().asks()
    book.codec.timed_out()
    book.breaks(504).is_spent()
    book = client().asks().receives(HEAD_OF_FIVE + b"he")
    book.codec.timed_out()
    book.breaks(504).is_spent()


@pytest.mark.parametrize("split", [0, 1000])
def test_a_response_head_has_a_limit(split: int) -> None:
    limits = Limits(response_head=200)
    head = OK + b"Content-Length: 0\r\nX: "
    fits = head + b"y" * (200 - len(head) - 4) + b"\r\n\r\n"
    client(split, limits).asks().receives(fits).head(200)
    client(split, limits).asks().receives(fits.replace(b"yy", b"yyy", 1)).breaks(502).is_spent()
    client(split, limits).asks().receives(head + b"y" * 300).breaks(502).is_spent()


# --- back-pressure ----------------------------------------------------------------------------------


def test_a_response_that_is_held_back_stops_the_reading_for_as_long_as_the_exchange_lasts() -> None:
    book = client().asks().receives(HEAD_OF_FIVE)
    book.codec.pause()
    assert not book.wire.reading
    book.codec.resume()
    assert book.wire.reading
    book.codec.pause()
    book.receives(b"hello").ends().is_reusable()
    assert book.wire.reading


def test_a_slow_endpoint_is_told_to_the_exchange() -> None:
    book = client().asks(b"POST", end=False, length=5)
    book.codec.blocked()
    book.codec.writable()
    assert book.record.blocked == [True, False]


# --- upgrades ---------------------------------------------------------------------------------------

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize("split", [0, 1])
def test_a_tunnel_that_was_asked_for(split: int) -> None:
    book = client(split).asks(upgrade=b"websocket")
    book.sends(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    book.receives(SWITCH + b"early").head(101).gets(b"early").is_open()
    book.codec.send_data(b"there")
    book.sends(b"there").asks_end()
    assert book.wire.signals == ["half-closed"]
    book.receives(b"back").gets(b"back").receives_eof().ends().is_spent()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(b"", b"websocket"), (b"websocket", b"h2c"), (b"websocket", b"socket"), (b"websocket", b"")],
)
def test_a_tunnel_that_was_not_asked_for(asked: bytes, answered: bytes) -> None:
    switch = SWITCH.replace(b"websocket", answered) if answered else SWITCH.replace(b"Upgrade: websocket\r\n", b"")
    client().asks(upgrade=asked).receives(switch + HEAD_OF_FIVE + b"hello").breaks(502).is_spent()


def test_no_tunnel_before_the_request_is_whole() -> None:
    client().asks(b"POST", end=False, length=5, upgrade=b"websocket").receives(SWITCH).breaks(502).is_spent()


def test_an_upgrade_that_is_declined_is_an_ordinary_response() -> None:
    client().asks(upgrade=b"websocket").receives(HEAD_OF_FIVE + b"hello").head(200).gets(b"hello").ends().is_reusable()


class Heads:
    """A sink that looks at the head and hands the rest over to another."""

    def __init__(self, codec: ClientCodec, to: ResponseRecord) -> None:
        self._codec = codec
        self._to = to

    def on_response_head(self, response: Response, end: bool) -> None:
        self._to.on_response_head(response, end)
        self._codec.hand_over(self._to)


@pytest.mark.parametrize("split", range(45))
@pytest.mark.parametrize("length", [0, 5])
def test_the_rest_of_a_response_can_be_handed_over(length: int, split: int) -> None:
    wire, rest = Wire(), ResponseRecord()
    codec = ClientCodec(wire, Limits())
    codec.begin(Heads(codec, rest))  # type: ignore[arg-type]
    codec.send_head(Request(), True)
    for piece in pieces(OK + b"Content-Length: %d\r\n\r\n%b" % (length, b"hello"[:length]), split):
        codec.feed(piece)
    assert (rest.body, rest.ended) == (b"hello"[:length], True)
    assert wire.signals == ["reusable"]
