"""A uvloop whose connections go nowhere: clients that ask over and over, an endpoint that answers.

Octets are delivered by the event loop, one call per read, as a socket delivers them, since some of the
prototypes need the loop to get on at all. What the loop takes for that is in every figure alike: `relay` shows it.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

import uvloop

from benchmarks.micro.seam.common import END, Serve
from benchmarks.micro.timing import Work

CLIENTS = 32
"""As many at once, so that a turn of the loop serves many, as it does under load."""


class Wire(asyncio.Transport):
    """One side of a connection: it delivers to `protocol`, and what that writes comes to `wrote`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any) -> None:
        super().__init__(extra={"peername": ("192.0.2.7", 40_000)})
        self._loop = loop
        self._protocol = protocol
        self._data_received = protocol.data_received  # looked up once, as uvloop does
        self._coming: list[bytes] = []
        self._reading = True
        protocol.connection_made(self)

    def deliver(self, pieces: Sequence[bytes]) -> None:
        self._coming = list(reversed(pieces))
        self._loop.call_soon(self._next)

    def _next(self) -> None:
        if self._coming and self._reading:
            piece = self._coming.pop()
            if self._coming:
                self._loop.call_soon(self._next)
            self._data_received(piece)

    def wrote(self, data: bytes) -> None:
        raise NotImplementedError

    def write(self, data: Any) -> None:
        self.wrote(data)

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.wrote(data)

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.call_soon(self._next)

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None: ...

    abort = close


class EndpointWire(Wire):
    """The endpoint: every whole request is answered."""

    answer: Sequence[bytes] = ()

    def wrote(self, data: bytes) -> None:
        if data[-len(END) :] == END:
            self.deliver(self.answer)


class ClientWire(Wire):
    """A client: asks, counts what comes back, and says when an answer is whole."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any, whole: Callable[["ClientWire"], None]) -> None:
        self._whole = whole
        self.kept: list[bytes] | None = []
        """What has come of the first answer, until its size is known."""
        self.size = 0
        self.octets = 0
        super().__init__(loop, protocol)

    def wrote(self, data: bytes) -> None:
        self.octets += len(data)
        if self.kept is not None:
            self.kept.append(bytes(data))
            if not answered(b"".join(self.kept)):
                return
            self.kept, self.size = None, self.octets
        if self.octets == self.size:
            self.octets = 0
            self._whole(self)


def answered(data: bytes) -> bool:
    """`data` holds a whole answer."""
    head, found, body = data.partition(END)
    if not found:
        return False
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) == int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])


class Memory(uvloop.Loop):
    """Runs one prototype."""

    def __init__(self, serve: Serve, request: bytes, answer: Sequence[bytes]) -> None:
        super().__init__()
        self._request = [request]
        self._answer = answer
        self._accept: Callable[[], Any] | None = None
        self._wanted = 0
        """Answers yet to come."""
        self._unasked = 0
        """Requests yet to be sent."""
        self._done: asyncio.Future[None] | None = None
        with socket.socket() as unused:
            self.run_until_complete(serve(unused, ("192.0.2.1", 8080)))
        assert self._accept is not None
        self.clients: list[ClientWire] = [ClientWire(self, self._accept(), self._next) for _ in range(CLIENTS)]

    def __del__(self) -> None:
        """It lives as long as its benchmark; it is closed with it, and nobody need be warned."""
        self.close()

    async def create_server(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        self._accept = protocol_factory
        return _Server()

    async def create_connection(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        protocol = protocol_factory()
        wire = EndpointWire(self, protocol)
        wire.answer = self._answer
        return wire, protocol

    def work(self, count: int) -> None:
        """`count` requests, each of the clients asking again as soon as it is answered."""
        self._wanted = count
        self._done = self.create_future()
        for client in self.clients[:count]:
            client.deliver(self._request)
        self._unasked = count - min(count, CLIENTS)
        self.run_until_complete(self._done)

    def _next(self, client: ClientWire) -> None:
        self._wanted -= 1
        if self._unasked:
            self._unasked -= 1
            client.deliver(self._request)
        elif not self._wanted and self._done is not None:
            self._done.set_result(None)


class _Server:
    def close(self) -> None: ...


def in_memory(serve: Serve, request: bytes, answer: Sequence[bytes]) -> Work:
    """Asks for the first answer, so that a prototype that does not work is seen before it is measured."""
    loop = Memory(serve, request, answer)
    loop.work(2 * CLIENTS)
    return loop.work
