"""Heads and chunks to bytes. Framing and connection fields are written here and nowhere else."""

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


def encode_fields(headers: Headers) -> bytes:
    """Each field preceded by CR LF, so that a start line goes before and CR LF CR LF after."""
    return b"".join([b"\r\n%b: %b" % field for field in headers])


def encode_request(request: Request, end: bool) -> bytes:
    """The head for an endpoint: always HTTP/1.1, framing from `request.content_length`."""
    target = request.raw_path if request.query is None else b"%b?%b" % (request.raw_path, request.query)
    connection = b"\r\ntransfer-encoding: chunked" if request.content_length < 0 and not end else b""
    if request.upgrade:
        connection += b"\r\nconnection: upgrade\r\nupgrade: " + request.upgrade
    if request.expect_continue:
        connection += b"\r\nexpect: 100-continue"
    return b"%b %b HTTP/1.1%b%b\r\n\r\n" % (
        request.method,
        target,
        encode_fields(request.headers),
        connection,
    )


def encode_response(response: Response, connection: bytes) -> bytes:
    """`connection` is the finished framing and connection part: empty, or fields each preceded by CR LF."""
    line = _STATUS_LINES[response.status]
    return b"%b%b%b\r\n\r\n" % (line, encode_fields(response.headers), connection)


def encode_chunk(data: bytes) -> bytes:
    """One chunk; never empty, since an empty one would end the body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def encode_last_chunk(trailers: Headers | None) -> bytes:
    if not trailers:
        return LAST_CHUNK
    return b"0%b\r\n\r\n" % encode_fields(trailers)
