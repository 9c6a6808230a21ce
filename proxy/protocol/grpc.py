"""What of gRPC a gateway has to know: which requests are calls, how long they may take, and how an error is said.

"gRPC over HTTP2" (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). Messages are octets of a body like any other.
"""

import re
from collections.abc import Sequence
from typing import Final

from proxy.protocol.message import Headers, Reply, Request

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 0, 1, 2, 3, 4, 5
ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE = 6, 7, 8, 9, 10, 11
UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED = 12, 13, 14, 15, 16

STATUSES: Final[dict[int, int]] = {
    400: INTERNAL,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    404: UNIMPLEMENTED,
    408: DEADLINE_EXCEEDED,
    413: RESOURCE_EXHAUSTED,
    414: RESOURCE_EXHAUSTED,
    421: UNAVAILABLE,
    429: UNAVAILABLE,
    431: RESOURCE_EXHAUSTED,
    500: INTERNAL,
    501: UNIMPLEMENTED,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: DEADLINE_EXCEEDED,
    508: INTERNAL,
}
"""HTTP status of an answer of ours to grpc-status; UNKNOWN for all others. What gRPC clients make of a bare HTTP status
(doc/http-grpc-status-mapping.md) where they know it, and where we know more than they could, more."""

_TYPE = b"application/grpc"
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


def is_call(request: Request) -> bool:
    """Over HTTP/1.1 nothing is: such a request is like any."""
    return request.version == 20 and says_call(request.headers)


def says_call(section: Sequence[tuple[bytes, bytes]]) -> bool:
    """The fields of a request of HTTP/2 have a content-type of application/grpc, alone or before `+` or `;`."""
    for name, value in section:
        if name == b"content-type":
            return value[:16].lower() == _TYPE and value[16:17] in (b"", b"+", b";", b" ")
    return False


def timeout_of(headers: Headers) -> float | None:
    """Seconds that the client gives the call (grpc-timeout); None for no limit, or for one that cannot be read."""
    for name, value in headers:
        if name == b"grpc-timeout":
            found = _TIMEOUT.fullmatch(value)
            return None if found is None else int(found[1]) * _SECONDS[found[2]]
    return None


def as_status(reply: Reply, code: int | None = None) -> Reply:
    """An answer that says its error as calls do: Trailers-Only, with the text of the reply as grpc-message. `code`:
    None for what its status is in gRPC."""
    if code is None:
        code = STATUSES.get(reply.status, UNKNOWN)
    kept = [field for field in reply.headers if field[0] not in (b"content-type", b"content-length")]
    message = reply.body.strip()
    fields = [(b"content-type", _TYPE), (b"grpc-status", b"%d" % code)]
    if message:
        fields.append((b"grpc-message", _escaped(message)))
    return Reply(200, [*fields, *kept])


def _escaped(message: bytes) -> bytes:
    """Percent-encoded: all but the printable characters of ASCII, and the percent sign."""
    return b"".join(
        b"%c" % octet if 0x20 <= octet <= 0x7E and octet != 0x25 else b"%%%02X" % octet for octet in message
    )
