"""One request head of HTTP/2, from a field section to a Request, or a refusal (RFC 9113 section 8.3.1).

The engine has made sure that the section is well-formed as HTTP/2 has it: pseudo-fields first, known and each once,
names in lower case, no field of a connection, a Content-Length that agrees with the body. What RFC 9110, HTTP/1 on the
other side or we ask beyond that is refused here.
"""

from itertools import chain

from proxy.errors import MalformedRequest, RequestHeadersTooLarge
from proxy.protocol.framing import FORBIDDEN_TRAILERS
from proxy.protocol.http2.request_parts import RequestFields, RequestLine, Section
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request
from proxy.protocol.names import letters
from proxy.protocol.uri import matched_host

_MOST_REPEATED = 2048
"""Longest part that is kept, octets."""
_EXPECT_A_BODY = frozenset({b"POST", b"PUT", b"PATCH"})
"""RFC 9110 section 8.6."""
_LENGTH = frozenset({b"content-length"})
_NOT_OF_A_TUNNEL = _LENGTH | {b"sec-websocket-key"}
_NO_FIELDS = RequestFields(())


class RequestReader:
    """Reads the requests of one connection.

    It keeps both parts of the last one. Most clients send the same fields with every request, those of gRPC often the
    same path as well, and what was read once need not be read again (docs/decisions/0024-the-cost-of-a-call.md).
    """

    __slots__ = ("_fields", "_limits", "_line")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line: RequestLine | None = None
        self._fields = _NO_FIELDS

    def read(self, section: Section, end: bool) -> Request:
        """`end`: the request has no body. Raises a DownstreamError; nothing of a refused request is forwarded."""
        line, fields, limits = self._line, self._fields, self._limits
        if len(section) > limits.field_count:
            raise RequestHeadersTooLarge("too_many_fields", f"there are more than {limits.field_count} header fields")
        if line is None or not line.begins(section):
            line = self._new_line(section)
        if section[line.count :] != fields.section:
            fields = self._new_fields(section[line.count :])
        if line.size + fields.size > limits.head:
            raise RequestHeadersTooLarge("headers_too_large", f"the header section is over {limits.head} octets")
        request = Request()
        request.version = 20
        request.as_read = True
        request.method = line.method
        request.raw_path = line.raw_path
        request.path = line.path
        request.query = line.query
        request.hops = fields.hops
        request.expect_continue = fields.expect_continue
        if fields.hosts or line.authority is None:
            authority, request.host = _agreed(line, fields.hosts)
        else:
            authority, request.host = line.authority, line.host
        request.headers = [(b"host", authority), *fields.headers]
        _take_length(request, fields.length, end)
        if line.upgrade:
            _take_upgrade(request, line.upgrade)
        return request

    def _new_line(self, section: Section) -> RequestLine:
        line = RequestLine(section[: _count_pseudo(section)], self._limits)
        if line.size <= _MOST_REPEATED:
            self._line = line
        return line

    def _new_fields(self, section: Section) -> RequestFields:
        fields = RequestFields(section)
        if fields.size <= _MOST_REPEATED:
            self._fields = fields
        return fields


def _count_pseudo(section: Section) -> int:
    """They all come first, and each once."""
    count = 0
    for name, _ in section:
        if name[:1] != b":":
            break
        count += 1
    return count


def _agreed(line: RequestLine, hosts: list[bytes]) -> tuple[bytes, bytes]:
    """The host as it came and as it is matched: `:authority`, or a Host from those who translate HTTP/1; where both
    stand they agree."""
    if len(hosts) > 1:
        raise MalformedRequest("repeated_host", "Host must stand exactly once")
    if not hosts:
        raise MalformedRequest("no_host", "a request needs an :authority")
    host = matched_host(hosts[0])
    if line.authority is None:
        return hosts[0], host
    if host != line.host:
        raise MalformedRequest("two_hosts", "Host and :authority must agree")
    return line.authority, host


def _take_length(request: Request, length: int, end: bool) -> None:
    """What END_STREAM says, in the words of HTTP/1: there a method that expects a body needs to be told of none."""
    if end:
        request.content_length = max(length, 0)
        if length != 0 and request.method in _EXPECT_A_BODY:
            request.headers.append((b"content-length", b"0"))
    elif length > 0:
        request.content_length = length
    else:
        request.content_length = -1
        if length == 0:
            # Trailers may follow, and in HTTP/1 those need chunks: beside them a length would hide where it ends.
            request.headers = _without(request.headers, _LENGTH)


def _take_upgrade(request: Request, protocol: bytes) -> None:
    """What follows is the tunnel's and no body, so that nothing may speak of one: an endpoint that refuses the tunnel
    would take the next request on its connection for it. The key is of HTTP/1 only, and there it is ours."""
    request.upgrade = protocol
    request.content_length = 0
    request.headers = _without(request.headers, _NOT_OF_A_TUNNEL)


def _without(headers: Headers, names: frozenset[bytes]) -> Headers:
    return [field for field in headers if field[0] not in names]


def read_trailers(section: Section, limits: Limits) -> Headers | None:
    """A trailer section. Raises MalformedRequest for fields that may not stand there (RFC 9110 section 6.5.1)."""
    if len(b"".join(chain.from_iterable(section))) > limits.trailers:
        raise MalformedRequest("trailers_too_large", "the trailer section is too long")
    for name, _ in section:
        if (plain := letters(name)) in FORBIDDEN_TRAILERS or plain.startswith(b"xforwarded"):
            raise MalformedRequest("forbidden_trailer", f"{name.decode()} is not allowed as a trailer field")
    return list(section) or None
