"""What the prototypes share: reading heads, the one rule, the forwarding fields, the counters."""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

from httptools import HttpRequestParser, HttpResponseParser

from proxy.protocol.message import Headers, Request, Response

Address = tuple[str, int]
Serve = Callable[[socket.socket, Address], Awaitable[None]]
"""Accept on a listening socket and forward everything to the endpoint. Returns once it accepts."""

READ = 256 * 1024
"""Octets of one read at most: uvloop's buffer, and what the streams may hold."""
END = b"\r\n\r\n"
_VIA = (b"via", b"1.1 seam")
_RULES: dict[bytes, tuple[tuple[bytes, str], ...]] = {b"bench.example.com": ((b"/", "bench/all"),)}
_FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding", b"upgrade"})
_ORDINARY: dict[bytes, bytes] = {}
"""Other names as received to their lower-case form."""
served: Counter[tuple[str, int]] = Counter()
"""Requests by rule and status."""


class Refused(Exception):
    """A message that these prototypes do not take."""


class Fields:
    """One header section, as llhttp reports it."""

    __slots__ = ("framing", "headers", "hosts")

    def __init__(self) -> None:
        self.headers: Headers = []
        self.hosts: list[bytes] = []
        self.framing: Headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = _ORDINARY.get(name)
        if lower is not None:
            self.headers.append((lower, value))
            return
        lower = name.lower()
        if lower == b"host":
            self.hosts.append(value)
        elif lower in _FRAMING:
            self.framing.append((lower, value))
        else:
            _ORDINARY[name] = lower
            self.headers.append((lower, value))


def read_fields(parser: type[HttpRequestParser] | type[HttpResponseParser], head: bytes) -> Fields:
    """The fields of a whole head."""
    if head.find(b" \r\n") >= 0 or head.find(b"\t\r\n") >= 0:
        raise Refused("white space at the end of a line")  # which llhttp would leave in the value
    fields = Fields()
    parser(fields).feed_data(head)
    return fields


class Answer(Response):
    """A response head that knows how its body is framed."""

    __slots__ = ("chunked",)

    chunked: bool


def parse_request(head: bytes) -> Request:
    """A whole head."""
    method, target, _ = head[: head.find(b"\r\n")].split(b" ")
    return request_of(method, target, read_fields(HttpRequestParser, head))


def request_of(method: bytes, target: bytes, fields: Fields) -> Request:
    if len(fields.hosts) != 1 or any(name != b"connection" for name, _ in fields.framing):
        raise Refused("a request with one Host and no body is taken")
    request = Request()
    request.method = method
    request.path, question, query = target.partition(b"?")
    request.raw_path = request.path
    request.query = query if question else None
    request.host = fields.hosts[0].lower()
    request.headers = fields.headers
    request.headers.insert(0, (b"host", fields.hosts[0]))
    return request


def parse_answer(head: bytes) -> Answer:
    """A whole head."""
    return answer_of(int(head[9:12]), read_fields(HttpResponseParser, head))


def answer_of(status: int, fields: Fields) -> Answer:
    answer = Answer(status, fields.headers, -1)
    answer.chunked = False
    for name, value in fields.framing:
        if name == b"content-length":
            answer.content_length = int(value)
            answer.headers.append((name, value))
        elif name == b"transfer-encoding":
            answer.chunked = True
    if answer.content_length < 1 and not answer.chunked:
        raise Refused("an answer has a body with a length, or is chunked")
    return answer


def route(request: Request) -> str:
    """The rule that takes the request."""
    for prefix, rule in _RULES[request.host]:
        if request.path.startswith(prefix):
            return rule
    raise Refused("no rule")


def sign(request: Request, client: Headers) -> None:
    """Put the forwarding fields on."""
    request.headers += client
    request.headers.append(_VIA)


def client_fields(transport: asyncio.BaseTransport) -> Headers:
    peer = transport.get_extra_info("peername")
    return [(b"x-forwarded-for", peer[0].encode()), (b"x-forwarded-proto", b"http")]
