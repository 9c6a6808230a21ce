"""The server's side of a connection, with h2 as the client."""

import pytest
from h2.settings import SettingCodes

from proxy.errors import ProxyError
from proxy.protocol.message import Headers, Response
from tests.protocol.http2 import frames as f
from tests.protocol.http2.playbook import server

HOST = (b"host", b"a.example")
both_splits = pytest.mark.parametrize("split", [0, 1])


@both_splits
def test_a_request_and_its_response(split: int) -> None:
    book = server(split).asks(1, b"GET", b"/x?y=1", (b"accept", b"*/*"))
    book.starts(b"GET", b"/x", [HOST, (b"accept", b"*/*")])
    assert book.now.request is not None and (book.now.request.query, book.now.request.version) == (b"y=1", 20)
    book.replies(200, [(b"content-length", b"2")], b"ok").answers(1, 200, b"ok").stays().done()


@both_splits
def test_a_body_each_way_and_trailers(split: int) -> None:
    book = server(split).asks(1, b"POST", b"/", end=False).starts(b"POST", b"/").is_open()
    book.asks_data(1, b"one").gets(b"one").asks_data(1, b"two").gets(b"two")
    book.asks_end(1, [(b"checksum", b"6")]).ends([(b"checksum", b"6")])
    book.replies_head(200).replies_data(b"a").replies_data(b"b").replies_end([(b"grpc-status", b"0")])
    book.answers(1, 200, b"ab", [(b"grpc-status", b"0")]).done()


@both_splits
def test_many_streams_at_a_time(split: int) -> None:
    book = server(split)
    for stream in (1, 3, 5):
        book.asks(stream, b"GET", b"/%d" % stream).starts(b"GET", b"/%d" % stream)
    for stream, record in zip((5, 1, 3), (book.requests[2], book.requests[0], book.requests[1]), strict=True):
        record.stream.send_head(Response(200, [], -1), False)
        record.stream.send_data(b"%d" % stream)
        record.stream.send_end(None)
    book.goes_on()
    for stream in (1, 3, 5):
        book.answers(stream, 200, b"%d" % stream)
    book.done()


def test_interim_responses_come_before_the_final_one() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.now.stream.send_informational(Response(103, [(b"link", b"</a>")]))
    book.goes_on()
    assert book.peer.messages[1].interim == [103]
    book.replies(204).answers(1, 204).done()


def test_an_answer_before_the_end_of_the_request_ends_the_request() -> None:
    book = server().asks(1, b"POST", b"/", end=False).starts(b"POST", b"/")
    book.replies(413, [], b"too long")
    message = book.peer.messages[1]
    assert (message.body, message.ended, message.reset) == (b"too long", True, 0)
    book.stays().asks(3, b"GET", b"/").starts(b"GET", b"/").replies(204).answers(3, 204).done()


def test_a_client_takes_its_request_back() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/").takes_back(1).breaks("stream_reset")
    book.now.stream.send_head(Response(200), True)  # the exchange may not know yet
    book.now.stream.send_end(None)
    book.goes_on().stays().done()


def test_a_response_that_cannot_be_completed_is_reset() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/").replies_head(200).replies_data(b"half")
    book.now.stream.reset(ProxyError("upstream_cut"))
    book.goes_on().resets(1, 2).stays().done()


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ([(b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2")], [HOST, (b"cookie", b"a=1; b=2"), (b"x", b"y")]),
        ([(b"te", b"trailers")], [HOST]),
        ([(b"x_y", b"1")], [HOST, (b"x_y", b"1")]),
        ([(b"x_forwarded_for", b"1.2.3.4")], [HOST]),
    ],
)
def test_fields_as_the_exchange_sees_them(sent: Headers, received: Headers) -> None:
    server().asks(1, b"GET", b"/", *sent).starts(b"GET", b"/", received).replies(204).answers(1, 204).done()


def test_no_body_is_said_in_the_words_of_http_1() -> None:
    book = server().asks(1, b"POST", b"/").starts(b"POST", b"/", [HOST, (b"content-length", b"0")])
    book.replies(204).answers(1, 204).done()


def test_fields_of_a_connection_are_not_sent() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.replies(200, [(b"connection", b"x"), (b"keep-alive", b"1"), (b"a", b"b")], b"ok")
    assert book.peer.messages[1].fields == [(b":status", b"200"), (b"a", b"b")]


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "fields", "status", "reason"),
    [
        (b"BREW", b"/", [], 501, "unknown_method"),
        (b"get", b"/", [], 501, "unknown_method"),
        (b"GET", b"/#x", [], 400, "bad_target"),
        (b"GET", b"/\x80", [], 400, "bad_target"),
        (b"GET", b"/%2e%2e/x", [], 400, "hidden_dot_segment"),
        (b"GET", b"/%zz", [], 400, "bad_escape"),
        (b"GET", b"/", [(b"content_length", b"5")], 400, "look_alike_field"),
        (b"GET", b"/", [(b"x", b"y" * 33_000)], 431, "headers_too_large"),
        (b"GET", b"/", [(b"x%d" % i, b"y") for i in range(120)], 431, "too_many_fields"),
        (b"GET", b"/" + b"a" * 9000, [], 414, "request_line_too_long"),
    ],
)
def test_what_is_refused_is_refused_on_its_stream_alone(
    method: bytes, path: bytes, fields: Headers, status: int, reason: str
) -> None:
    book = server()
    book.peer.h2.config.validate_outbound_headers = False
    book.asks(1, method, path, *fields).refuses(status, reason).answers(1, status)
    assert book.cable.refusals == [reason]
    book.asks(3, b"GET", b"/").starts(b"GET", b"/").replies(204).answers(3, 204).stays().done()


