"""One request head, from bytes to a Request, or a refusal, which may come before the head is complete.

llhttp (through httptools) validates every octet; a fresh parser per head costs 0.15 µs and makes every
piece of state belong to one message. What llhttp lets through and RFC 9112 or we do not is refused here.
"""

import re

from httptools import HttpParserError, HttpRequestParser

from proxy.errors import (
    MalformedRequest,
    NotImplementedByUs,
    ProxyError,
    RequestHeadersTooLarge,
    RequestLineTooLong,
    VersionNotSupported,
)
from proxy.protocol.fields import tokens
from proxy.protocol.http1.fields import Framing, only_unknown_codings, read_fields
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request
from proxy.protocol.target import METHODS, ORIGIN_FORM, read_target, refused_method
from proxy.protocol.uri import matched_host

_OTHER_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_MOST_REPEATED = 2048
"""Longest head that a connection keeps, octets."""
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:([^\r\n]*)\r\n", re.IGNORECASE)
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:", re.IGNORECASE)


class RequestHead(Request):
    """A request, with what only its own connection needs to know."""

    __slots__ = ("chunked", "keep_alive")

    chunked: bool
    keep_alive: bool


class Repeated:
    """The header section a connection sent last. Most clients send the same one with every request.

    What llhttp has accepted once need not be read again: then only the request line is new. This is to
    HTTP/1 what the dynamic table of HPACK is to HTTP/2; it halves the cost of reading a request.
    """

    __slots__ = ("headers", "host", "section")

    def __init__(self) -> None:
        self.section = b""
        """From the CR LF that ends the request line; b"" when there is nothing to repeat."""
        self.headers: Headers = []
        self.host = b""


def parse_request(head: bytes, limits: Limits, repeated: Repeated | None = None) -> RequestHead:
    """`head` ends with the empty line. Raises a DownstreamError; nothing of a refused head is forwarded."""
    line_end = head.find(b"\r\n")
    if line_end > limits.request_line:
        raise RequestLineTooLong("request_line_too_long", f"the request line is over {limits.request_line} octets")
    if len(head) > limits.head:
        raise RequestHeadersTooLarge("headers_too_large", f"the header section is over {limits.head} octets")
    try:
        method, target, version = head[:line_end].split(b" ")
    except ValueError:
        raise MalformedRequest("bad_request_line", "a request line is `method SP target SP HTTP/1.1`") from None
    request = RequestHead()
    if version == b"HTTP/1.1":
        request.keep_alive = True
    elif version == b"HTTP/1.0":
        request.version = 10
        request.keep_alive = False
    else:
        raise _refused_version(version)
    # llhttp skips empty lines before a request; the method it saw must be the one we forward.
    if method not in METHODS:
        raise refused_method(method)
    request.method = method
    request.chunked = False
    if repeated is not None and head[line_end:] == repeated.section and _may_repeat(method, target):
        request.headers = repeated.headers.copy()
        request.host = repeated.host
        request.raw_path, request.path, request.query = read_target(target)
        return request
    try:
        fields = read_fields(HttpRequestParser, head)
    except HttpParserError as error:
        raise _refused_head(head, str(error)) from None
    if fields.look_alike:
        text = f"a field may not look like {fields.look_alike.decode()} without being it"
        raise MalformedRequest("look_alike_field", text)
    headers, aside = fields.headers, fields.aside
    if len(headers) + len(aside) > limits.field_count:
        raise RequestHeadersTooLarge("too_many_fields", f"there are more than {limits.field_count} header fields")
    request.headers = headers
    if len(aside) == 1 and aside[0][0] == b"host":
        _take_target(request, target, [aside[0][1]])
        if repeated is not None and request.version == 11 and target[:1] == b"/" and len(head) <= _MOST_REPEATED:
            repeated.section, repeated.headers, repeated.host = head[line_end:], headers.copy(), request.host
        return request
    hosts, framing, request.hops = fields.sort()
    _take_target(request, target, hosts)
    if framing:
        _take_framing(request, framing)
    return request


