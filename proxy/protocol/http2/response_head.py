"""One response head of HTTP/2, from a field section to a Response, or a refusal (RFC 9113 section 8.3.2)."""

from collections.abc import Sequence
from itertools import chain

from proxy.errors import MalformedResponse
from proxy.protocol.fields import Fields
from proxy.protocol.framing import content_length
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Response

Section = Sequence[tuple[bytes, bytes]]
_FIELD_OVERHEAD = 32
"""What a field counts beyond its octets (RFC 9113 section 6.5.2)."""


def read_response(section: Section, end: bool, method: bytes, limits: Limits) -> Response:
    """`end`: the response has no body. Raises MalformedResponse."""
    if len(section) > limits.field_count:
        raise MalformedResponse("too_many_fields", f"there are more than {limits.field_count} header fields")
    size = len(b"".join(chain.from_iterable(section))) + _FIELD_OVERHEAD * len(section)
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
    for name, value in fields.aside:
        if name == b"content-length":
            response.content_length = content_length(value, MalformedResponse)
            response.headers.append((name, value))
        elif name not in _OF_A_CONNECTION:
            response.headers.append((name, value))
    if end or method == b"HEAD" or status in (204, 304) or status < 200:
        response.content_length = 0
    elif response.content_length == 0:
        response.content_length = -1  # it may still have trailers: chunks in HTTP/1, with no length beside them
        response.headers = [field for field in response.headers if field[0] != b"content-length"]
    return response


_OF_A_CONNECTION = frozenset({
    b"connection", b"host", b"http2-settings", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding",
    b"upgrade", b"expect",
})  # fmt: skip


def read_trailers(section: Section, limits: Limits) -> Headers | None:
    """The trailers of a response. Those of gRPC are most of what it says. Raises MalformedResponse."""
    if sum(len(name) + len(value) for name, value in section) > limits.trailers:
        raise MalformedResponse("trailers_too_large", "the trailer section is too long")
    fields = Fields()
    fields.add_lower(section)
    return fields.headers or None
