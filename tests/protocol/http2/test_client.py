"""The client's side of a connection, with h2 as the endpoint."""

import pytest
from h2.settings import SettingCodes

from proxy.errors import MalformedResponse, ProxyError
from proxy.protocol.http2.client import SILENCE
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers
from tests.playbook import ResponseRecord
from tests.protocol.http2 import frames as f
from tests.protocol.http2.playbook import ClientPlaybook, client

both_splits = pytest.mark.parametrize("split", [0, 1])
HEAD: Headers = [(b":scheme", b"http"), (b":authority", b"a.example"), (b":path", b"/")]


def sent(method: bytes, *more: tuple[bytes, bytes]) -> Headers:
    return [(b":method", method), *HEAD, *more]


@both_splits
def test_a_request_and_its_response(split: int) -> None:
    book = client(split).asks(b"GET", (b"accept", b"*/*")).sends(1, sent(b"GET", (b"accept", b"*/*")))
    book.replies(1, 200, (b"content-length", b"2"), body=b"ok")
    book.head(200, [(b"content-length", b"2")]).gets(b"ok").ends()
    assert book.released == 1


@both_splits
def test_a_body_each_way_and_trailers(split: int) -> None:
    book = client(split).asks(b"POST", end=False).asks_data(b"one").asks_data(b"two").asks_end([(b"sum", b"6")])
    book.sends(1, sent(b"POST"), b"onetwo", [(b"sum", b"6")])
    book.replies(1, 200, body=b"ok", trailers=[(b"grpc-status", b"0")])
    book.head(200).gets(b"ok").ends([(b"grpc-status", b"0")])


def test_grpc_is_told_that_trailers_are_welcome() -> None:
    grpc = (b"content-type", b"application/grpc+proto")
    client().asks(b"POST", grpc).sends(1, sent(b"POST", grpc, (b"te", b"trailers")))


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
def test_what_has_no_body_ends_with_its_head(method: bytes, status: int) -> None:
    book = client().asks(method).replies(1, status).head(status).ends()
    assert book.record.head is not None and book.record.head.content_length == 0


def test_interim_responses_come_before_the_final_one() -> None:
    book = client().asks()
    book.peer.h2.send_headers(1, [(b":status", b"103"), (b"link", b"</a>")])
    book.replies(1, 204).head(204)
    assert [response.status for response in book.record.interim] == [103]


def test_too_many_interim_responses_are_none() -> None:
    book = client().asks()
    for _ in range(17):
        book.peer.h2.send_headers(1, [(b":status", b"103")])
    book.peer.go()
    book.breaks("too_many_interim_responses")


# --- how many ---------------------------------------------------------------------------------


def test_room_is_what_the_endpoint_says() -> None:
    book = client(limits=Limits(streams=7))
    assert book.room == 7
    book.peer.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 2})
    book.peer.go()
    assert book.room == 2
    book.asks().asks()
    assert book.room == 0
    book.replies(1, 204)
    assert book.room == 1


def test_an_endpoint_that_takes_none_for_now_takes_none_until_it_says_so() -> None:
    book = client()
    for settings, room in (({SettingCodes.MAX_CONCURRENT_STREAMS: 0}, 0), ({SettingCodes.INITIAL_WINDOW_SIZE: 99}, 0)):
        book.peer.h2.update_settings(settings)
        book.peer.go()
        assert book.room == room
    book.peer.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 3})
    book.peer.go()
    assert book.room == 3


# --- refusals ---------------------------------------------------------------------------------


def test_requests_that_were_given_up_before_they_could_go_leave_no_trace() -> None:
    """An endpoint that takes fewer than it had said: the rest waits in the engine, and may never be sent."""
    book = client().asks()
    book.peer.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    book.peer.go()
    book.asks().asks()
    for stream in book.streams[1:]:
        stream.reset(ProxyError("client_gone"))
    book.replies(1, 204)
    assert (book.codec.streams, book.room, book.released) == (0, 1, 3)


def test_a_refused_stream_was_not_looked_at() -> None:
    book = client().asks().refuses(1, 7).breaks("upstream_refused_stream")
    assert book.record.error is not None and book.record.error.retryable and book.released == 1


def test_goaway_gives_back_what_was_not_looked_at() -> None:
    book = client().asks().asks()
    book.peer.h2.close_connection(last_stream_id=1)
    book.peer.go()
    one, two = book.records
    assert one.error is None and two.error is not None and two.error.reason == "upstream_goaway"
    assert (book.room, book.cable.refusals, book.cable.signals) == (0, ["leaving"], [])


def test_a_request_that_the_connection_would_not_have_can_be_sent_to_its_end() -> None:
    book = client().asks().says_goodbye(1).asks(b"POST", end=False).breaks("upstream_closed_before_request")
    book.asks_data(b"body").asks_end([(b"sum", b"1")])
    assert book.released == 1


