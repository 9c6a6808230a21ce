"""The oracle for HTTP/1: the ABNF of RFC 9112, RFC 9110 and RFC 3986 as printed, and the rules around it.

Slow, strict and literal: a message is what the grammar derives, and what the prose of the RFCs or our own,
stricter policy then forbids is refused by one named rule each. Where the RFCs let a recipient choose, the
comment says what we chose. Knows nothing of the product's code.
"""

from dataclasses import dataclass, field

from tests.oracle.http_abnf import HTTP
from tests.oracle.paths import HiddenDotSegment, resolve

KNOWN_METHODS = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE "
    b"MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE QUERY REBIND REPORT SEARCH SOURCE "
    b"SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
"""The methods we let through; any other token is 501 (RFC 9110 section 9.1)."""

STEERING = frozenset(
    b"connection content-length expect host http2-settings keep-alive proxy-connection te transfer-encoding "
    b"upgrade".split()
)
"""Fields that say where a message ends, whom it is for, and what becomes of the connection."""
ABOUT_THE_WAY = frozenset(b"forwarded via x-real-ip x-request-id".split())
"""Fields that the gateway answers for, with every X-Forwarded-*."""


def _letters(name: bytes) -> bytes:
    return bytes(octet for octet in name if octet in b"abcdefghijklmnopqrstuvwxyz0123456789")


FORBIDDEN_TRAILERS = frozenset(
    b"trailer content-encoding content-type content-range range authorization proxy-authorization proxy-authenticate "
    b"www-authenticate cookie set-cookie cache-control max-forwards location if-match if-none-match "
    b"if-modified-since if-unmodified-since if-range age expires date vary pragma retry-after warning".split()
)
"""Framing, routing, authentication, control data and payload processing (RFC 9110 section 6.5.1), besides
what steers the message and what tells of the way."""
TRAILER_LETTERS = frozenset(map(_letters, FORBIDDEN_TRAILERS | STEERING | ABOUT_THE_WAY))

STEERING_LETTERS = frozenset(map(_letters, STEERING))
WAY_LETTERS = frozenset(map(_letters, ABOUT_THE_WAY))

REQUEST_LINE, HEAD, FIELDS, TRAILERS, CHUNK_EXTENSIONS = 8192, 32768, 100, 8192, 256
MESSAGE_EXTENSIONS = 16384
RESPONSE_HEAD, INTERIM = 65536, 16
"""Our limits. A head counts from its first octet to the end of the empty line."""

Fields = list[tuple[bytes, bytes]]


@dataclass
class Refusal(Exception):
    """No message: the status that answers it, and the rule that was broken."""

    status: int
    rule: str


class Incomplete(Exception):
    """So far nothing is wrong, but the message has not ended."""


@dataclass
class Message:
    """A request or a response. Field names are lower-case, values without the white space around them."""

    fields: Fields = field(default_factory=list)
    framing: str = "none"
    """none, length, chunked, close."""
    length: int = 0
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    persistent: bool = True
    version: int = 11

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key == name]

    @property
    def connection(self) -> list[bytes]:
        return [option.strip(b" \t").lower() for value in self.all(b"connection") for option in value.split(b",")]


@dataclass
class Request(Message):
    method: bytes = b""
    target: bytes = b""
    path: bytes = b""
    """As it must be forwarded: literal dot segments resolved; `*` for the whole server."""
    query: bytes | None = None
    authority: bytes | None = None
    """The effective Host value: the target's authority if it has one (RFC 9112 section 3.2.2)."""


@dataclass
class Response(Message):
    status: int = 0


@dataclass
class Stream:
    """What one connection carried: whole messages, how it went on, and whether the last message was cut short."""

    messages: list[Message]
    refusal: Refusal | None = None
    rest: bytes = b""
    """Octets after the last whole message, not refused: the beginning of another one, or never to be read."""