def _may_repeat(method: bytes, target: bytes) -> bool:
    """What is refused for its own line must not pass because a sound request with the same fields came before."""
    return method != b"CONNECT" and ORIGIN_FORM.fullmatch(target) is not None


def _take_framing(request: RequestHead, fields: Headers) -> None:
    framing = Framing(fields, request.version, MalformedRequest)
    request.keep_alive = framing.keep_alive
    if framing.connection:
        request.headers = framing.strip_named(request.headers)
    if framing.chunked:
        request.chunked = True
        request.content_length = -1
    elif framing.length >= 0:
        request.content_length = framing.length
        request.headers.append((b"content-length", b"%d" % framing.length))
    if request.version == 11:
        if framing.upgrade and b"upgrade" in framing.connection and b"h2c" not in tokens(framing.upgrade):
            request.upgrade = framing.upgrade
        request.expect_continue = framing.expect.lower() == b"100-continue"


def _take_target(request: Request, target: bytes, hosts: list[bytes]) -> None:
    """RFC 9112 section 3.2 and 3.3: origin-form, absolute-form, or `*` for OPTIONS."""
    if len(hosts) == 1:
        authority = hosts[0]
        request.host = matched_host(authority)
    elif hosts:
        raise MalformedRequest("repeated_host", "Host must stand exactly once")
    elif request.version == 11:
        raise MalformedRequest("no_host", "an HTTP/1.1 request needs a Host")
    else:
        authority = b""
    if request.method == b"CONNECT":
        raise NotImplementedByUs("connect", "CONNECT is not served here")
    if target[:1] != b"/":
        target, authority = _other_forms(request, target, authority)
    if authority:
        request.headers.insert(0, (b"host", authority))
    request.raw_path, request.path, request.query = read_target(target)


def _other_forms(request: Request, target: bytes, authority: bytes) -> tuple[bytes, bytes]:
    if target == b"*" and request.method == b"OPTIONS":
        return target, authority
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise MalformedRequest("bad_target", "a request target starts with / or with http://host/")
    if not found[1]:
        raise MalformedRequest("bad_target", "the target's authority is empty")
    # RFC 9112 section 3.2.2: the target's authority replaces the received Host.
    request.host = matched_host(found[1])
    rest = found[2]
    return (rest if rest[:1] == b"/" else b"/" + rest), found[1]


def refused_early(data: bytes, limits: Limits) -> ProxyError | None:
    """Why this beginning of a head cannot become one; None when it still can."""
    line_end = data.find(b"\r\n", 0, limits.request_line + 2)
    if data[:1] in (b"\r", b"\n"):
        return MalformedRequest("bad_request_line", "a request starts with its method")
    if line_end < 0 and len(data) > limits.request_line + 1:
        text = f"the request line is over {limits.request_line} octets"
        return RequestLineTooLong("request_line_too_long", text)
    if len(data) > limits.head:
        return RequestHeadersTooLarge("headers_too_large", f"the header section is over {limits.head} octets")
    if data.count(b"\n") != data.count(b"\r\n"):
        return MalformedRequest("bad_line_end", "lines end in CR LF")
    return None


def _refused_version(version: bytes) -> ProxyError:
    if _OTHER_VERSION.fullmatch(version):
        return VersionNotSupported("version_not_supported", "this port speaks HTTP/1.1 and HTTP/1.0")
    return MalformedRequest("bad_request_line", "the request line must end in HTTP/1.1")


def _refused_head(head: bytes, why: str) -> ProxyError:
    """llhttp's refusal as ours: a coding that is only unknown, and alone, is 501 and not 400."""
    found = _TRANSFER_ENCODING.findall(head)
    alone = len(found) == 1 and not _CONTENT_LENGTH.search(head) and "encoding" in why.lower()
    if alone and only_unknown_codings(found[0]) and not found[0].rstrip(b" \t").lower().endswith(b"chunked"):
        return NotImplementedByUs("transfer_coding", "the only transfer coding taken is a single chunked")
    return MalformedRequest("bad_head", why)