def test_what_the_engine_refuses_is_counted() -> None:
    book = server()
    book.peer.h2.config.validate_outbound_headers = False
    book.asks(1, b"GET", b"/a b").resets(1, 1)
    assert book.cable.refusals == ["malformed"]
    book.stays().done()


def test_trailers_that_may_not_be_break_the_request() -> None:
    book = server().asks(1, b"POST", b"/", end=False).starts(b"POST", b"/")
    book.asks_end(1, [(b"authorization", b"x")]).breaks("forbidden_trailer")
    book.replies(400).answers(1, 400).done()


# --- pressure ---------------------------------------------------------------------------------


def test_a_paused_request_closes_its_window_and_no_other() -> None:
    book = server().asks(1, b"POST", b"/", end=False).starts(b"POST", b"/")
    book.now.stream.pause()
    book.asks_data(1, b"x" * 16_384).asks_data(1, b"x" * 16_384)
    assert book.peer.h2.local_flow_control_window(1) == 65_536 - 32_768
    book.asks(3, b"POST", b"/", end=False).starts(b"POST", b"/").asks_data(3, b"y" * 16_384).gets(b"y" * 16_384)
    book.requests[0].stream.resume()
    book.goes_on()
    assert book.peer.h2.local_flow_control_window(1) == 65_536


def test_a_client_that_takes_nothing_blocks_the_response_until_it_does() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.peer.acknowledges = False
    book.replies_head(200)
    for _ in range(9):
        book.replies_data(b"x" * 16_384)
    assert book.now.blocked == [True]
    assert len(book.peer.messages[1].body) == 65_535
    book.peer.h2.increment_flow_control_window(200_000)
    book.peer.h2.increment_flow_control_window(200_000, 1)
    book.goes_on()
    assert book.now.blocked == [True, False]
    book.replies_end().answers(1, 200, b"x" * 9 * 16_384)


def test_a_window_that_has_never_opened_holds_a_response_back_early() -> None:
    """There may be a hundred of them on the connection, and many such connections."""
    book = server()
    book.peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
    book.goes_on().asks(1, b"GET", b"/").starts(b"GET", b"/").replies_head(200).replies_data(b"x" * 16_384)
    assert book.now.blocked == []
    book.replies_data(b"x")
    assert book.now.blocked == [True]
    book.peer.h2.increment_flow_control_window(1, 1)
    book.goes_on()
    assert book.now.blocked == [True, False]
    book.peer.h2.increment_flow_control_window(16_384, 1)
    book.goes_on().replies_end().answers(1, 200, b"x" * 16_385)


def test_much_goes_out_before_the_turn_is_over() -> None:
    """Else a transport that takes nothing would be told of when all of it has been read."""
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/").replies_head(200)
    for _ in range(16):
        book.now.stream.send_data(b"x" * 16_384)
    assert book.cable.written == []
    book.now.stream.send_data(b"x")
    assert sum(map(len, book.cable.written)) > 60_000


def test_a_transport_that_takes_nothing_holds_all_responses_back() -> None:
    """Those that are begun meanwhile as well."""
    book = server().asks(1, b"GET", b"/a").starts(b"GET", b"/a").asks(3, b"GET", b"/b").starts(b"GET", b"/b")
    book.codec.blocked()
    book.codec.feed(f.headers(5, f.request(b"GET", b"/c")))
    book.starts(b"GET", b"/c")
    assert [record.blocked for record in book.requests] == [[True]] * 3
    book.codec.writable()
    assert [record.blocked for record in book.requests] == [[True, False]] * 3


def test_a_transport_that_takes_nothing_holds_responses_back_early() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/").replies_head(200).replies_data(b"x" * 30_000)
    book.codec.blocked()
    book.replies_data(b"y" * 16_385)
    assert book.now.blocked == [True, False, True]
    book.codec.writable()
    assert book.now.blocked == [True, False, True, False]
    book.goes_on().replies_end().answers(1, 200, b"x" * 30_000 + b"y" * 16_385)