class _Cursor:
    def __init__(self, data: bytes, ended: bool) -> None:
        self.data = data
        self.at = 0
        self.ended = ended
        """True when no more octets will ever come."""

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise Incomplete
        self.at += size
        return self.data[self.at - size : self.at]

    def line(self, limit: int, over: Refusal) -> bytes:
        """Up to CR LF. A CR or LF by itself is never a line end (RFC 9112 section 2.2)."""
        end = next((i for i in range(self.at, len(self.data)) if self.data[i] in b"\r\n"), -1)
        size = (len(self.data) if end < 0 else end) - self.at
        if size > limit:
            raise over
        if end < 0 or (end + 1 == len(self.data) and self.data[end] == 0x0D):
            raise Incomplete
        if self.data[end : end + 2] != b"\r\n":
            raise Refusal(400, "a line ends in CR LF")
        line = self.data[self.at : end]
        self.at = end + 2
        return line


# --- requests --------------------------------------------------------------------------------------


def read_requests(data: bytes, *, ended: bool = False) -> Stream:
    """Every request of a client's stream, up to a refusal, an end, or a request after which none may come."""
    cursor = _Cursor(data, ended)
    stream = Stream([])
    while cursor.at < len(data):
        start = cursor.at
        try:
            message = _request(cursor)
        except Refusal as refusal:
            stream.refusal = refusal
            return stream
        except Incomplete:
            stream.rest = data[start:]
            return stream
        stream.messages.append(message)
        if not message.persistent:
            break
    stream.rest = data[cursor.at :]
    return stream


def _request(cursor: _Cursor) -> Request:
    start = cursor.at
    request = Request()
    if cursor.data[start] in b"\r\n":
        # Ours: RFC 9112 section 2.2 would have a server skip one empty line.
        raise Refusal(400, "no empty line before a request")
    line = cursor.line(REQUEST_LINE, Refusal(414, "the request line is at most 8 KiB"))
    _request_line(line, request)
    request.fields = _fields(cursor, start, HEAD, FIELDS, Refusal(431, "header section"))
    request.fields = _without_look_alikes(request.fields, refuse=True)
    _host(request)
    _request_target(request)
    _length(request, 400, request.version)
    _persistence(request)
    _body(cursor, request, 400)
    return request


def _request_line(line: bytes, request: Request) -> None:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise Refusal(400, "request-line = method SP request-target SP HTTP-version")
    request.method, request.target, version = parts
    for rule, part in (("method", parts[0]), ("request-target", parts[1]), ("HTTP-version", parts[2])):
        if not HTTP.matches(rule, part):
            raise Refusal(400, rule)
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refusal(505, "HTTP-version is 1.0 or 1.1")
    request.version = 11 if version == b"HTTP/1.1" else 10
    if request.method not in KNOWN_METHODS:
        raise Refusal(501, "unknown method")
    if request.method == b"CONNECT":
        raise Refusal(501, "CONNECT")


def _host(request: Request) -> None:
    """RFC 9112 section 3.2: exactly one in HTTP/1.1, at most one in HTTP/1.0, and valid."""
    hosts = request.all(b"host")
    if len(hosts) > 1 or (not hosts and request.version == 11):
        raise Refusal(400, "exactly one Host")
    if hosts and not HTTP.matches("Host", hosts[0]):
        raise Refusal(400, 'Host = uri-host [ ":" port ]')
    request.authority = hosts[0] if hosts else None


def _request_target(request: Request) -> None:
    """RFC 9112 section 3.2.1 to 3.2.4."""
    target = request.target
    if target == b"*":
        if request.method != b"OPTIONS":
            raise Refusal(400, "asterisk-form is for OPTIONS")
        request.path = target
        return
    if not target.startswith(b"/"):
        if not HTTP.matches("http-uri", target):
            raise Refusal(400, "absolute-form = http or https URI without userinfo and fragment")
        rest = target.partition(b"://")[2]
        end = next((i for i, octet in enumerate(rest) if octet in b"/?"), len(rest))
        request.authority, target = rest[:end], rest[end:]
        if not target.startswith(b"/"):
            target = b"/" + target
    path, mark, query = target.partition(b"?")
    request.query = query if mark else None
    try:
        request.path = resolve(path)
    except HiddenDotSegment as error:
        raise Refusal(400, str(error)) from None


