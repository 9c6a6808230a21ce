"""As `direct`, but llhttp gets every octet: one parser for a connection, bodies through its `on_body`.

httptools says that a message has ended, but not at which octet: a parser that is given more starts the next
message by itself. Chunk extensions pass unseen, and an answer to HEAD cannot be told from one that is cut short.
"""

import socket
from collections.abc import Callable

from httptools import HttpRequestParser, HttpResponseParser

from benchmarks.micro.seam.common import Address, Fields, answer_of, request_of
from benchmarks.micro.seam.connections import Client, Proxy, Released
from benchmarks.micro.seam.direct import ClientCodec, Exchange, ServerCodec
from proxy.protocol.message import Request


class CallbackServerCodec(ServerCodec):
    """Called by httptools for the requests of a connection."""

    __slots__ = ("_fields", "_parser", "_target", "feed")

    def __init__(self, start: Callable[[Request], object]) -> None:
        super().__init__(start)
        self._target = b""
        self._fields = Fields()
        self._parser = HttpRequestParser(self)
        self.feed = self._parser.feed_data  # type: ignore[method-assign]

    def on_message_begin(self) -> None:
        self._target = b""
        self._fields = Fields()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.on_header(name, value.rstrip(b" \t"))

    def on_message_complete(self) -> None:
        self._start(request_of(self._parser.get_method(), self._target, self._fields))


class CallbackClientCodec(ClientCodec):
    """Called by httptools for the answers of a connection."""

    __slots__ = ("_fields", "_parser")

    def __init__(self, released: Released) -> None:
        super().__init__(released)
        self._fields = Fields()
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._sink is not None:
            self._sink.on_idle()

    def on_message_begin(self) -> None:
        self._fields = Fields()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        assert self._sink is not None
        self._sink.on_head(answer_of(self._parser.get_status_code(), self._fields))

    def on_body(self, chunk: bytes) -> None:
        assert self._sink is not None
        self._sink.on_data(chunk)

    def on_message_complete(self) -> None:
        sink, self._sink = self._sink, None
        assert sink is not None
        self.released()
        sink.on_end()


def server_codec(client: Client[ServerCodec, ClientCodec]) -> ServerCodec:
    return CallbackServerCodec(lambda request: Exchange(client, request))


async def serve(sock: socket.socket, address: Address) -> None:
    await Proxy(address, server_codec, CallbackClientCodec).serve(sock)
