"""Header fields as llhttp reports them: ordinary ones in a list, the connection's own set aside.

`Fields` is what httptools calls back, for requests and responses alike. `Framing` reads the fields that say
how long the message is and what becomes of the connection (RFC 9112 sections 6 and 9).
"""

import re

from httptools import HttpParserUpgrade, HttpRequestParser, HttpResponseParser

from proxy.errors import MalformedRequest, NotImplementedByUs, ProxyError
from proxy.protocol.framing import content_length
from proxy.protocol.message import Headers
from proxy.protocol.names import FRAMING, HOPS, letters

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_TAB = 0x09
_LOOKS_LIKE = {letters(name): name for name in (*FRAMING, b"host")} | {letters(name): b"" for name in HOPS}
"""What another name could be taken for. Steering fields refuse the request; hops (b"") are dropped."""
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 64
_ordinary: dict[bytes, bytes] = {}
"""Ordinary name as received to its lower-case form. Clients repeat themselves; hostile names cannot grow it,
since it starts afresh when full and keeps no long ones."""
_special: dict[bytes, bytes] = {}
"""The same for the names that are set aside."""


class Fields:
    """One header section. `on_header` is called for each field, in order: a dictionary look-up each."""

    __slots__ = ("aside", "headers", "look_alike")

    def __init__(self) -> None:
        self.headers: Headers = []
        """End-to-end fields."""
        self.aside: Headers = []
        """Host, framing and hops."""
        self.look_alike = b""
        """A field that steers framing, which another one could be taken for (`Content_Length`)."""

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = _ordinary.get(name)
        if lower is not None:
            self.headers.append((lower, value))
        elif name in _special:
            self.aside.append((_special[name], value))
        else:
            self._meet(name, value)

    def _meet(self, name: bytes, value: bytes) -> None:
        """A name not seen before, spelled like this."""
        lower = name.lower()
        if lower == b"host" or lower in FRAMING or lower in HOPS or lower.startswith(b"x-forwarded-"):
            _remember(_special, name, lower)
            self.aside.append((lower, value))
        elif (alike := _LOOKS_LIKE.get(letters(lower))) is not None:
            self.look_alike = self.look_alike or alike
        elif not letters(lower).startswith(b"xforwarded"):
            _remember(_ordinary, name, lower)
            self.headers.append((lower, value))

    def sort(self) -> tuple[list[bytes], Headers, Headers]:
        """What was set aside: values of Host, framing fields, hops."""
        hosts: list[bytes] = []
        framing: Headers = []
        hops: Headers = []
        for field in self.aside:
            if field[0] == b"host":
                hosts.append(field[1])
            elif field[0] in FRAMING:
                framing.append(field)
            else:
                hops.append(field)
        return hosts, framing, hops

    def strip(self) -> None:
        """Take white space off the ends of values."""
        self.aside = [(name, value.rstrip(b" \t")) for name, value in self.aside]
        self.headers = [(name, value.rstrip(b" \t")) for name, value in self.headers]


def _remember(names: dict[bytes, bytes], name: bytes, lower: bytes) -> None:
    if len(name) <= _LONGEST_REMEMBERED:
        if len(names) >= _REMEMBERED:
            names.clear()
        names[name] = lower


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


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list (RFC 9110 section 5.6.1), empty ones left out."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]
