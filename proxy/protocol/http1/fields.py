"""Header fields as llhttp reports them, and what those say that only HTTP/1 has.

`Framing` reads the fields that say how long the message is and what becomes of the connection (RFC 9112
sections 6 and 9).
"""

from httptools import HttpParserUpgrade, HttpRequestParser, HttpResponseParser

from proxy.errors import MalformedRequest, NotImplementedByUs, ProxyError
from proxy.protocol.fields import TOKEN, Fields, tokens
from proxy.protocol.framing import content_length
from proxy.protocol.message import Headers

_TAB = 0x09


def read_fields(parser: type[HttpRequestParser] | type[HttpResponseParser], head: bytes) -> Fields:
    """Validate a whole head with llhttp and sort its fields. Raises HttpParserError."""
    fields = Fields()
    try:
        parser(fields).feed_data(head)
    except HttpParserUpgrade:
        # llhttp leaves framing to us once an upgrade is asked for; that is where it is anyway.
        pass
    # llhttp leaves white space after a value; it is not part of it (RFC 9112 section 5.1).
    if head.find(b" \r\n") >= 0 or (_TAB in head and b"\t\r\n" in head):
        fields.strip()
    return fields


class Framing:
    """The framing and connection fields of one head, as far as both directions read them alike."""

    __slots__ = ("chunked", "connection", "expect", "keep_alive", "length", "upgrade")

    def __init__(self, fields: Headers, version: int, error: type[ProxyError]) -> None:
        self.length = -1
        self.chunked = False
        self.connection: list[bytes] = []
        self.upgrade = b""
        self.expect = b""
        for name, value in fields:
            if name == b"content-length":
                if self.length >= 0:
                    raise error("repeated_content_length", "Content-Length must stand once")
                self.length = content_length(value, error)
            elif name == b"transfer-encoding":
                if self.chunked or value.lower() != b"chunked":
                    raise self._refused_coding(value, error)
                self.chunked = True
            elif name == b"connection":
                self.connection += tokens(value)
            elif name == b"upgrade":
                self.upgrade = value
            elif name == b"expect":
                self.expect = value
        if self.chunked and (self.length >= 0 or version == 10):
            text = "Transfer-Encoding with Content-Length, or in HTTP/1.0, hides where the message ends"
            raise error("ambiguous_length", text)
        self.keep_alive = b"close" not in self.connection and (version == 11 or b"keep-alive" in self.connection)

    def _refused_coding(self, value: bytes, error: type[ProxyError]) -> ProxyError:
        """Never fall back to Content-Length (RFC 9112 section 6.1)."""
        if error is MalformedRequest and not self.chunked and only_unknown_codings(value):
            return NotImplementedByUs("transfer_coding", _ONE_CODING)
        return error("bad_transfer_encoding", _ONE_CODING)

    def strip_named(self, headers: Headers) -> Headers:
        """Without the fields that Connection names (RFC 9110 section 7.6.1)."""
        named = set(self.connection) - _NOT_REMOVABLE
        return [field for field in headers if field[0] not in named] if named else headers


_ONE_CODING = "the only transfer coding taken is a single chunked"
_NOT_REMOVABLE = frozenset({b"close", b"keep-alive", b"upgrade", b"te", b"host", b"content-length"})
"""Connection options that name no field we would have kept, and fields it must not take away."""


def only_unknown_codings(value: bytes) -> bool:
    """A well-formed Transfer-Encoding of codings we do not know, at most ended by chunked: 501, not 400."""
    codings = tokens(value)
    return bool(codings) and all(map(TOKEN.fullmatch, codings)) and b"chunked" not in codings[:-1]
