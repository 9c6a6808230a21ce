"""Field sections on their way out. The engine sends whatever it is given, so what may not be sent ends here."""

import re
from operator import itemgetter

from proxy.errors import FilterFailed
from proxy.protocol.fields import TOKEN, tokens
from proxy.protocol.message import Headers, Request, Response
from proxy.protocol.names import FRAMING

_STATUS = {status: (b":status", b"%d" % status) for status in range(100, 600)}
_CONNECTION = FRAMING - {b"content-length"}
"""Fields of a connection: they have no place in HTTP/2 (RFC 9113 section 8.2.2)."""
_BROKEN = re.compile(rb"[\0\r\n]")
WEBSOCKET = b"websocket"
_NAME, _VALUE = itemgetter(0), itemgetter(1)
_REMEMBERED = 4096
_sound: set[bytes] = set()
"""Names that may be sent. Endpoints repeat themselves; it starts afresh when full."""


def response_section(response: Response) -> Headers:
    """The section of a response. Raises FilterFailed for a field that could not stand in HTTP/1 either: what comes
    from endpoints is well-formed, so a filter has made it."""
    status = 200 if response.status == 101 else response.status
    return [_STATUS[status], *fields_section(response.headers)]


def request_section(request: Request, scheme: bytes) -> Headers:
    """The section of a request to an endpoint. `te: trailers` is what gRPC asks of its clients."""
    target = request.raw_path if request.query is None else b"%b?%b" % (request.raw_path, request.query)
    authority = request.host
    grpc = False
    fields: Headers = []
    for name, value in request.headers:
        if name == b"host":
            authority = value
            continue
        if name == b"content-type" and value[:16] == b"application/grpc":
            grpc = True
        fields.append((name, value))
    tunnel = bool(request.upgrade) and wants_tunnel(request)
    method = b"CONNECT" if tunnel else request.method
    section = [(b":method", method), (b":scheme", scheme), (b":authority", authority), (b":path", target)]
    if tunnel:
        section.append((b":protocol", WEBSOCKET))
        fields = [field for field in fields if field[0] != b"sec-websocket-key"]
    section += fields_section(fields)
    if grpc:
        section.append((b"te", b"trailers"))
    if request.expect_continue:
        section.append((b"expect", b"100-continue"))
    return section


def wants_tunnel(request: Request) -> bool:
    """Whether an Upgrade can be an extended CONNECT, whose method hides the request's own (RFC 8441 section 5). Any
    other is passed over, as a server may (RFC 9110 section 7.8): the request is an ordinary one."""
    return request.method == b"GET" and not request.content_length and WEBSOCKET in tokens(request.upgrade)


def fields_section(headers: Headers) -> Headers:
    """Fields that may be sent, in their order."""
    known = _sound.issuperset(map(_NAME, headers))
    section = headers if known else [field for field in headers if _is_sound(field[0])]
    if _BROKEN.search(b"".join(map(_VALUE, section))):
        raise FilterFailed("bad_field_value", "a field value holds a line break")
    return section


def _is_sound(name: bytes) -> bool:
    if name in _CONNECTION:
        return False
    if name not in _sound:
        if not TOKEN.fullmatch(name) or name != name.lower():
            raise FilterFailed("bad_field_name", f"{name.decode('latin-1')!r} is no field name")
        if len(_sound) >= _REMEMBERED:
            _sound.clear()
        _sound.add(name)
    return True
