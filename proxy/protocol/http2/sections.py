"""Field sections on their way out. The engine sends whatever it is given, so what may not be sent ends here."""

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter

from proxy.errors import FilterFailed
from proxy.protocol.fields import TOKEN, tokens
from proxy.protocol.message import Headers, Request, Response
from proxy.protocol.names import FRAMING

_STATUS = {status: (b":status", b"%d" % status) for status in range(100, 600)}
_CONNECTION = FRAMING - {b"content-length"}
"""Fields of a connection: they have no place in HTTP/2 (RFC 9113 section 8.2.2)."""
_FIELD_OVERHEAD = 32
_BREAKS = b"\0\r\n"
WEBSOCKET = b"websocket"
_NAME, _VALUE = itemgetter(0), itemgetter(1)
_REMEMBERED = 4096
_sound: set[bytes] = set()
"""Names that may be sent. Endpoints repeat themselves; it starts afresh when full."""


def section_size(section: Sequence[tuple[bytes, bytes]]) -> int:
    """What it counts towards limits (RFC 9113 section 6.5.2)."""
    return len(b"".join(chain.from_iterable(section))) + _FIELD_OVERHEAD * len(section)


def response_section(response: Response) -> Headers:
    """The section of a response. Raises FilterFailed for a field that could not stand in HTTP/1 either: what comes
    from endpoints is well-formed, so a filter has made it."""
    status = 200 if response.status == 101 else response.status
    return [_STATUS[status], *(response.headers if response.as_read else fields_section(response.headers))]


def request_section(request: Request, scheme: bytes) -> Headers:
    """The section of a request to an endpoint. `te: trailers` is what gRPC asks of its clients."""
    target = request.raw_path if request.query is None else b"%b?%b" % (request.raw_path, request.query)
    tunnel = bool(request.upgrade) and wants_tunnel(request)
    method = b"CONNECT" if tunnel else request.method
    fields = request.headers if request.as_read else fields_section(request.headers)
    authority, fields = _host_apart(fields, request.host)
    section = [(b":method", method), (b":scheme", scheme), (b":authority", authority), (b":path", target)]
    if tunnel:
        section.append((b":protocol", WEBSOCKET))
        fields = [field for field in fields if field[0] != b"sec-websocket-key"]
    section += fields
    for name, value in fields:
        if name == b"content-type":
            if value[:16] == b"application/grpc":
                section.append((b"te", b"trailers"))
            break
    if request.expect_continue:
        section.append((b"expect", b"100-continue"))
    return section


def _host_apart(fields: Headers, unsaid: bytes) -> tuple[bytes, Headers]:
    """Host, nearly always the first, and the other fields; `unsaid` is what it is when there is none."""
    if fields and fields[0][0] == b"host":
        return fields[0][1], fields[1:]
    hosts = [value for name, value in fields if name == b"host"]
    return (hosts or [unsaid])[0], [field for field in fields if field[0] != b"host"]


def wants_tunnel(request: Request) -> bool:
    """Whether an Upgrade can be an extended CONNECT, whose method hides the request's own (RFC 8441 section 5). Any
    other is passed over, as a server may (RFC 9110 section 7.8): the request is an ordinary one."""
    return request.method == b"GET" and not request.content_length and WEBSOCKET in tokens(request.upgrade)


def fields_section(headers: Headers) -> Headers:
    """Fields that may be sent, in their order."""
    text = b"".join(map(_VALUE, headers))
    if len(text.translate(None, _BREAKS)) != len(text):
        raise FilterFailed("bad_field_value", "a field value holds a line break")
    known = _sound.issuperset(map(_NAME, headers))
    return headers if known else [field for field in headers if _is_sound(field[0])]


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