def test_a_reset_before_and_after_the_head() -> None:
    client().asks().refuses(1, 2).breaks("upstream_reset_stream")
    book = client().asks()
    book.peer.h2.send_headers(1, [(b":status", b"200")])
    book.peer.h2.send_data(1, b"half")
    book.refuses(1, 2).head(200).gets(b"half").breaks("upstream_reset_in_body")


def test_an_endpoint_that_does_not_want_the_rest_of_the_request() -> None:
    book = client().asks(b"POST", end=False).asks_data(b"part").replies(1, 413).head(413).ends()
    assert book.peer.messages[1].reset == 0 and book.released == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([(b":status", b"999")], "bad_status"),
        ([(b":status", b"200"), *[(b"x%d" % i, b"") for i in range(120)]], "too_many_fields"),
        ([(b":status", b"200"), (b"x", b"y" * 66_000)], "response_head_too_large"),
    ],
)
def test_what_is_no_response(fields: Headers, reason: str) -> None:
    book = client().asks()
    book.peer.h2.config.validate_outbound_headers = False
    book.peer.h2.send_headers(1, fields, end_stream=True)
    book.peer.go()
    book.breaks(reason)
    book.asks().replies(3, 204).head(204)  # its connection goes on


@pytest.mark.parametrize(
    "section",
    [
        [(b":status", b"200"), (b"x", b"a\r\nset-cookie: b")],
        [(b":status", b"200"), (b"x", b"a\0")],
        [(b":status", b"200"), (b"X", b"a")],
        [(b":status", b"200"), (b"connection", b"close")],
        [(b":status", b"200"), (b"transfer-encoding", b"chunked")],
        [(b":status", b"200"), (b":path", b"/")],
        [(b":status", b"200"), (b"content-length", b"1"), (b"content-length", b"1")],
        [(b":status", b"200"), (b"content-length", b"5")],
        [(b":status", b"2xx")],
        [(b":status", b"101")],
        [(b"x", b"a")],
        [],
    ],
)
def test_what_the_engine_will_not_have_is_no_response(section: Headers) -> None:
    """It is the endpoint's answer that is wrong: nobody has reset the stream, so that it could be asked again."""
    book = client().asks()
    book.codec.feed(f.headers(1, section))
    book.peer.go()
    book.breaks("malformed_response")
    assert isinstance(book.record.error, MalformedResponse)
    assert book.peer.messages[1].reset == 1 and book.released == 1
    book.asks().replies(3, 204).head(204)  # its connection goes on


@pytest.mark.parametrize(
    "rest",
    [
        f.frame(f.DATA, f.END_STREAM, 1, b"four"),
        f.headers(1, [(b":status", b"200")]),
        f.headers(1, [(b"x", b"a\nb")]),
        f.headers(1, [(b"x", b"a")], f.END_HEADERS),
    ],
    ids=["length", "pseudo-field", "line break", "no end"],
)
def test_a_response_that_goes_wrong_is_never_whole(rest: bytes) -> None:
    book = client().asks()
    book.codec.feed(f.headers(1, [(b":status", b"200"), (b"content-length", b"3")], f.END_HEADERS) + rest)
    book.cable.turn()
    book.head(200).breaks("malformed_response")
    assert not book.record.ended and book.cable.signals == []


def test_an_endpoint_that_resets_with_protocol_error_has_reset() -> None:
    client().asks().refuses(1, 1).breaks("upstream_reset_stream")


def test_silence_is_not_waited_for() -> None:
    book = client().asks()
    book.streams[0].timed_out()
    book.breaks("response_head_timeout")
    book.peer.go()
    assert book.peer.messages[1].reset == 8


def test_a_connection_that_is_lost_breaks_every_request() -> None:
    book = client().asks().asks()
    book.codec.lost("upstream_reset")
    assert [record.error.reason for record in book.records if record.error] == ["upstream_closed_before_response"] * 2
    assert book.released == 2


def give_up(book: ClientPlaybook) -> None:
    """A request without an answer; nothing of the endpoint is heard."""
    book.peer.go = lambda: None  # type: ignore[method-assign]  # its machine is off
    book.asks().streams[-1].reset(ProxyError("request_timeout"))
    book.cable.take()


def test_an_endpoint_that_is_silent_while_requests_are_given_up_gets_no_further_one() -> None:
    """Its machine may be off. As nobody says so, TCP would go on trying for a quarter of an hour."""
    book = client()
    give_up(book)
    book.cable.wait(SILENCE)
    assert book.cable.refusals == []
    give_up(book)
    assert book.cable.refusals == ["leaving"] and book.room == 0 and book.cable.signals == ["closed"]


def test_requests_that_are_given_up_at_once_say_nothing_about_the_endpoint() -> None:
    book = client()
    for _ in range(50):
        give_up(book)
    assert book.cable.refusals == [] and book.room == 100


