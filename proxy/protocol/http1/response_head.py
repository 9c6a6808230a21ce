"""One complete response head, from bytes to a Response, or a refusal (RFC 9112 sections 4 and 6)."""

import re

from httptools import HttpParserError, HttpResponseParser

from proxy.errors import MalformedResponse
from proxy.protocol.framing import content_length
from proxy.protocol.http1.fields import Framing, read_fields
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Response

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t \x21-\x7e\x80-\xff]*)?")
_MOST_REPEATED = 2048
"""Longest head that is kept, octets."""
_REMEMBERED = 1024
_LONGEST_REMEMBERED = 64
_status_lines: dict[bytes, tuple[int, int]] = {}
"""Status line to (version, status): endpoints repeat themselves. Starts afresh when full, keeps no long ones."""


class ResponseHead(Response):
    """A response, with what only its own connection needs to know."""

    __slots__ = ("chunked", "keep_alive", "until_close")

    chunked: bool
    keep_alive: bool
    until_close: bool


class RepeatedResponse:
    """The response head that an endpoint sent last: within a second it often sends the same one again."""

    __slots__ = ("content_length", "head", "headers", "status")

    def __init__(self) -> None:
        self.head = b""
        self.status = 0
        self.headers: Headers = []
        self.content_length = 0


def parse_response(
    head: bytes, method: bytes, limits: Limits, repeated: RepeatedResponse | None = None
) -> ResponseHead:
    """`head` ends with the empty line; `method` is the request's. Raises MalformedResponse."""
    if repeated is not None and head == repeated.head and method != b"HEAD":
        response = ResponseHead(repeated.status, repeated.headers.copy(), repeated.content_length)
        response.chunked = response.until_close = False
        response.keep_alive = True
        return response
    if len(head) > limits.response_head:
        text = f"the response head is over {limits.response_head} octets"
        raise MalformedResponse("response_head_too_large", text)
    line = head[: head.find(b"\r\n")]
    known = _status_lines.get(line)
    version, status = _read_status_line(line) if known is None else known
    try:
        fields = read_fields(HttpResponseParser, head)
    except HttpParserError as error:
        raise MalformedResponse("bad_response_head", str(error)) from None
    headers, aside = fields.headers, fields.aside
    if len(headers) + len(aside) > limits.field_count:
        raise MalformedResponse("too_many_fields", f"there are more than {limits.field_count} header fields")
    response = ResponseHead(status, headers, -1)
    response.version = version
    # Nearly every response: a length and nothing else to say about the connection.
    if len(aside) == 1 and aside[0][0] == b"content-length" and version == 11 and status >= 200 and status != 204:
        response.content_length = content_length(aside[0][1], MalformedResponse)
        headers.append(aside[0])
        response.chunked = response.until_close = False
        response.keep_alive = True
        if method == b"HEAD" or status == 304:
            response.content_length = 0
        elif repeated is not None and len(head) <= _MOST_REPEATED:
            repeated.head, repeated.status, repeated.headers = head, status, headers.copy()
            repeated.content_length = response.content_length
        return response
    _, framing, hops = fields.sort()
    headers += hops
    return _frame(response, Framing(framing, version, MalformedResponse), method)


def _frame(response: ResponseHead, framing: Framing, method: bytes) -> ResponseHead:
    status = response.status
    response.headers = framing.strip_named(response.headers)
    response.upgrade = framing.upgrade if status == 101 else b""
    response.keep_alive = framing.keep_alive
    response.chunked = framing.chunked
    response.until_close = False
    response.content_length = framing.length
    if status < 200 or status == 204:
        # RFC 9112 section 6.1 and RFC 9110 section 8.6: neither field may stand in these.
        if framing.chunked or framing.length > 0:
            raise MalformedResponse("body_not_allowed", f"a {status} response has no body")
    elif framing.length >= 0:
        response.headers.append((b"content-length", b"%d" % framing.length))
    if method == b"HEAD" or status in (204, 304) or status < 200:
        response.content_length = 0
        response.chunked = False
    elif not framing.chunked and framing.length < 0:
        response.until_close = True
        response.keep_alive = False
    return response


def _read_status_line(line: bytes) -> tuple[int, int]:
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise MalformedResponse("bad_status_line", "a status line is `HTTP/1.1 SP three digits`")
    known = (10 + int(found[1]), int(found[2]))
    if len(line) <= _LONGEST_REMEMBERED:
        if len(_status_lines) >= _REMEMBERED:
            _status_lines.clear()
        _status_lines[line] = known
    return known
