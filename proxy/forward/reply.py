"""Answers the gateway gives by itself: short plain text that says what is wrong."""

from proxy.errors import ProxyError
from proxy.protocol.message import Headers, Reply, Response
from proxy.protocol.stream import DownstreamStream

_TITLES = {
    400: "Bad Request",
    404: "Not Found",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    508: "Loop Detected",
}


def error_reply(error: ProxyError) -> Reply:
    """The reply for a failure. Only what the client did wrong is explained to it; the rest is in the log."""
    title = _TITLES.get(error.status, "Error")
    text = (
        f"{error.status} {title}: {error.detail or error.reason}" if error.status < 500 else f"{error.status} {title}"
    )
    return Reply(error.status, [(b"content-type", b"text/plain; charset=utf-8")], text.encode() + b"\n")


def send_reply(stream: DownstreamStream, reply: Reply, method: bytes, extra: Headers) -> int:
    """Send a whole reply; returns the octets of body sent. A HEAD gets the head alone."""
    body = reply.body
    headers = [*reply.headers, *extra]
    if reply.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    if method == b"HEAD":
        body = b""
    response = Response(reply.status, headers, len(body))
    stream.send_head(response, not body)
    if body:
        stream.send_data(body)
    stream.send_end(None)
    return len(body)
