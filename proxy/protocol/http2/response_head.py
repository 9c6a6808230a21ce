"""One response head of HTTP/2, from a field section to a Response, or a refusal (RFC 9113 section 8.3.2)."""

from collections.abc import Sequence
from itertools import chain

from proxy.errors import MalformedResponse
from proxy.protocol.fields import Fields
from proxy.protocol.framing import content_length
from proxy.protocol.http2.sections import section_size
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Response

Section = Sequence[tuple[bytes, bytes]]
_MOST_REPEATED = 2048
"""Longest section that is kept, octets."""
_OF_A_CONNECTION = frozenset({
    b"connection", b"host", b"http2-settings", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding",
    b"upgrade", b"expect",
})  # fmt: skip


class ResponseReader:
    """Reads the responses on one connection.

    It keeps the last head and the last trailers: within a second an endpoint often sends the same ones again, and what
    was read once need not be read again (docs/decisions/0024-the-cost-of-a-call.md).
    """

    __slots__ = ("_head", "_limits", "_section", "_trailers", "_trailing")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._section: Section | None = None
        """As it was received."""
        self._head: tuple[int, Headers, int] = 0, [], 0
        self._trailing: Section = ()
        self._trailers: Headers | None = None

    def read(self, section: Section, end: bool, method: bytes) -> Response:
        """`end`: the response has no body; `method` is the request's. Raises MalformedResponse."""
        if end or method == b"HEAD":
            return _read(section, section_size(section), self._limits, True)
        if section == self._section:
            status, headers, length = self._head
            response = Response(status, headers.copy(), length)
            response.version = 20
            response.as_read = True
            return response
        size = section_size(section)
        response = _read(section, size, self._limits, False)
        if response.status >= 200 and size <= _MOST_REPEATED:
            self._section = section
            self._head = response.status, response.headers.copy(), response.content_length
        return response

    def read_trailers(self, section: Section) -> Headers | None:
        """Those of gRPC are most of what it says. Raises MalformedResponse."""
        if section != self._trailing:
            self._trailers = _read_trailers(section, self._limits)
            self._trailing = section
        return self._trailers and self._trailers.copy()


def _read(section: Section, size: int, limits: Limits, end: bool) -> Response:
    if len(section) > limits.field_count:
        raise MalformedResponse("too_many_fields", f"there are more than {limits.field_count} header fields")
    if size > limits.response_head:
        raise MalformedResponse("response_head_too_large", f"the response head is over {limits.response_head} octets")
    fields = Fields()
    name, value = section[0] if section else (b"", b"")  # the only pseudo-field, and so the first
    status = int(value) if name == b":status" and value.isdigit() and len(value) == 3 else 0
    fields.add_lower(section[1:])
    if not 100 <= status < 600 or status == 101:
        raise MalformedResponse("bad_status", "a response has a status of three digits, and not 101 in HTTP/2")
    response = Response(status, fields.headers, -1)
    response.version = 20
    response.as_read = True
    for name, value in fields.aside:
        if name == b"content-length":
            response.content_length = content_length(value, MalformedResponse)
            response.headers.append((name, value))
        elif name not in _OF_A_CONNECTION:
            response.headers.append((name, value))
    if end or status in (204, 304) or status < 200:
        response.content_length = 0
    elif response.content_length == 0:
        response.content_length = -1  # it may still have trailers: chunks in HTTP/1, with no length beside them
        response.headers = [field for field in response.headers if field[0] != b"content-length"]
    return response


def _read_trailers(section: Section, limits: Limits) -> Headers | None:
    if len(b"".join(chain.from_iterable(section))) > limits.trailers:
        raise MalformedResponse("trailers_too_large", "the trailer section is too long")
    fields = Fields()
    fields.add_lower(section)
    return fields.headers or None