# --- responses -------------------------------------------------------------------------------------


def read_response(data: bytes, method: bytes, *, ended: bool = False, upgrade: bool = False) -> Stream:
    """One final response with the interim ones before it; `rest` is what an endpoint may not have sent."""
    cursor = _Cursor(data, ended)
    stream = Stream([])
    try:
        while True:
            message = _response(cursor, method, upgrade)
            stream.messages.append(message)
            if message.status >= 200 or message.status == 101:
                break
            if len(stream.messages) > INTERIM:
                raise Refusal(502, "at most 16 interim responses")
    except Refusal as refusal:
        stream.refusal = Refusal(502, refusal.rule)
    except Incomplete:
        if ended:
            stream.refusal = Refusal(502, "the connection ended within a response")
    stream.rest = data[cursor.at :]
    return stream


def _response(cursor: _Cursor, method: bytes, upgrade: bool) -> Response:
    start = cursor.at
    line = cursor.line(RESPONSE_HEAD, Refusal(502, "response head is at most 64 KiB"))
    if not HTTP.matches("status-line", line):
        raise Refusal(502, "status-line")
    if line[:8] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refusal(502, "HTTP-version is 1.0 or 1.1")
    response = Response(status=int(line[9:12]), version=11 if line[:8] == b"HTTP/1.1" else 10)
    if not 100 <= response.status < 600:
        raise Refusal(502, "status codes are 100 to 599")
    response.fields = _fields(cursor, start, RESPONSE_HEAD, FIELDS, Refusal(502, "response head"))
    response.fields = _without_look_alikes(response.fields, refuse=False)
    _length(response, 502, response.version)
    _persistence(response)
    if response.status == 101 and not upgrade:
        raise Refusal(502, "101 that nobody asked for")
    _response_body(cursor, response, method)
    return response


def _response_body(cursor: _Cursor, response: Response, method: bytes) -> None:
    """RFC 9112 section 6.3, the first three rules and the last."""
    status = response.status
    if status < 200 or status == 204:
        # RFC 9110 section 8.6 and RFC 9112 section 6.1 forbid both fields; a length of nothing is harmless.
        if response.framing == "chunked" or response.length:
            raise Refusal(502, "a 1xx or 204 response has no framing")
        response.framing = "none"
    elif method == b"HEAD" or status == 304:
        response.framing, response.length = "none", 0
    elif response.framing == "none":
        response.framing = "close"
        response.persistent = False
        if not cursor.ended:
            raise Incomplete
        response.body = cursor.take(len(cursor.data) - cursor.at)
    else:
        _body(cursor, response, 502)


# --- both ------------------------------------------------------------------------------------------


def _fields(cursor: _Cursor, start: int, limit: int, count: int, over: Refusal) -> Fields:
    """*( field-line CRLF ) CRLF"""
    fields: Fields = []
    while True:
        left = limit - (cursor.at - start) - 2
        line = cursor.line(max(left, 0), Refusal(over.status, f"{over.rule}: too long"))
        if not line:
            if len(fields) > count:
                raise Refusal(over.status, f"{over.rule}: too many fields")
            return fields
        fields.append(_field(line, 502 if over.status == 502 else 400))


def _field(line: bytes, status: int) -> tuple[bytes, bytes]:
    if not HTTP.matches("field-line", line):
        raise Refusal(status, 'field-line = field-name ":" OWS field-value OWS')
    name, _, value = line.partition(b":")
    if name.lower() == b"transfer-encoding" and b"\t" in value[len(value.rstrip(b" \t")) :]:
        # Ours: OWS allows it, the parser we build on does not, and nobody honest sends it.
        raise Refusal(status, "no HTAB behind a transfer coding")
    return name.lower(), value.strip(b" \t")


