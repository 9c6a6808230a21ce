"""Content-Length values, field lines and the chunked coding by themselves."""

import pytest

from proxy.errors import MalformedRequest, MalformedResponse
from proxy.protocol.framing import FORBIDDEN_TRAILERS, ChunkedDecoder, content_length, field_line
from tests.oracle import grammar


@pytest.mark.parametrize(("value", "length"), [(b"0", 0), (b"42", 42), (b"007", 7), (b"9" * 18, 10**18 - 1)])
def test_content_lengths(value: bytes, length: int) -> None:
    assert content_length(value, MalformedRequest) == length


@pytest.mark.parametrize(
    "value", [b"", b"+1", b"-1", b"1_0", b"0x1", b" 1", b"1 ", b"1,1", b"1.0", b"\xb2", b"\xd9\xa1", b"9" * 19, b"1\n"]
)
def test_refused_content_lengths(value: bytes) -> None:
    with pytest.raises(MalformedResponse):
        content_length(value, MalformedResponse)


def test_the_forbidden_trailers_are_those_of_the_oracle() -> None:
    assert FORBIDDEN_TRAILERS == grammar.TRAILER_LETTERS


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"A: b", (b"a", b"b")),
        (b"A:b", (b"a", b"b")),
        (b"A: \t b c\t ", (b"a", b"b c")),
        (b"A:", (b"a", b"")),
        (b"A: \xff", (b"a", b"\xff")),
    ],
)
def test_field_lines(line: bytes, field: tuple[bytes, bytes]) -> None:
    assert field_line(line, MalformedRequest) == field


@pytest.mark.parametrize(
    "line",
    [b"", b"A", b": b", b"A : b", b" A: b", b"A: \x00", b"A: \x7f", b"A: b\r", b"A: b\n", b"A\x80: b", b"A b: c"],
)
def test_refused_field_lines(line: bytes) -> None:
    with pytest.raises(MalformedRequest):
        field_line(line, MalformedRequest)


def test_all_chunks_of_one_piece_come_joined() -> None:
    decoder = ChunkedDecoder(MalformedRequest, 272, 8192)
    assert decoder.feed(b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\nrest") == b"abc"
    assert decoder.done and decoder.rest == b"rest" and decoder.trailers is None


def test_errors_are_of_the_class_asked_for() -> None:
    with pytest.raises(MalformedResponse):
        ChunkedDecoder(MalformedResponse, 272, 8192).feed(b"x\r\n")


@pytest.mark.parametrize(
    "endless", [b"0" * 100, b"1;" + b"e" * 400, b"0\r\n" + b"X: y\r\n" * 2000, b"0\r\nX: " + b"y" * 9000, b"1\r\nzz"]
)
@pytest.mark.parametrize("size", [1, 50, 100_000])
def test_nothing_unbounded_is_held(endless: bytes, size: int) -> None:
    decoder = ChunkedDecoder(MalformedRequest, 272, 8192)
    with pytest.raises(MalformedRequest):
        for at in range(0, len(endless), size):
            decoder.feed(endless[at : at + size])
            assert len(decoder._buffer) <= 8193
        decoder.feed(b"0" * 300)


def test_a_hostile_extension_takes_linear_time() -> None:
    decoder = ChunkedDecoder(MalformedRequest, 1 << 20, 8192)
    with pytest.raises(MalformedRequest):
        decoder.feed(b"1;a" + b" \t" * 100_000 + b'="' + b"\\a" * 50_000 + b"\x00\r\n")
