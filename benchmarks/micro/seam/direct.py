"""Penstock's way: codecs without I/O call an exchange, the exchange calls the codecs, nothing waits.

Counted bodies are handed on as they were received, chunked ones are decoded by our own `ChunkedDecoder`.
"""

import socket
from collections.abc import Callable
from typing import Protocol

from benchmarks.micro.seam.common import END, Address, Answer, Refused, parse_answer, parse_request, route, served, sign
from benchmarks.micro.seam.connections import Client, Proxy, Released, Upstream, Writer
from proxy.errors import MalformedResponse
from proxy.protocol.framing import ChunkedDecoder
from proxy.protocol.http1.encode import JOIN_BELOW, LAST_CHUNK, encode_chunk, encode_request, encode_response
from proxy.protocol.message import Request


class Sink(Protocol):
    """Receives one answer from a client codec."""

    def on_head(self, answer: Answer) -> None: ...

    def on_data(self, chunk: bytes) -> None: ...

    def on_idle(self) -> None: ...

    def on_end(self) -> None: ...


class ServerCodec:
    """Requests come in, answers go out."""

    __slots__ = ("_buffer", "_chunked", "_out", "_start", "_write", "_writelines")

    def __init__(self, start: Callable[[Request], object]) -> None:
        self._start = start
        self._buffer = b""
        self._chunked = False
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
        self._start(parse_request(data))

    def send_head(self, answer: Answer) -> None:
        self._chunked = answer.chunked
        framing = (b"transfer-encoding: chunked",) if answer.chunked else ()
        self._out.append(encode_response(answer, framing))

    def send_data(self, chunk: bytes) -> None:
        self._out.append(encode_chunk(chunk) if self._chunked else chunk)

    def send_end(self) -> None:
        if self._chunked:
            self._out.append(LAST_CHUNK)
        self.flush()

    def flush(self) -> None:
        out, self._out = self._out, []
        if len(out) == 1:
            self._write(out[0])
        elif out and len(out[1]) < JOIN_BELOW:
            self._write(b"".join(out))
        elif out:
            self._writelines(out)


class ClientCodec:
    """A request goes out, its answer comes in."""

    __slots__ = ("_buffer", "_decoder", "_left", "_sink", "_write", "released")

    def __init__(self, released: Released) -> None:
        self.released = released
        self._buffer = b""
        self._left = 0
        self._decoder: ChunkedDecoder | None = None
        self._sink: Sink | None = None

    def connected(self, writer: Writer) -> None:
        self._write = writer.write

    def send(self, request: Request, sink: Sink) -> None:
        self._sink = sink
        self._write(encode_request(request, True))

    def feed(self, data: bytes) -> None:
        sink = self._sink
        if sink is None:
            raise Refused("an answer that nobody asked for")
        if not self._left and self._decoder is None:
            data = self._head(data, sink)
            if not data:
                return
        if self._decoder is not None:
            data = self._decoder.feed(data)
            done = self._decoder.done
        else:
            self._left -= len(data)
            done = not self._left
        if data:
            sink.on_data(data)
        if not done:
            sink.on_idle()
            return
        self._sink = self._decoder = None
        self.released()
        sink.on_end()

    def _head(self, data: bytes, sink: Sink) -> bytes:
        """Takes a head off; returns what follows it."""
        data = self._buffer + data if self._buffer else data
        end = data.find(END) + len(END)
        if end < len(END):
            self._buffer = data
            return b""
        self._buffer = b""
        answer = parse_answer(data[:end])
        if answer.chunked:
            self._decoder = ChunkedDecoder(MalformedResponse, 256, 8192)
        else:
            self._left = answer.content_length
        sink.on_head(answer)
        return data[end:]


class Exchange:
    """One request and its answer."""

    __slots__ = ("_client", "_connection", "_request", "_rule", "octets", "status")

    def __init__(self, client: Client[ServerCodec, ClientCodec], request: Request) -> None:
        self._client = client
        self._request = request
        self._connection: Upstream[ClientCodec] | None = None
        self.status = self.octets = 0
        self._rule = route(request)
        sign(request, client.fields)
        client.exchange = self
        if client.proxy.idle:
            self.on_connected(client.proxy.idle.pop())
        else:
            client.proxy.dial(self.on_connected)

    def on_connected(self, connection: Upstream[ClientCodec]) -> None:
        self._connection = connection
        connection.codec.send(self._request, self)

    def on_head(self, answer: Answer) -> None:
        self.status = answer.status
        self._client.codec.send_head(answer)

    def on_data(self, chunk: bytes) -> None:
        self.octets += len(chunk)
        self._client.codec.send_data(chunk)

    def on_idle(self) -> None:
        self._client.codec.flush()

    def on_end(self) -> None:
        served[self._rule, self.status] += 1
        self._connection = self._client.exchange = None
        self._client.codec.send_end()

    def on_blocked(self, blocked: bool) -> None:
        if self._connection is not None:
            self._connection.hold(blocked)


def server_codec(client: Client[ServerCodec, ClientCodec]) -> ServerCodec:
    return ServerCodec(lambda request: Exchange(client, request))


async def serve(sock: socket.socket, address: Address) -> None:
    await Proxy(address, server_codec, ClientCodec).serve(sock)