def _without_look_alikes(fields: Fields, *, refuse: bool) -> Fields:
    """Ours: no field under a name that a lax reader takes for one of those above (`Content_Length`, `X.Real.IP`)."""
    kept: Fields = []
    for name, value in fields:
        letters = _letters(name)
        known = name in STEERING | ABOUT_THE_WAY or name.startswith(b"x-forwarded-")
        steers = letters in STEERING_LETTERS
        if steers and not known and refuse:
            raise Refusal(400, "a field looks like one that steers the message")
        about_the_way = letters in WAY_LETTERS or letters.startswith(b"xforwarded")
        if known or not (steers or about_the_way):
            kept.append((name, value))
    return kept


def _length(message: Message, status: int, version: int) -> None:
    """RFC 9112 section 6.1 to 6.3, with everything refused that two recipients could read in two ways."""
    lengths, codings = message.all(b"content-length"), message.all(b"transfer-encoding")
    if codings:
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            known = status == 502 or not HTTP.matches("transfer-codings", b",".join(codings))
            raise Refusal(status if known else 501, "the only Transfer-Encoding is chunked, once")
        if lengths:
            raise Refusal(status, "Transfer-Encoding beside Content-Length")
        if version == 10:
            raise Refusal(status, "Transfer-Encoding in HTTP/1.0")
        message.framing, message.length = "chunked", -1
    elif lengths:
        if len(lengths) > 1:
            raise Refusal(status, "Content-Length once")
        if not HTTP.matches("Content-Length", lengths[0]) or len(lengths[0]) > 18:
            raise Refusal(status, "Content-Length = 1*DIGIT")
        message.framing, message.length = "length", int(lengths[0])


def _persistence(message: Message) -> None:
    """RFC 9112 section 9.3."""
    options = message.connection
    message.persistent = b"close" not in options and (message.version == 11 or b"keep-alive" in options)


def _body(cursor: _Cursor, message: Message, status: int) -> None:
    if message.framing == "length":
        message.body = cursor.take(message.length)
    elif message.framing == "chunked":
        message.body = _chunks(cursor, status)
        message.trailers = _trailers(cursor, status)


def _chunks(cursor: _Cursor, status: int) -> bytes:
    """*chunk last-chunk (RFC 9112 section 7.1)"""
    body = b""
    extensions = 0
    while True:
        line = cursor.line(16 + CHUNK_EXTENSIONS, Refusal(status, "chunk line too long"))
        if not HTTP.matches("chunk-line", line):
            raise Refusal(status, "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF")
        digits = next((i for i, octet in enumerate(line) if octet not in b"0123456789abcdefABCDEF"), len(line))
        if digits > 16 or int(line[:digits], 16) >= 1 << 62:
            raise Refusal(status, "chunk-size is out of range")
        extensions += len(line) - digits
        if extensions > MESSAGE_EXTENSIONS:
            raise Refusal(status, "chunk extensions: 16 KiB in a message")
        size = int(line[:digits], 16)
        if not size:
            return body
        body += cursor.take(size)
        if cursor.line(0, Refusal(status, "chunk-data longer than chunk-size")):
            raise Refusal(status, "chunk-data longer than chunk-size")


def _trailers(cursor: _Cursor, status: int) -> Fields:
    """trailer-section = *( field-line CRLF ), never with a field that steers the message (RFC 9110 section 6.5.1)."""
    start = cursor.at
    trailers: Fields = []
    while True:
        left = TRAILERS - (cursor.at - start)
        line = cursor.line(max(left - 2, 0), Refusal(status, "trailer section too long"))
        if not line:
            return trailers
        name, value = _field(line, status)
        if _letters(name) in TRAILER_LETTERS or _letters(name).startswith(b"xforwarded"):
            raise Refusal(status, f"{name.decode()} in a trailer")
        trailers.append((name, value))
