"""A client that sends requests and does not take the answers: nothing piles up here, and nothing is lost."""

from proxy.errors import RequestTimeout
from proxy.protocol.http1.server import ServerCodec
from tests.playbook import server

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def test_the_next_request_waits_until_the_client_takes_the_answer_before_it() -> None:
    book = server().receives(GET % 1 + GET % 2 + GET % 3).starts(b"GET", b"/1")
    book.codec.blocked()
    book.replies(204).sends(NO_CONTENT)
    assert len(book.requests) == 1 and not book.wire.reading
    book.codec.writable()
    book.starts(b"GET", b"/2").replies(204).starts(b"GET", b"/3").replies(204).sends(NO_CONTENT * 2)
    assert book.wire.reading
    book.stays().done()


def test_nothing_is_read_between_requests_while_the_client_takes_nothing() -> None:
    book = server().receives(GET % 1).starts(b"GET", b"/1").replies(204).sends(NO_CONTENT)
    book.codec.blocked()
    assert not book.wire.reading
    book.codec.writable()
    assert book.wire.reading
    book.receives(GET % 2).starts(b"GET", b"/2").replies(204).sends(NO_CONTENT).done()


def test_a_client_that_never_takes_its_answers_is_closed_and_not_blamed_for_a_late_head() -> None:
    book = server().receives(GET % 1 + GET % 2).starts(b"GET", b"/1")
    book.codec.blocked()
    book.replies(204).sends(NO_CONTENT)
    book.codec.timed_out(RequestTimeout("request_header_timeout"))
    book.closes().done()


def test_requests_that_we_answer_ourselves_stop_as_soon_as_their_answers_pile_up() -> None:
    book = server()
    answered = 0

    def refuse(stream: ServerCodec, error: object) -> None:
        raise AssertionError(error)

    def start(stream: ServerCodec, request: object, end: bool) -> object:
        nonlocal answered
        answered += 1
        record = book._start(stream, request, end)  # type: ignore[arg-type]
        book._seen = len(book.requests)
        book.replies(204)
        if answered % 10 == 0:
            book.codec.blocked()  # as the event loop says from within a write
        return record

    book.codec._start = start  # type: ignore[assignment]
    book.receives((GET % 1) * 1000)
    assert answered == 10
    book.codec.writable()
    assert answered == 20


def test_the_end_of_the_client_before_the_switch_goes_through_the_tunnel() -> None:
    book = (
        server()
        .receives(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .starts(b"GET", b"/")
    )
    book.receives_eof()
    book.now.ended = False
    response = [(b"x", b"y")]
    book.replies_head(101, response)
    book.now.stream.resume()
    assert book.now.ended
    book.wire.written = b""
    book.now.stream.resume()  # said once
    book.stays().done()


def test_requests_behind_the_last_answer_do_not_reset_it() -> None:
    lingered: list[bool] = []
    book = server()
    book.wire.finish = lingered.append  # type: ignore[assignment]
    book.receives(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET % 2).starts(b"GET", b"/")
    book.replies(204).sends(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
    assert lingered == [True]
    book.done()


def test_the_time_for_a_body_stands_still_as_soon_as_the_exchange_holds_it_back() -> None:
    told: list[str] = []
    book = server()
    book.wire.await_body = lambda received: told.append("await")  # type: ignore[method-assign]
    book.wire.pause_reading = lambda: told.append("pause")  # type: ignore[method-assign]
    book.receives(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").starts(b"POST", b"/")
    record = book.now
    record.on_request_data = lambda chunk: record.stream.pause()  # type: ignore[method-assign]
    told.clear()
    book.receives(b"abc")
    assert told == ["await", "pause"]
