"""Input made to cost: patterns that would take quadratic time, and caches that would keep whatever they are shown.

The sizes are beyond what the limits let through, so that quadratic time would end in the suite's time limit.
"""

import pytest

from proxy.errors import MalformedRequest, MalformedResponse
from proxy.protocol import fields, uri
from proxy.protocol.framing import ChunkedDecoder, field_line
from proxy.protocol.http1 import response_head
from proxy.protocol.http1.request_head import parse_request
from proxy.protocol.http1.response_head import parse_response
from proxy.protocol.limits import Limits

MANY = 1_000_000
LIMITS = Limits(head=4 * MANY, request_line=4 * MANY, response_head=4 * MANY)


@pytest.mark.parametrize("value", [b" " * MANY, b" " * MANY + b"a" + b" " * MANY, b"a " * MANY])
def test_a_field_line_that_fails_at_its_end_fails_fast(value: bytes) -> None:
    with pytest.raises(MalformedRequest):
        field_line(b"x:" + value + b"\0", MalformedRequest)


@pytest.mark.parametrize(("line", "value"), [(b"x: \t a b \t ", b"a b"), (b"x:", b""), (b"X:  ", b""), (b"x:a", b"a")])
def test_white_space_around_a_trailer_is_not_part_of_it(line: bytes, value: bytes) -> None:
    assert field_line(line, MalformedRequest) == (b"x", value)


@pytest.mark.parametrize("value", [b"x" + b" " * MANY + b"x", b" " * MANY + b"\x01", b"a\t" * MANY])
def test_a_transfer_coding_that_is_refused_is_refused_fast(value: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_request(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + value + b"\r\n\r\n", LIMITS)


def test_long_names_hosts_and_reasons_are_not_remembered() -> None:
    long = b"x" * 20_000
    parse_request(b"GET / HTTP/1.1\r\nHost: " + long + b"\r\n" + long + b": y\r\n\r\n", LIMITS)
    parse_response(b"HTTP/1.1 200 " + long + b"\r\n\r\n", b"GET", LIMITS)
    for remembered in (fields._ordinary, uri._hosts, response_head._status_lines):
        assert all(len(shown) < 300 for shown in remembered)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 64, 10_000])
def test_tiny_chunks_are_read_alike_in_any_pieces(step: int) -> None:
    wire = (
        b"".join(b"%x\r\n%b\r\n" % (size, b"ab\r\nc"[:size]) for size in (1, 5, 2, 3, 4) * 20)
        + b"0\r\nt: u\r\n\r\nrest"
    )
    decoder = ChunkedDecoder(MalformedResponse, 272, 8192)
    body = b"".join(decoder.feed(wire[at : at + step]) for at in range(0, len(wire), step) if not decoder.done)
    assert body == b"".join(b"ab\r\nc"[:size] for size in (1, 5, 2, 3, 4) * 20)
    assert decoder.done and decoder.trailers == [(b"t", b"u")] and b"rest".startswith(decoder.rest)


@pytest.mark.parametrize(
    "wire", [b"1\r\nab\r\n", b"2\r\na\r\n0\r\n\r\n", b"1\r\na\n\n0\r\n\r\n", b"1\r\na\r\n-1\r\n", b"1\r\na\r\n\r\n"]
)
def test_a_chunk_behind_whole_ones_is_checked_as_any_other(wire: bytes) -> None:
    decoder = ChunkedDecoder(MalformedRequest, 272, 8192)
    with pytest.raises(MalformedRequest):
        decoder.feed(b"1\r\na\r\n" * 3 + wire)
