"""Heads and chunks to bytes. Framing and connection fields are written here and nowhere else."""

from collections.abc import Sequence
from http import HTTPStatus

from proxy.protocol.message import Headers, Request, Response

_STATUS_LINES = {
    status: b"HTTP/1.1 %d %b"
    % (status, HTTPStatus(status).phrase.encode() if status in HTTPStatus._value2member_map_ else b"")
    for status in range(100, 600)
}
LAST_CHUNK = b"0\r\n\r\n"
JOIN_BELOW = 16 * 1024
"""Pieces are joined into one write up to this many octets; beyond it one writev is cheaper than the copy."""
_field_line = b": ".join
"""(name, value) to a field line, without its end."""
_END = (b"", b"")
"""Behind the last line, so that joining by CR LF leaves the empty line that ends a head."""


def encode_request(request: Request, end: bool) -> bytes:
    """The head for an endpoint: always HTTP/1.1, framing from `request.content_length`."""
    target = request.raw_path if request.query is None else b"%b?%b" % (request.raw_path, request.query)
    # One join of ready lines: to format each field, and all of them again, costs a quarter more.
    lines = [b"%b %b HTTP/1.1" % (request.method, target), *map(_field_line, request.headers)]
    if request.content_length < 0 and not end:
        lines.append(b"transfer-encoding: chunked")
    if request.upgrade:
        lines += (b"connection: upgrade", b"upgrade: " + request.upgrade)
    if request.expect_continue:
        lines.append(b"expect: 100-continue")
    lines += _END
    return b"\r\n".join(lines)


def encode_response(response: Response, connection: Sequence[bytes] = ()) -> bytes:
    """The head for a client. `connection`: finished lines of framing and connection."""
    return b"\r\n".join([_STATUS_LINES[response.status], *map(_field_line, response.headers), *connection, *_END])


def encode_chunk(data: bytes) -> bytes:
    """One chunk; never empty, since an empty one would end the body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def encode_last_chunk(trailers: Headers | None) -> bytes:
    if not trailers:
        return LAST_CHUNK
    return b"\r\n".join([b"0", *map(_field_line, trailers), *_END])
