"""How a connection of HTTP/2 ends when the gateway stops: no request is lost, none is served that may be repeated.

RFC 9113 section 6.8: a GOAWAY that names the last possible stream, a round trip, then one that names the last taken.
"""

from proxy.errors import ProxyError
from proxy.protocol.message import Response
from tests.protocol.http2 import frames as f
from tests.protocol.http2.playbook import ServerPlaybook, server


def answers(book: ServerPlaybook, number: int) -> None:
    """A whole answer to one of several requests."""
    stream = book.requests[number].stream
    stream.send_head(Response(204), True)
    stream.send_end(None)


def test_drain_counts_what_it_has_served_in_its_last_word() -> None:
    book = server().asks(1, b"GET", b"/1").starts(b"GET", b"/1")
    book.codec.drain()
    book.asks(3, b"GET", b"/3").starts(b"GET", b"/3")  # crosses the first GOAWAY on the wire
    assert (book.peer.goaway, book.peer.last) == ([0, 0], [2**31 - 1, 3])
    book.replies(204).answers(3, 204).stays()
    answers(book, 0)
    book.goes_on().answers(1, 204).closes()
    assert book.cable.lingers, "frames of the client's may be under way"


def test_a_client_that_answers_no_ping_is_idle_as_any_other() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.codec.drain()
    book.cable.take()  # and nobody reads it
    answers(book, 0)
    assert book.cable.take()
    book.stays()
    assert book.cable.heads_awaited
    book.codec.timed_out(ProxyError("idle"))
    assert f.frame(f.GOAWAY, 0, 0, (1).to_bytes(4, "big") + bytes(4)) in book.cable.written
    book.closes()


def test_in_the_end_nobody_is_asked_whether_he_has_heard() -> None:
    book = server().asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.codec.drain()
    book.cable.take()
    book.codec.hurry()
    book.stays()
    answers(book, 0)
    book.cable.take()
    book.codec.hurry()
    book.closes()


def test_a_connection_that_begins_within_a_drain_is_served_first() -> None:
    book = server()
    book.codec.serve_first()
    assert book.goes_on().peer.goaway == []
    book.asks(1, b"GET", b"/").starts(b"GET", b"/")
    assert book.peer.last == [2**31 - 1, 1]
    book.replies(204).answers(1, 204).closes()


def test_the_last_word_goes_out_to_a_client_that_has_not_taken_all() -> None:
    book = server()
    book.codec.blocked()
    book.codec.drain()
    assert book.cable.take() == b""
    book.codec.hurry()
    assert book.cable.written[-1].endswith(f.frame(f.GOAWAY, 0, 0, bytes(8)))
    book.closes()


def test_at_the_end_of_a_drain_what_is_not_whole_is_told_so() -> None:
    book = server().asks(1, b"GET", b"/1").starts(b"GET", b"/1").asks(3, b"GET", b"/3").starts(b"GET", b"/3")
    for record in book.requests:
        record.stream.send_head(Response(200, [], -1), False)
    book.requests[0].stream.send_end(None)
    book.codec.cut(ProxyError("drained"))
    one, other = book.requests
    assert one.error is None and other.error is not None and other.error.reason == "drained"
    other.stream.reset(other.error)
    book.goes_on().resets(3, 2).answers(1, 200).closes()
    assert book.peer.last == [3]
