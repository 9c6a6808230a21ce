"""How long a body is (RFC 9112 section 6 and 7), and which framings are refused.

Every refusal here prevents two parties from disagreeing about where a message ends. The chunked coding
is decoded by us: the parser we use for heads tells neither where a message ends nor what a chunk
extension holds, and both are what smuggling is made of. Errors are raised as the class the caller gives:
MalformedRequest for clients, MalformedResponse for endpoints.
"""

import re

from proxy.errors import ProxyError
from proxy.protocol.message import Headers
from proxy.protocol.names import FRAMING, HOPS, letters

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_CHUNK_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*"
)
_PLAIN_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_FIELD_LINE = re.compile(rb"(" + _TOKEN + rb"):([\t \x21-\x7e\x80-\xff]*)")
"""White space around the value is taken off afterwards: a pattern that does it takes quadratic time to fail."""
_MOST_DIGITS = 18

FORBIDDEN_TRAILERS = frozenset(
    letters(name)
    for name in (
        *FRAMING, *HOPS, b"host", b"trailer", b"content-encoding", b"content-type", b"content-range", b"range",
        b"authorization", b"proxy-authorization", b"proxy-authenticate", b"www-authenticate", b"cookie", b"set-cookie",
        b"cache-control", b"max-forwards", b"location", b"if-match", b"if-none-match", b"if-modified-since",
        b"if-unmodified-since", b"if-range", b"age", b"expires", b"date", b"vary", b"pragma", b"retry-after",
        b"warning",
    )
)  # fmt: skip
"""Fields that steer framing, routing, authentication or the payload's meaning (RFC 9110 section 6.5.1), and
whatever a lax reader would take for one. Letters and digits only (names.letters)."""


def content_length(value: bytes, error: type[ProxyError]) -> int:
    """One Content-Length value: digits only (RFC 9110 section 8.6). `int()` alone would take `+5`, `5_0`."""
    if not value.isdigit() or len(value) > _MOST_DIGITS:
        raise error("bad_content_length", "Content-Length must be one decimal number")
    return int(value)


_MOST_EXTENSIONS = 16 * 1024
"""Octets of chunk extensions in one message: a flood of tiny chunks with long ones costs work, not payload."""


class ChunkedDecoder:
    """RFC 9112 section 7.1: feed octets, get payload; extensions are checked, bounded and dropped."""

    __slots__ = (
        "_buffer",
        "_error",
        "_extensions",
        "_line_limit",
        "_need",
        "_state",
        "_trailer_limit",
        "rest",
        "trailers",
    )

    _SIZE, _DATA, _DATA_END, _TRAILERS, _DONE = range(5)

    def __init__(self, error: type[ProxyError], line_limit: int, trailer_limit: int) -> None:
        self._error = error
        self._line_limit = line_limit
        self._trailer_limit = trailer_limit
        self._state = self._SIZE
        self._buffer = b""
        self._need = 0
        self._extensions = 0
        self.rest: bytes = b""
        """Octets after the message; valid once `done`."""
        self.trailers: Headers | None = None

    @property
    def done(self) -> bool:
        return self._state == self._DONE

    def feed(self, data: bytes) -> bytes:
        """The payload octets in `data`. All chunks of one call come joined: one write, not one per chunk."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        payload: list[bytes] = []
        at = 0
        end = len(data)
        while at < end and self._state != self._DONE:
            if self._state == self._SIZE:
                at = self._whole_chunks(data, at, payload)
            if self._state == self._DATA:
                piece = data[at : at + self._need]
                payload.append(piece)
                at += len(piece)
                self._need -= len(piece)
                if not self._need:
                    self._state = self._DATA_END
                continue
            line_end = data.find(b"\n", at)
            if line_end < 0:
                self._keep(data, at, end)
                return b"".join(payload)
            if data[line_end - 1 : line_end] != b"\r" or line_end == at:
                raise self._error("bad_chunk", "lines of the chunked coding end in CR LF")
            at = self._line(data, at, line_end)
        if self._state == self._DONE:
            self.rest = data[at:]
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _whole_chunks(self, data: bytes, at: int, payload: list[bytes]) -> int:
        """Take the chunks from `at` on that are plain and whole; where that ends. Tiny ones come by ten thousands."""
        end = len(data)
        while (found := _PLAIN_CHUNK_LINE.match(data, at)) is not None:
            start = found.end()
            stop = start + int(found[1], 16)
            if start == stop or stop + 2 > end or data[stop : stop + 2] != b"\r\n":
                break
            payload.append(data[start:stop])
            at = stop + 2
        return at

    def _keep(self, data: bytes, at: int, end: int) -> None:
        limit = (self._trailer_limit if self._state == self._TRAILERS else self._line_limit) + len(b"\r")
        if self._state == self._DATA_END and data[at:end] != b"\r":
            raise self._error("bad_chunk", "chunk data is longer than its size")
        if end - at > limit:
            raise self._error("bad_chunk", "a line of the chunked coding is too long")
        self._buffer = data[at:]

    def _line(self, data: bytes, at: int, line_end: int) -> int:
        """Take the line data[at:line_end-1] and return where the next one starts."""
        line = data[at : line_end - 1]
        if self._state == self._SIZE:
            self._size(line)
        elif self._state == self._DATA_END:
            if line:
                raise self._error("bad_chunk", "chunk data is longer than its size")
            self._state = self._SIZE
        elif line:
            self._trailer(line)
        else:
            self._state = self._DONE
        return line_end + 1

    def _size(self, line: bytes) -> None:
        found = _CHUNK_LINE.fullmatch(line)
        if found is None or len(line) > self._line_limit:
            raise self._error("bad_chunk", "a chunk starts with its size in hexadecimal digits")
        self._extensions += len(line) - len(found[1])
        if self._extensions > _MOST_EXTENSIONS:
            raise self._error("bad_chunk", "there are too many chunk extensions")
        self._need = int(found[1], 16)
        if self._need >> 62:
            raise self._error("bad_chunk", "the chunk size is out of range")
        self._state = self._DATA if self._need else self._TRAILERS

    def _trailer(self, line: bytes) -> None:
        self._trailer_limit -= len(line) + 2
        name, value = field_line(line, self._error)
        if (plain := letters(name)) in FORBIDDEN_TRAILERS or plain.startswith(b"xforwarded"):
            raise self._error("forbidden_trailer", f"{name.decode()} is not allowed as a trailer field")
        if self._trailer_limit < 0:
            raise self._error("trailers_too_large", "the trailer section is too long")
        if self.trailers is None:
            self.trailers = []
        self.trailers.append((name, value))


def field_line(line: bytes, error: type[ProxyError]) -> tuple[bytes, bytes]:
    """One field line without its CR LF (RFC 9112 section 5): no space before the colon, no folding."""
    found = _FIELD_LINE.fullmatch(line)
    if found is None:
        raise error("bad_field", "a field line is `name: value` in visible characters")
    return found[1].lower(), found[2].strip(b" \t")
