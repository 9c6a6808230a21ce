"""One request head of HTTP/2, from a field section to a Request, or a refusal (RFC 9113 section 8.3.1).

The engine has made sure that the section is well-formed as HTTP/2 has it: pseudo-fields first, known and each once,
names in lower case, no field of a connection, a Content-Length that agrees with the body. What RFC 9110, HTTP/1 on the
other side or we ask beyond that is refused here.
"""

from collections.abc import Sequence
from itertools import chain

from proxy.errors import MalformedRequest, NotImplementedByUs, RequestHeadersTooLarge, RequestLineTooLong
from proxy.protocol.fields import Fields
from proxy.protocol.framing import FORBIDDEN_TRAILERS, content_length
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request
from proxy.protocol.names import letters
from proxy.protocol.target import METHODS, ORIGIN_FORM, refused_method, take_path
from proxy.protocol.uri import matched_host

_FIELD_OVERHEAD = 32
"""What a field counts beyond its octets (RFC 9113 section 6.5.2)."""
_EXPECT_A_BODY = frozenset({b"POST", b"PUT", b"PATCH"})
"""RFC 9110 section 8.6."""
_SCHEMES = frozenset({b"http", b"https"})
_LENGTH = frozenset({b"content-length"})
_NOT_OF_A_TUNNEL = _LENGTH | {b"sec-websocket-key"}


def read_request(section: Sequence[tuple[bytes, bytes]], end: bool, limits: Limits) -> Request:
    """`end`: the request has no body. Raises a DownstreamError; nothing of a refused request is forwarded."""
    _check_size(section, limits)
    fields = Fields()
    first = next((place for place, field in enumerate(section) if field[0][:1] != b":"), len(section))
    pseudo = dict(section[:first])  # they all come first, and each once
    fields.add_lower(section[first:])
    if fields.look_alike:
        text = f"a field may not look like {fields.look_alike.decode()} without being it"
        raise MalformedRequest("look_alike_field", text)
    request = Request()
    request.version = 20
    request.headers = fields.headers
    if len(fields.aside) > 0:
        hosts, framing, request.hops = fields.sort()
        _take_framing(request, framing)
    else:
        hosts = []
    _take_method(request, pseudo)
    _take_length(request, end)
    _take_authority(request, pseudo.get(b":authority"), hosts)
    _take_path(request, pseudo, limits)
    if b":protocol" in pseudo:
        _take_protocol(request, pseudo[b":protocol"])
    _join_cookies(request)
    return request


def read_trailers(section: Sequence[tuple[bytes, bytes]], limits: Limits) -> Headers | None:
    """A trailer section. Raises MalformedRequest for fields that may not stand there (RFC 9110 section 6.5.1)."""
    if sum(len(name) + len(value) for name, value in section) > limits.trailers:
        raise MalformedRequest("trailers_too_large", "the trailer section is too long")
    for name, _ in section:
        if (plain := letters(name)) in FORBIDDEN_TRAILERS or plain.startswith(b"xforwarded"):
            raise MalformedRequest("forbidden_trailer", f"{name.decode()} is not allowed as a trailer field")
    return list(section) or None


def _check_size(section: Sequence[tuple[bytes, bytes]], limits: Limits) -> None:
    if len(section) > limits.field_count:
        raise RequestHeadersTooLarge("too_many_fields", f"there are more than {limits.field_count} header fields")
    size = len(b"".join(chain.from_iterable(section))) + _FIELD_OVERHEAD * len(section)
    if size > limits.head:
        raise RequestHeadersTooLarge("headers_too_large", f"the header section is over {limits.head} octets")


def _take_framing(request: Request, framing: Headers) -> None:
    """Of the fields that steer HTTP/1 messages three mean something here; the engine lets no other through."""
    for name, value in framing:
        if name == b"content-length":
            request.content_length = content_length(value, MalformedRequest)
            request.headers.append((name, value))
        elif name == b"expect":
            request.expect_continue = value.lower() == b"100-continue"
        elif name != b"te":
            raise MalformedRequest("connection_field", f"{name.decode()} has no place in HTTP/2")


def _take_length(request: Request, end: bool) -> None:
    """What END_STREAM says, in the words of HTTP/1: there a method that expects a body needs to be told of none."""
    if not end and request.content_length == 0:
        # Trailers may follow, and in HTTP/1 those need chunks: beside them a length would hide where it ends.
        request.content_length = -1
        request.headers = _without(request.headers, _LENGTH)
    elif end and request.method in _EXPECT_A_BODY and (b"content-length", b"0") not in request.headers:
        request.headers.append((b"content-length", b"0"))


def _take_method(request: Request, pseudo: dict[bytes, bytes]) -> None:
    method = pseudo.get(b":method", b"")
    if method not in METHODS:
        raise refused_method(method)
    if method == b"CONNECT":
        if pseudo.get(b":protocol") != b"websocket":
            raise NotImplementedByUs("connect", "CONNECT is not served here, but for websocket")
        method = b"GET"  # what the same request is in HTTP/1 (RFC 8441 section 5)
    request.method = method


def _take_protocol(request: Request, protocol: bytes) -> None:
    """What follows is the tunnel's and no body, so that nothing may speak of one: an endpoint that refuses the tunnel
    would take the next request on its connection for it. The key is of HTTP/1 only, and there it is ours."""
    request.upgrade = protocol
    request.content_length = 0
    request.headers = _without(request.headers, _NOT_OF_A_TUNNEL)


def _without(headers: Headers, names: frozenset[bytes]) -> Headers:
    return [field for field in headers if field[0] not in names]


def _take_authority(request: Request, authority: bytes | None, hosts: list[bytes]) -> None:
    """`:authority`, or a Host from those who translate HTTP/1; where both stand they agree."""
    if len(hosts) > 1:
        raise MalformedRequest("repeated_host", "Host must stand exactly once")
    if authority is None and not hosts:
        raise MalformedRequest("no_host", "a request needs an :authority")
    chosen = hosts[0] if authority is None else authority
    request.host = matched_host(chosen)
    if hosts and matched_host(hosts[0]) != request.host:
        raise MalformedRequest("two_hosts", "Host and :authority must agree")
    request.headers.insert(0, (b"host", chosen))


def _take_path(request: Request, pseudo: dict[bytes, bytes], limits: Limits) -> None:
    path = pseudo.get(b":path", b"")
    if len(path) > limits.request_line:
        raise RequestLineTooLong("request_line_too_long", f"the path is over {limits.request_line} octets")
    if pseudo.get(b":scheme") not in _SCHEMES:
        raise MalformedRequest("bad_scheme", "the scheme must be http or https")
    if not ORIGIN_FORM.fullmatch(path) and not (path == b"*" and request.method == b"OPTIONS"):
        raise MalformedRequest("bad_target", "a path starts with / and has neither spaces nor control characters")
    take_path(request, path)


def _join_cookies(request: Request) -> None:
    """RFC 9113 section 8.2.3: crumbs that a client may split for compression are one field everywhere else."""
    crumbs = [value for name, value in request.headers if name == b"cookie"]
    if len(crumbs) > 1:
        at = next(place for place, field in enumerate(request.headers) if field[0] == b"cookie")
        request.headers = [field for field in request.headers if field[0] != b"cookie"]
        request.headers.insert(at, (b"cookie", b"; ".join(crumbs)))