def test_an_endpoint_that_says_something_is_there() -> None:
    book = client()
    give_up(book)
    book.cable.wait(SILENCE)
    book.codec.feed(f.frame(f.PING, 0, 0, bytes(8)))
    give_up(book)
    assert book.cable.refusals == [] and book.room == 100


def test_what_is_under_way_at_a_silent_endpoint_goes_on() -> None:
    book = client().asks()
    give_up(book)
    book.cable.wait(SILENCE)
    give_up(book)
    assert book.cable.refusals == ["leaving"] and book.cable.signals == []
    book.codec.feed(f.headers(1, [(b":status", b"204")]))
    book.cable.take()
    assert book.records[0].ended and book.cable.signals == ["closed"]


def test_what_speaks_http_1_is_no_endpoint() -> None:
    book = client().asks()
    book.codec.feed(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    book.cable.turn()
    book.breaks("upstream_closed_before_response")
    assert book.cable.signals == ["closed"]


# --- pressure ---------------------------------------------------------------------------------


def test_a_paused_response_closes_its_window() -> None:
    book = client().asks()
    book.streams[0].pause()
    book.peer.h2.send_headers(1, [(b":status", b"200")])
    for _ in range(3):
        book.peer.h2.send_data(1, b"x" * 16_384)
    book.peer.go()
    assert book.peer.h2.local_flow_control_window(1) == 65_536 - 49_152
    book.streams[0].resume()
    book.peer.go()
    assert book.peer.h2.local_flow_control_window(1) == 65_536


def test_clients_that_take_nothing_hold_up_no_other() -> None:
    """A connection to an endpoint is shared, and so is its window."""
    book = client()
    for place in range(99):
        book.asks().streams[place].pause()
        book.peer.h2.send_headers(1 + 2 * place, [(b":status", b"200")])
        for _ in range(4):
            book.peer.h2.send_data(1 + 2 * place, b"x" * 16_384)
        book.peer.go()
    book.asks().replies(199, 200, body=b"y" * 16_384).head(200).gets(b"y" * 16_384).ends()


def test_an_endpoint_that_takes_nothing_blocks_the_request_until_it_does() -> None:
    book = client().asks(b"POST", end=False)
    book.peer.acknowledges = False
    for _ in range(9):
        book.asks_data(b"x" * 16_384)
    assert book.record.blocked == [True]
    book.peer.h2.increment_flow_control_window(200_000)
    book.peer.h2.increment_flow_control_window(200_000, 1)
    book.peer.go()
    assert book.record.blocked == [True, False]


# --- WebSocket (RFC 8441) ---------------------------------------------------------------------


def test_a_websocket_where_the_endpoint_takes_them() -> None:
    book = client()
    book.peer.h2.update_settings({SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
    book.peer.go()
    book.asks(b"GET", (b"sec-websocket-key", b"x"), upgrade=b"websocket")
    assert book.peer.messages[1].fields == [
        (b":method", b"CONNECT"), *HEAD, (b":protocol", b"websocket"),
    ]  # fmt: skip
    book.peer.h2.send_headers(1, [(b":status", b"200")])
    book.peer.go()
    book.head(101).asks_data(b"ping")
    assert book.peer.messages[1].body == b"ping"
    book.peer.h2.send_data(1, b"pong", end_stream=True)
    book.peer.go()
    book.gets(b"pong").ends()


def test_a_websocket_where_it_does_not() -> None:
    client().asks(upgrade=b"websocket").breaks("no_extended_connect")


@pytest.mark.parametrize(
    ("method", "upgrade", "end"),
    [(b"GET", b"TLS/1.3", True), (b"POST", b"websocket", True), (b"GET", b"websocket", False)],
)
def test_what_cannot_be_a_websocket_is_an_ordinary_request(method: bytes, upgrade: bytes, end: bool) -> None:
    """A CONNECT would hide the method that routes and filters have seen."""
    book = client().asks(method, end=end, upgrade=upgrade)
    if not end:
        book.asks_data(b"body").asks_end()
    book.sends(1, sent(method), b"" if end else b"body").replies(1, 204).head(204).ends()


def test_what_is_said_while_a_response_is_handed_on_comes_after_it() -> None:
    """A large write elsewhere flushes what all connections have to say. Here that ends the request, and so the stream,
    of which the end of the response has arrived but is not handed on yet."""
    book = client().asks(b"POST", end=False)

    class Writes(ResponseRecord):
        def on_response_data(self, chunk: bytes) -> None:
            super().on_response_data(chunk)
            book.codec.flush()

    book.record = Writes()
    stream = book.streams[-1]
    stream.hand_over(book.record)
    stream.send_end(None)
    book.peer.h2.send_headers(1, [(b":status", b"200")])
    for piece, end in ((b"one", False), (b"two", True)):
        book.peer.h2.send_data(1, piece, end_stream=end)
    book.codec.feed(book.peer.h2.data_to_send())
    book.head(200).gets(b"onetwo").ends()
    assert book.released == 1 and book.codec.streams == 0
