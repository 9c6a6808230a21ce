"""The two parts of a request's field section: pseudo-fields, and the fields beside them."""

from collections.abc import Sequence

from proxy.errors import MalformedRequest, NotImplementedByUs, RequestLineTooLong
from proxy.protocol.fields import Fields
from proxy.protocol.framing import content_length
from proxy.protocol.http2.sections import section_size
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers
from proxy.protocol.target import METHODS, ORIGIN_FORM, read_target, refused_method
from proxy.protocol.uri import matched_host

Section = Sequence[tuple[bytes, bytes]]
_UNSAID = -1
"""There is no Content-Length."""
_SCHEMES = frozenset({b"http", b"https"})


class RequestLine:
    """The pseudo-fields: what in HTTP/1 is the request line, and Host."""

    __slots__ = ("authority", "count", "host", "method", "path", "query", "raw_path", "section", "size",
                 "upgrade")  # fmt: skip

    def __init__(self, section: Section, limits: Limits) -> None:
        """Raises a DownstreamError."""
        self.section = section
        self.count = len(section)
        self.size = section_size(section)
        pseudo = dict(section)
        self.upgrade = pseudo.get(b":protocol", b"")
        """Of an extended CONNECT (RFC 8441)."""
        self.method = _method(pseudo.get(b":method", b""), self.upgrade)
        self.authority = pseudo.get(b":authority")
        """As it came; None if it did not."""
        self.host = b"" if self.authority is None else matched_host(self.authority)
        target = pseudo.get(b":path", b"")
        if len(target) > limits.request_line:
            raise RequestLineTooLong("request_line_too_long", f"the path is over {limits.request_line} octets")
        if pseudo.get(b":scheme") not in _SCHEMES:
            raise MalformedRequest("bad_scheme", "the scheme must be http or https")
        if not ORIGIN_FORM.fullmatch(target) and not (target == b"*" and self.method == b"OPTIONS"):
            raise MalformedRequest("bad_target", "a path starts with / and has neither spaces nor control characters")
        self.raw_path, self.path, self.query = read_target(target)

    def begins(self, section: Section) -> bool:
        """Whether a section has just these pseudo-fields."""
        count = self.count
        return section[:count] == self.section and (count == len(section) or section[count][0][:1] != b":")


def _method(method: bytes, protocol: bytes) -> bytes:
    """As it is forwarded. A tunnel is asked for by GET in HTTP/1 (RFC 8441 section 5)."""
    if method not in METHODS:
        raise refused_method(method)
    if method != b"CONNECT":
        return method
    if protocol != b"websocket":
        raise NotImplementedByUs("connect", "CONNECT is not served here, but for websocket")
    return b"GET"


class RequestFields:
    """The fields beside them."""

    __slots__ = ("expect_continue", "headers", "hops", "hosts", "length", "section", "size")

    def __init__(self, section: Section) -> None:
        """Raises MalformedRequest."""
        self.section = section
        self.size = section_size(section)
        fields = Fields()
        fields.add_lower(section)
        if fields.look_alike:
            text = f"a field may not look like {fields.look_alike.decode()} without being it"
            raise MalformedRequest("look_alike_field", text)
        self.headers = _with_one_cookie(fields.headers)
        self.hosts, framing, self.hops = fields.sort()
        self.length = _UNSAID
        """Content-Length, which is among `headers` as well."""
        self.expect_continue = False
        for name, value in framing:
            self._take_framing(name, value)

    def _take_framing(self, name: bytes, value: bytes) -> None:
        """Of the fields that steer HTTP/1 messages three mean something here; the engine lets no other through."""
        if name == b"content-length":
            self.length = content_length(value, MalformedRequest)
            self.headers.append((name, value))
        elif name == b"expect":
            self.expect_continue = value.lower() == b"100-continue"
        elif name != b"te":
            raise MalformedRequest("connection_field", f"{name.decode()} has no place in HTTP/2")


def _with_one_cookie(headers: Headers) -> Headers:
    """RFC 9113 section 8.2.3: crumbs that a client may split for compression are one field everywhere else."""
    crumbs = [value for name, value in headers if name == b"cookie"]
    if len(crumbs) <= 1:
        return headers
    at = next(place for place, field in enumerate(headers) if field[0] == b"cookie")
    joined = [field for field in headers if field[0] != b"cookie"]
    joined.insert(at, (b"cookie", b"; ".join(crumbs)))
    return joined
