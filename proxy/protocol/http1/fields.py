"""Header fields as llhttp reports them: ordinary ones in a list, the connection's own set aside.

`Fields` is what httptools calls back, for requests and responses alike. `Framing` reads the fields that say
how long the message is and what becomes of the connection (RFC 9112 sections 6 and 9).
"""

import re

from httptools import HttpParserUpgrade, HttpRequestParser, HttpResponseParser

from proxy.errors import MalformedRequest, NotImplementedByUs, ProxyError
from proxy.protocol.framing import content_length
from proxy.protocol.message import Headers

FRAMING = frozenset({
    b"connection", b"content-length", b"expect", b"http2-settings", b"keep-alive", b"proxy-connection", b"te",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip
"""Fields of this connection and this message's framing: never forwarded as they came."""
HOPS = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-request-id"})
"""Fields about the way here, with every X-Forwarded-*."""
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_REMEMBERED = 4096
_ORDINARY: dict[bytes, bytes] = {}
"""Ordinary name as received to its lower-case form. Clients repeat themselves; hostile names cannot grow it,
since it starts afresh when full."""


class Fields:
    """One header section. `on_header` is called for each field, in order."""

    __slots__ = ("framing", "headers", "hops", "hosts")

    def __init__(self) -> None:
        self.headers: Headers = []
        self.hosts: list[bytes] = []
        self.framing: Headers = []
        self.hops: Headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = _ORDINARY.get(name)
        if lower is not None:
            self.headers.append((lower, value))
        else:
            self._sort(name, value)

    def _sort(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower == b"host":
            self.hosts.append(value)
        elif lower in FRAMING:
            self.framing.append((lower, value))
        elif lower in HOPS or lower.startswith(b"x-forwarded-"):
            self.hops.append((lower, value))
        else:
            if len(_ORDINARY) >= _REMEMBERED:
                _ORDINARY.clear()
            _ORDINARY[name] = lower
            self.headers.append((lower, value))

    @property
    def count(self) -> int:
        return len(self.headers) + len(self.hosts) + len(self.framing) + len(self.hops)

    def strip(self) -> None:
        """Take white space off the ends of values."""
        self.hosts = [value.rstrip(b" \t") for value in self.hosts]
        self.headers = [(name, value.rstrip(b" \t")) for name, value in self.headers]
        self.framing = [(name, value.rstrip(b" \t")) for name, value in self.framing]
        self.hops = [(name, value.rstrip(b" \t")) for name, value in self.hops]


def read_fields(parser: type[HttpRequestParser] | type[HttpResponseParser], head: bytes) -> Fields:
    """Validate a whole head with llhttp and sort its fields. Raises HttpParserError."""
    fields = Fields()
    try:
        parser(fields).feed_data(head)
    except HttpParserUpgrade:
        # llhttp leaves framing to us once an upgrade is asked for; that is where it is anyway.
        pass
    # llhttp leaves white space after a value; it is not part of it (RFC 9112 section 5.1).
    if b" \r\n" in head or (b"\t" in head and b"\t\r\n" in head):
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


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list (RFC 9110 section 5.6.1), empty ones left out."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]
