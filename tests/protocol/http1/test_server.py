"""ServerCodec as wire traces: what comes in, what the exchange is told, what goes out."""

import pytest

from proxy.errors import RequestTimeout
from proxy.protocol.limits import Limits
from proxy.protocol.message import Response
from tests.playbook import server

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
EMPTY_LAST = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize("split", range(len(GET) + 1))
def test_a_request_cut_anywhere(split: int) -> None:
    server(split).receives(GET).starts(b"GET", b"/a", [(b"host", b"x")]).ends().replies(204).sends(EMPTY).stays().done()


@pytest.mark.parametrize("split", range(12))
def test_a_counted_body_cut_anywhere(split: int) -> None:
    book = server(split).receives(POST + b"hello" + GET)
    book.starts(b"POST", b"/p").gets(b"hello").ends().replies(204).sends(EMPTY)
    book.starts(b"GET", b"/a").ends().replies(204).sends(EMPTY).stays().done()


@pytest.mark.parametrize("split", range(12))
def test_a_chunked_body_with_trailers_cut_anywhere(split: int) -> None:
    book = server(split).receives(CHUNKED + b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n" + GET)
    book.starts(b"POST", b"/p").gets(b"hello").ends([(b"x-sum", b"1")]).replies(204).sends(EMPTY)
    book.starts(b"GET", b"/a").replies(204).sends(EMPTY).stays().done()


def test_body_octets_are_delivered_as_they_come() -> None:
    book = server().receives(POST).starts(b"POST", b"/p").is_open().receives(b"he").gets(b"he").is_open()
    book.receives(b"llo").gets(b"llo").ends().done()


# --- responses ------------------------------------------------------------------------------------


def test_a_response_with_a_length_goes_out_as_it_is() -> None:
    book = server().receives(GET).starts(b"GET", b"/a")
    book.replies(200, [(b"content-length", b"2"), (b"x", b"y")], b"hi")
    book.sends(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nhi").stays().done()


def test_a_response_without_a_length_is_chunked_with_its_trailers() -> None:
    book = server().receives(GET).starts(b"GET", b"/a")
    book.replies(200, [], b"hi", [(b"x-sum", b"1")], length=-1)
    book.sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n").stays().done()


def test_a_chunked_response_may_have_no_data() -> None:
    book = server().receives(GET).starts(b"GET", b"/a").replies(200, length=-1)
    book.sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").stays().done()


def test_a_response_without_a_length_ends_with_the_connection_in_http_1_0() -> None:
    book = server().receives(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").starts(b"GET", b"/a")
    book.replies(200, [], b"hi", [(b"x-sum", b"1")], length=-1)
    book.sends(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi").closes().done()


def test_an_empty_response_says_so() -> None:
    server().receives(GET).starts(b"GET", b"/a").replies(200).sends(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    ).done()


@pytest.mark.parametrize("status", [204, 304])
def test_no_length_is_added_where_no_body_can_be(status: int) -> None:
    book = server().receives(GET).starts(b"GET", b"/a").replies(status)
    assert b"content-length" not in book.wire.written and b"transfer-encoding" not in book.wire.written


def test_the_answer_to_head_keeps_its_length_and_has_no_body() -> None:
    book = server().receives(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + GET).starts(b"HEAD", b"/a")
    book.replies_head(200, [(b"content-length", b"5")], 5, end=True).replies_end()
    book.sends(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").starts(b"GET", b"/a").replies(204).sends(EMPTY).done()


def test_the_answer_to_head_is_never_chunked() -> None:
    book = server().receives(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n").starts(b"HEAD", b"/a")
    book.replies_head(200, [], -1, end=True).replies_end().sends(b"HTTP/1.1 200 OK\r\n\r\n").stays().done()


def test_large_pieces_leave_in_one_writev_with_their_frames() -> None:
    book = server().receives(GET).starts(b"GET", b"/a").replies_head(200, [], -1)
    book.replies_data(b"z" * 20_000).replies_end()
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    book.sends(head + b"4e20\r\n" + b"z" * 20_000 + b"\r\n0\r\n\r\n").done()


def test_interim_responses_go_before_the_final_one() -> None:
    book = server().receives(GET).starts(b"GET", b"/a")
    book.now.stream.send_informational(Response(103, [(b"link", b"<a>")]))
    book.sends(b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n").replies(204).sends(EMPTY).done()


def test_http_1_0_gets_no_interim_response() -> None:
    book = server().receives(b"GET /a HTTP/1.0\r\n\r\n").starts(b"GET", b"/a")
    book.now.stream.send_informational(Response(103))
    book.sends(b"").replies(204).sends(EMPTY_LAST).closes().done()


# --- keeping and closing the connection -----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fields", "answer", "stays"),
    [
        (b"HTTP/1.1", b"", b"", True),
        (b"HTTP/1.1", b"Connection: close\r\n", b"connection: close\r\n", False),
        (b"HTTP/1.1", b"Connection: x, CLOSE\r\n", b"connection: close\r\n", False),
        (b"HTTP/1.1", b"Connection: x\r\nConnection: close\r\n", b"connection: close\r\n", False),
        (b"HTTP/1.1", b"Connection: keep-alive\r\n", b"", True),
        (b"HTTP/1.0", b"", b"connection: close\r\n", False),
        (b"HTTP/1.0", b"Connection: keep-alive\r\n", b"connection: keep-alive\r\n", True),
        (b"HTTP/1.0", b"Connection: keep-alive, close\r\n", b"connection: close\r\n", False),
    ],
)
def test_persistence(line: bytes, fields: bytes, answer: bytes, stays: bool) -> None:
    book = server().receives(b"GET /a " + line + b"\r\nHost: x\r\n" + fields + b"\r\n").starts(b"GET", b"/a")
    book.replies(204).sends(b"HTTP/1.1 204 No Content\r\n" + answer + b"\r\n")
    assert book.wire.signals == ([] if stays else ["closed"])


def test_pipelined_requests_are_answered_in_their_order_and_one_at_a_time() -> None:
    book = server().receives(GET + GET.replace(b"/a", b"/b") + GET.replace(b"/a", b"/c"))
    for path in (b"/a", b"/b", b"/c"):
        book.starts(b"GET", path)
        assert not book.wire.reading or path == b"/c"
        book.replies(204).sends(EMPTY)
    assert book.wire.reading
    book.stays().done()


def test_nothing_is_read_behind_a_request_that_says_close() -> None:
    book = server().receives(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET)
    book.starts(b"GET", b"/a").replies(204).sends(EMPTY_LAST).closes().receives(GET).done()


def test_pipelined_requests_that_are_answered_at_once_cost_no_stack() -> None:
    book = server()
    start = book.codec._start

    def answers(stream, request, end):  # type: ignore[no-untyped-def]
        record = start(stream, request, end)
        stream.send_head(Response(204), True)
        stream.send_end(None)
        return record

    book.codec._start = answers
    book.receives(GET * 3000)
    assert book.wire.written == EMPTY * 3000 and len(book.requests) == 3000


def test_a_request_behind_one_that_was_answered_at_once_has_its_own_sink() -> None:
    book = server()
    start = book.codec._start

    def answers_the_first(stream, request, end):  # type: ignore[no-untyped-def]
        record = start(stream, request, end)
        if len(book.requests) == 1:
            stream.send_head(Response(204), True)
            stream.send_end(None)
        return record

    book.codec._start = answers_the_first
    book.receives(GET + POST + b"he").starts(b"GET", b"/a").sends(EMPTY).starts(b"POST", b"/p").gets(b"he")
    book.receives(b"llo").gets(b"llo").ends().replies(204).sends(EMPTY).stays().done()


def test_draining_answers_say_that_they_are_the_last() -> None:
    book = server().receives(GET).starts(b"GET", b"/a")
    book.codec.drain()
    book.replies(204).sends(EMPTY_LAST).closes().done()


def test_idle_means_that_closing_loses_nothing() -> None:
    book = server()
    assert book.codec.idle
    book.receives(GET[:5])
    assert not book.codec.idle
    book.receives(GET[5:])
    assert not book.codec.idle
    book.starts(b"GET", b"/a").replies(204)
    assert book.codec.idle


# --- early answers ----------------------------------------------------------------------------------


def test_an_answer_before_the_body_is_the_last_on_its_connection() -> None:
    book = server().receives(POST + b"he").starts(b"POST", b"/p").gets(b"he").replies(413)
    book.sends(b"HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    book.stays().receives(b"l").stays().receives(b"lo" + GET).closes().done()


def test_the_rest_of_an_answered_body_is_read_only_so_far() -> None:
    book = server().receives(b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
    book.starts(b"POST", b"/p").replies(413).sends_status(413)
    for _ in range(64):
        book.receives(b"z" * 65536)
        if book.wire.signals:
            break
    book.closes().done()


def test_a_malformed_rest_of_an_answered_body_ends_the_connection() -> None:
    book = server().receives(CHUNKED).starts(b"POST", b"/p").replies(413).sends_status(413)
    book.receives(b"zz\r\n" + GET).closes().done()


def test_a_body_that_ends_while_its_answer_goes_out() -> None:
    book = server().receives(POST).starts(b"POST", b"/p").replies_head(200, [], -1).replies_data(b"a")
    book.receives(b"hello" + GET).gets(b"hello").ends().replies_end()
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    book.sends(head + b"1\r\na\r\n0\r\n\r\n").closes().done()


# --- refusals ---------------------------------------------------------------------------------------


def test_a_refusal_is_one_answer_and_the_end() -> None:
    book = server().receives(b"GET /a HTTP/1.1\r\n\r\n" + GET).refuses(400).sends_status(400).closes().receives(GET)
    assert book.requests == []
    book.done()


def test_a_refusal_waits_for_the_answers_before_it() -> None:
    book = server().receives(GET + b"BAD\r\n\r\n").starts(b"GET", b"/a").sends(b"")
    book.replies(204).refuses(400)
    assert book.wire.written.startswith(EMPTY + b"HTTP/1.1 400 Bad Request\r\n")
    book.closes()


def test_a_malformed_body_breaks_its_request() -> None:
    book = server().receives(CHUNKED + b"5\r\nhelloX").starts(b"POST", b"/p").breaks("bad_chunk")
    book.replies(400).sends_status(400).closes().receives(GET).done()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 8200, 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 33_000, 431),
        (b"GET / HTTP/1.1\nHost: x\n", 400),
        (b"\r\n", 400),
        (b"\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n", 400),
    ],
)
@pytest.mark.parametrize("split", [0, 1, 100])
def test_what_cannot_become_a_head_is_refused_before_it_ends(data: bytes, status: int, split: int) -> None:
    server(split).receives(data).refuses(status).sends_status(status).closes().done()


LIMITS = Limits(request_line=40, head=120, field_count=3, trailers=20, chunk_line=24)


@pytest.mark.parametrize("split", [0, 1, 7])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 26 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        (b"GET /" + b"a" * 27 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (120 - 32) + b"\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (121 - 32) + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX:\r\nY:\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX:\r\nY:\r\nZ:\r\n\r\n", 431),
    ],
)
def test_limits_of_a_head_hold_to_the_octet_for_every_split(data: bytes, status: int, split: int) -> None:
    book = server(split, LIMITS).receives(data)
    assert [error.status for error in book.refusals] == ([status] if status else [])
    assert len(book.requests) == (0 if status else 1)


@pytest.mark.parametrize("split", [0, 1, 2, 3, 7])
@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (b"1;" + b"e" * 22 + b"\r\nz\r\n0\r\n\r\n", True),
        (b"1;" + b"e" * 23 + b"\r\nz\r\n0\r\n\r\n", False),
        (b"0\r\nX: " + b"y" * 15 + b"\r\n\r\n", True),
        (b"0\r\nX: " + b"y" * 16 + b"\r\n\r\n", False),
    ],
)
def test_limits_of_a_chunked_body_hold_to_the_octet_for_every_split(body: bytes, whole: bool, split: int) -> None:
    limits = Limits(chunk_line=24, trailers=20)
    book = server(split, limits).receives(CHUNKED + body).starts(b"POST", b"/p")
    assert book.now.ended == whole
    assert (book.now.error is None) == whole


# --- ends of the client ----------------------------------------------------------------------------


def test_a_client_that_half_closes_gets_its_answers() -> None:
    book = server().receives(GET + GET).receives_eof().starts(b"GET", b"/a").replies(204).sends(EMPTY)
    book.starts(b"GET", b"/a").replies(204)
    assert book.wire.written in (EMPTY, EMPTY_LAST)
    book.closes()


LATE = RequestTimeout("request_header_timeout")


@pytest.mark.parametrize("request_", [GET, POST + b"hello"])
def test_a_client_that_half_closes_is_gone_when_nothing_is_sent_to_it_for_long(request_: bytes) -> None:
    book = server().receives(request_).receives_eof().starts(request_[:4].rstrip(), request_.split()[1])
    assert book.wire.awaited == 1
    book.codec.timed_out(LATE)
    book.breaks("client_closed")
    assert book.wire.signals == ["aborted"]


def test_a_client_that_half_closes_is_there_when_it_has_been_sent_something() -> None:
    book = server().receives(GET).receives_eof().starts(b"GET", b"/a")
    book.now.progress += 1
    book.codec.timed_out(LATE)
    book.stays().replies(204).sends(EMPTY).closes().done()


def test_a_client_that_half_closes_may_be_slow() -> None:
    book = server().receives(GET)
    book.codec.blocked()
    book.receives_eof().starts(b"GET", b"/a")
    book.codec.timed_out(LATE)
    book.stays().codec.writable()
    book.replies(204).sends(EMPTY).closes().done()


def test_each_request_before_a_half_close_is_waited_for_by_itself() -> None:
    book = server().receives(GET + GET).receives_eof().starts(b"GET", b"/a").replies(204).sends(EMPTY)
    book.starts(b"GET", b"/a")
    assert book.wire.awaited == 2
    book.codec.timed_out(LATE)
    book.breaks("client_closed")


def test_a_client_that_closes_between_requests() -> None:
    server().receives(GET).starts(b"GET", b"/a").replies(204).sends(EMPTY).receives_eof().closes().done()


def test_a_client_that_closes_within_a_head() -> None:
    server().receives(GET[:9]).receives_eof().closes().done()


def test_a_client_that_closes_within_a_body() -> None:
    book = server().receives(POST + b"he").receives_eof().starts(b"POST", b"/p").breaks("client_closed_in_body")
    book.closes().done()


@pytest.mark.parametrize("data", [GET, POST, POST + b"he", POST + b"hello", CHUNKED + b"2\r\n"])
def test_a_client_that_vanishes(data: bytes) -> None:
    book = server().receives(data).is_lost()
    assert book.requests[0].error is not None and book.requests[0].error.status == 499


def test_a_client_that_vanishes_between_requests_disturbs_nobody() -> None:
    server().receives(GET).starts(b"GET", b"/a").replies(204).sends(EMPTY).is_lost().done()


def test_a_broken_response_is_never_ended_cleanly() -> None:
    book = server().receives(GET).starts(b"GET", b"/a").replies_head(200, [], -1).replies_data(b"part").resets()
    book.sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n").aborts().done()


# --- time ------------------------------------------------------------------------------------------


def test_a_head_that_does_not_come_is_answered_with_408() -> None:
    book = server().receives(GET[:9])
    book.codec.timed_out(RequestTimeout("request_header_timeout"))
    book.refuses(408).sends_status(408).closes().done()


def test_an_idle_connection_is_closed_without_a_word() -> None:
    book = server()
    book.codec.timed_out(RequestTimeout("request_header_timeout"))
    book.closes().done()


def test_a_body_that_does_not_come_breaks_its_request() -> None:
    book = server().receives(POST)
    book.codec.timed_out(RequestTimeout("request_body_timeout"))
    book.starts(b"POST", b"/p").breaks("request_body_timeout").replies(408).sends_status(408).closes().done()


# --- back-pressure ----------------------------------------------------------------------------------


def test_a_body_that_is_held_back_stops_the_reading() -> None:
    book = server().receives(POST).starts(b"POST", b"/p")
    book.now.stream.pause()
    assert not book.wire.reading
    book.now.stream.resume()
    assert book.wire.reading
    book.receives(b"hello").ends().replies(204).sends(EMPTY).done()


def test_the_next_request_reads_again_whatever_the_last_one_held_back() -> None:
    book = server().receives(POST).starts(b"POST", b"/p")
    book.now.stream.pause()
    book.receives(b"hello").ends().replies(204).sends(EMPTY)
    assert book.wire.reading


def test_a_slow_client_is_told_to_the_exchange() -> None:
    book = server().receives(GET).starts(b"GET", b"/a")
    book.codec.blocked()
    book.codec.writable()
    assert book.now.blocked == [True, False]


# --- expectations and upgrades ----------------------------------------------------------------------


def test_expect_100_continue_is_an_attribute_and_no_field() -> None:
    book = server().receives(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-Continue\r\n\r\n"))
    book.starts(b"POST", b"/p", [(b"host", b"x"), (b"content-length", b"5")])
    assert book.now.request is not None and book.now.request.expect_continue
    book.now.stream.send_informational(Response(100))
    book.sends(b"HTTP/1.1 100 Continue\r\n\r\n").receives(b"hello").ends().replies(204).sends(EMPTY).done()


UPGRADE = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"


def _switching() -> Response:
    response = Response(101)
    response.upgrade = b"websocket"
    return response


def test_a_tunnel_passes_octets_both_ways() -> None:
    book = server().receives(UPGRADE).starts(b"GET", b"/a")
    assert book.now.request is not None and book.now.request.upgrade == b"websocket"
    book.now.ended = False
    book.now.stream.send_head(_switching(), False)
    book.sends(SWITCH).receives(b"\x81\x00GET / HTTP/1.1\r\n\r\n").gets(b"\x81\x00GET / HTTP/1.1\r\n\r\n")
    book.replies_data(b"\x82\x00").sends(b"\x82\x00")
    book.receives_eof().ends().replies_end().closes().done()


def test_octets_that_came_early_belong_to_the_tunnel_once_there_is_one() -> None:
    book = server().receives(UPGRADE + b"early").starts(b"GET", b"/a").gets(b"")
    book.now.ended = False
    book.now.stream.send_head(_switching(), False)
    book.now.stream.resume()
    book.sends(SWITCH).gets(b"early")


def test_an_upgrade_that_is_not_taken_is_an_ordinary_request() -> None:
    book = server().receives(UPGRADE + GET).starts(b"GET", b"/a").replies(204).sends(EMPTY)
    book.starts(b"GET", b"/a").replies(204).sends(EMPTY).stays().done()


@pytest.mark.parametrize(
    "fields", [b"Upgrade: websocket\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"Connection: upgrade\r\n"]
)
def test_what_is_no_upgrade(fields: bytes) -> None:
    book = (
        server().receives(b"GET /a HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n").starts(b"GET", b"/a", [(b"host", b"x")])
    )
    assert book.now.request is not None and book.now.request.upgrade == b""