def test_a_client_that_takes_nothing_for_long_loses_the_stream() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.peer.acknowledges = False
    book.replies_head(200)
    for _ in range(9):
        book.replies_data(b"x" * 16_384)
    book.cable.wait(16)
    assert book.goes_on().now.error is None
    book.cable.wait(16)
    book.goes_on().breaks("stream_reset").resets(1, 8).stays()


def test_a_transport_that_takes_nothing_is_given_nothing() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.codec.blocked()
    book.replies(200, [], b"ok")
    assert book.peer.messages[1].fields == []
    book.codec.writable()
    book.goes_on().answers(1, 200, b"ok").done()


def test_a_whole_answer_that_nobody_takes_does_not_wait_for_ever() -> None:
    """Few octets, and all said: nothing else looks at the stream any more."""
    book = server()
    book.peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
    book.goes_on().asks(1, b"GET", b"/").starts(b"GET", b"/").replies(200, [], b"ok")
    book.cable.wait(16)
    book.goes_on().stays()
    book.cable.wait(16)
    book.goes_on().resets(1, 8).stays()


def test_a_client_that_reads_nothing_loses_the_connection() -> None:
    """Also where only heads wait for it."""
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.codec.blocked()
    book.replies(204)
    for _ in range(3):
        book.cable.wait(14)
        assert book.cable.signals == []
        book.codec.writable()
        book.codec.blocked()
    book.cable.wait(16)
    book.cable.wait(16)
    assert book.cable.signals == ["aborted"]


def test_a_body_that_is_late_breaks_its_request() -> None:
    book = server().asks(1, b"POST", b"/", end=False).starts(b"POST", b"/").asks_data(1, b"abc")
    assert book.cable.paces == ["begun", "3"]
    book.cable.late()
    book.breaks("request_body_timeout").replies(408)
    assert book.peer.messages[1].fields == [(b":status", b"408")]


# --- the end ----------------------------------------------------------------------------------


def test_an_idle_connection_that_times_out_says_so() -> None:
    book = server()
    book.codec.timed_out(ProxyError("idle"))
    book.closes()


def test_a_deadline_of_the_connection_means_nothing_while_streams_are_open() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.codec.timed_out(ProxyError("idle"))
    book.stays().replies(204).answers(1, 204).done()


def test_a_lost_connection_breaks_every_request() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/").asks(3, b"POST", b"/", end=False).starts(b"POST", b"/")
    book.codec.lost("client_reset")
    assert [record.error.reason for record in book.requests if record.error] == ["client_reset"] * 2


def test_a_client_that_is_silent_gets_what_it_asked_for() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/").asks(3, b"POST", b"/", end=False).starts(b"POST", b"/")
    book.codec.eof()
    book.breaks("client_closed_in_body")
    book.requests[0].stream.send_head(Response(204), True)
    book.requests[0].stream.send_end(None)
    book.goes_on().answers(1, 204)


def test_a_client_that_is_silent_is_asked_whether_it_is_there() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.codec.eof()
    assert f.frame(f.PING, 0, 0, b"anybody?") in book.cable.take() and book.cable.awaited == 1


# --- WebSocket (RFC 8441) ---------------------------------------------------------------------

WEBSOCKET: Headers = [
    (b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"http"), (b":path", b"/ws"),
    (b":authority", b"a.example"), (b"sec-websocket-version", b"13"),
]  # fmt: skip


def test_a_websocket_is_an_upgrade_to_the_exchange() -> None:
    book = server()
    book.peer.h2.send_headers(1, WEBSOCKET)
    book.goes_on().starts(b"GET", b"/ws")
    request = book.now.request
    assert request is not None and (request.upgrade, request.content_length) == (b"websocket", 0)
    assert len(dict(request.headers)[b"sec-websocket-key"]) == 24
    book.asks_data(1, b"early").gets(b"")
    switch = Response(101, [(b"sec-websocket-accept", b"x"), (b"a", b"b")])
    book.now.stream.send_head(switch, False)
    book.now.ended = False  # the request was whole; what follows is the tunnel
    book.now.stream.resume()
    book.goes_on().gets(b"early")
    assert book.peer.messages[1].fields == [(b":status", b"200"), (b"a", b"b")]
    book.replies_data(b"hello").asks_data(1, b"more").gets(b"more").asks_end(1).ends()
    book.replies_end().answers(1, 200, b"hello").done()


def test_a_websocket_that_is_not_wanted_gets_an_ordinary_answer() -> None:
    book = server()
    book.peer.h2.send_headers(1, WEBSOCKET)
    book.goes_on().starts(b"GET", b"/ws").replies(404, [], b"no")
    message = book.peer.messages[1]
    assert (message.fields[0], message.body, message.reset) == ((b":status", b"404"), b"no", 0)


def test_any_other_connect_is_refused() -> None:
    book = server()
    book.peer.h2.send_headers(1, [(b":method", b"CONNECT"), (b":authority", b"a:1")], end_stream=True)
    book.goes_on().refuses(501, "connect").answers(1, 501).done()
