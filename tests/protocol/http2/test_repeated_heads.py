"""What came before is not read again; whatever comes is taken or refused as if it were the first on its connection."""

import pytest
from hypothesis import given, strategies

from proxy.errors import FilterFailed, MalformedResponse, ProxyError
from proxy.protocol.http2.request_head import RequestReader
from proxy.protocol.http2.response_head import ResponseReader
from proxy.protocol.http2.sections import request_section, response_section
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request, Response

Section = tuple[tuple[bytes, bytes], ...]
LIMITS = Limits(head=600, response_head=600, field_count=8, trailers=64, request_line=64)
PSEUDO = strategies.fixed_dictionaries(
    {
        b":method": strategies.sampled_from([b"GET", b"POST", b"CONNECT", b"OPTIONS", b"NONE", b"G T"]),
        b":scheme": strategies.sampled_from([b"http", b"ftp"]),
        b":path": strategies.sampled_from([b"/", b"/a/../b?c", b"*", b"a", b"/%2e%2e/", b"/" + b"p" * 65]),
    },
    optional={
        b":authority": strategies.sampled_from([b"a.example", b"A.example:80", b"a b"]),
        b":protocol": strategies.sampled_from([b"websocket", b"other"]),
    },
)
FIELDS = strategies.lists(
    strategies.sampled_from([
        (b"host", b"a.example"), (b"host", b"b.example"), (b"x", b"1"), (b"x", b"2"), (b"content-length", b"0"),
        (b"content-length", b"3"), (b"content-length", b"x"), (b"cookie", b"a=1"), (b"cookie", b"b=2"),
        (b"te", b"trailers"), (b"expect", b"100-continue"), (b"content_length", b"1"), (b"connection", b"close"),
        (b"x-forwarded-for", b"192.0.2.1"), (b"via", b"1.1 x"), (b"x-long", b"l" * 500),
        (b"sec-websocket-key", b"k"), (b"grpc-status", b"0"), (b"x-request-id", b"7"),
    ]),
    max_size=9,
)  # fmt: skip
REQUESTS = strategies.tuples(PSEUDO.map(lambda named: tuple(named.items())), FIELDS.map(tuple), strategies.booleans())
RESPONSES = strategies.tuples(
    strategies.sampled_from([b"200", b"204", b"304", b"103", b"101", b"999", b"2x0"]),
    FIELDS.map(tuple),
    strategies.booleans(),
    strategies.sampled_from([b"GET", b"HEAD"]),
)


def slots(head: Request | Response) -> dict[str, object]:
    return {name: getattr(head, name) for name in type(head).__slots__}


def asked(reader: RequestReader, section: Section, end: bool) -> object:
    try:
        return slots(reader.read(section, end))
    except ProxyError as error:
        return type(error), error.reason


def answered(reader: ResponseReader, section: Section, end: bool, method: bytes) -> object:
    try:
        return slots(reader.read(section, end, method))
    except ProxyError as error:
        return type(error), error.reason


@given(strategies.lists(REQUESTS, min_size=2, max_size=4), strategies.lists(strategies.integers(0, 3), max_size=8))
def test_requests(requests: list[tuple[Section, Section, bool]], order: list[int]) -> None:
    """In any order, with parts of one beside parts of another."""
    reader = RequestReader(LIMITS)
    for turn in order:
        (pseudo, _, end), (_, fields, _) = requests[turn % len(requests)], requests[(turn * 3 + 1) % len(requests)]
        section = pseudo + fields
        assert asked(reader, section, end) == asked(RequestReader(LIMITS), section, end)


@given(strategies.lists(RESPONSES, min_size=1, max_size=3), strategies.lists(strategies.integers(0, 2), max_size=8))
def test_responses(responses: list[tuple[bytes, Section, bool, bytes]], order: list[int]) -> None:
    reader = ResponseReader(LIMITS)
    for turn in order:
        status, fields, end, method = responses[turn % len(responses)]
        section = ((b":status", status), *fields)
        assert answered(reader, section, end, method) == answered(ResponseReader(LIMITS), section, end, method)


def test_a_first_response_without_fields_repeats_nothing() -> None:
    assert answered(ResponseReader(LIMITS), (), False, b"GET") == (MalformedResponse, "bad_status")


@given(strategies.lists(FIELDS.map(tuple), min_size=1, max_size=4))
def test_trailers(sections: list[Section]) -> None:
    def read(reader: ResponseReader, section: Section) -> object:
        try:
            return reader.read_trailers(section)
        except ProxyError as error:
            return type(error), error.reason

    reader = ResponseReader(LIMITS)
    for section in [*sections, *sections]:
        assert read(reader, section) == read(ResponseReader(LIMITS), section)


ASKED: Section = ((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a"), (b"x", b"1"))


def test_what_is_done_to_one_request_is_not_seen_by_the_next() -> None:
    reader, first = RequestReader(Limits()), slots(RequestReader(Limits()).read(ASKED, True))
    request = reader.read(ASKED, True)
    request.headers.append((b"y", b"2"))
    request.path = request.method = b"changed"
    assert slots(reader.read(ASKED, True)) == first


def test_what_is_done_to_one_response_is_not_seen_by_the_next() -> None:
    reader, section = ResponseReader(Limits()), ((b":status", b"200"), (b"x", b"1"))
    for _ in range(2):
        response = reader.read(section, False, b"GET")
        assert response.headers == [(b"x", b"1")]
        response.headers.clear()
        trailers = reader.read_trailers(section[1:])
        assert trailers == [(b"x", b"1")]
        trailers.clear()


UNSOUND: list[Headers] = [[(b"x", b"a\r\nb: c")], [(b"x", b"a\0")], [(b"X", b"a")], [(b"a b", b"a")]]


@pytest.mark.parametrize("headers", UNSOUND)
def test_only_what_the_engine_has_looked_at_goes_out_unseen(headers: Headers) -> None:
    request, response = (
        RequestReader(Limits()).read(ASKED, True),
        ResponseReader(Limits()).read(((b":status", b"200"),), False, b"GET"),
    )
    assert request.as_read and response.as_read
    for head in (request, response):
        head.headers, head.as_read = headers, False
    assert not Request().as_read and not Response().as_read
    with pytest.raises(FilterFailed):
        request_section(request, b"http")
    with pytest.raises(FilterFailed):
        response_section(response)
