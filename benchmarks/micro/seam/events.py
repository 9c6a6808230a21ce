"""As `direct`, but what crosses the seam are events: frozen dataclasses, told apart by `isinstance`.

The codecs hand events to the exchange and it hands them on, as in h11, hypercorn and mitmproxy, in the form that
costs least: an event is handed on as it came, and one of a head says whether a body follows. Left out beside what
all leave out: chunked answers.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.micro.seam.common import END, Address, Answer, Refused, parse_answer, parse_request, route, served, sign
from benchmarks.micro.seam.connections import Client, Proxy, Released, Upstream, Writer
from proxy.protocol.http1.encode import JOIN_BELOW, encode_request, encode_response
from proxy.protocol.message import Request


@dataclass(frozen=True, slots=True)
class RequestHead:
    request: Request
    end: bool


@dataclass(frozen=True, slots=True)
class AnswerHead:
    answer: Answer


@dataclass(frozen=True, slots=True)
class Data:
    chunk: bytes


@dataclass(frozen=True, slots=True)
class Idle:
    """All that has arrived was delivered."""


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """The answer is whole."""


Event = RequestHead | AnswerHead | Data | Idle | AnswerEnd
Handle = Callable[[Event], None]


class EventServerCodec:
    """Requests come in, answers go out."""

    __slots__ = ("_buffer", "_out", "_start", "_write", "_writelines")

    def __init__(self, start: Callable[[], Handle]) -> None:
        self._start = start
        self._buffer = b""
        self._out: list[bytes] = []

    def connected(self, writer: Writer) -> None:
        self._write = writer.write
        self._writelines = writer.writelines

    def feed(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        if data.find(END) != len(data) - len(END):
            self._buffer = data
            return
        self._buffer = b""
        handle = self._start()
        handle(RequestHead(parse_request(data), True))

    def send(self, event: Event) -> None:
        if isinstance(event, Data):
            self._out.append(event.chunk)
        elif isinstance(event, AnswerHead):
            self._out.append(encode_response(event.answer))
        elif isinstance(event, AnswerEnd | Idle):
            self._flush()

    def _flush(self) -> None:
        out, self._out = self._out, []
        if len(out) == 1:
            self._write(out[0])
        elif out and len(out[1]) < JOIN_BELOW:
            self._write(b"".join(out))
        elif out:
            self._writelines(out)


class EventClientCodec:
    """A request goes out, its answer comes in."""

    __slots__ = ("_buffer", "_left", "_released", "_write", "handle")

    def __init__(self, released: Released) -> None:
        self._released = released
        self._buffer = b""
        self._left = 0
        self.handle: Handle | None = None

    def connected(self, writer: Writer) -> None:
        self._write = writer.write

    def send(self, event: Event) -> None:
        if isinstance(event, RequestHead):
            self._write(encode_request(event.request, event.end))
        else:
            raise Refused("a request body")

    def feed(self, data: bytes) -> None:
        handle = self.handle
        if handle is None:
            raise Refused("an answer that nobody asked for")
        if not self._left:
            data = self._head(data, handle)
            if not data:
                return
        self._left -= len(data)
        handle(Data(data))
        if self._left:
            handle(Idle())
            return
        self.handle = None
        self._released()
        handle(AnswerEnd())

    def _head(self, data: bytes, handle: Handle) -> bytes:
        """Takes a head off; returns what follows it."""
        data = self._buffer + data if self._buffer else data
        end = data.find(END) + len(END)
        if end < len(END):
            self._buffer = data
            return b""
        self._buffer = b""
        answer = parse_answer(data[:end])
        self._left = answer.content_length
        handle(AnswerHead(answer))
        return data[end:]


class EventExchange:
    """One request and its answer."""

    __slots__ = ("_client", "_connection", "_head", "_rule", "octets", "status")

    def __init__(self, client: Client[EventServerCodec, EventClientCodec]) -> None:
        self._client = client
        self._connection: Upstream[EventClientCodec] | None = None
        self.status = self.octets = 0
        client.exchange = self

    def handle(self, event: Event) -> None:
        if isinstance(event, RequestHead):
            self._begin(event)
        elif isinstance(event, AnswerHead):
            self.status = event.answer.status
            self._client.codec.send(event)
        elif isinstance(event, Data):
            self.octets += len(event.chunk)
            self._client.codec.send(event)
        elif isinstance(event, Idle):
            self._client.codec.send(event)
        elif isinstance(event, AnswerEnd):
            served[self._rule, self.status] += 1
            self._connection = self._client.exchange = None
            self._client.codec.send(event)

    def _begin(self, event: RequestHead) -> None:
        self._rule = route(event.request)
        sign(event.request, self._client.fields)
        self._head = event
        proxy = self._client.proxy
        if proxy.idle:
            self.on_connected(proxy.idle.pop())
        else:
            proxy.dial(self.on_connected)

    def on_connected(self, connection: Upstream[EventClientCodec]) -> None:
        self._connection = connection
        connection.codec.handle = self.handle
        connection.codec.send(self._head)

    def on_blocked(self, blocked: bool) -> None:
        if self._connection is not None:
            self._connection.hold(blocked)


def server_codec(client: Client[EventServerCodec, EventClientCodec]) -> EventServerCodec:
    return EventServerCodec(lambda: EventExchange(client).handle)


async def serve(sock: socket.socket, address: Address) -> None:
    await Proxy(address, server_codec, EventClientCodec).serve(sock)
