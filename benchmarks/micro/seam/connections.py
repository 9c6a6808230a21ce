"""The event loop's side of `direct`, `callbacks`, `events` and `tasks`: connections around their codecs."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar, cast

from benchmarks.micro.seam.common import Address, client_fields

Released = Callable[[], None]
"""Called when an answer is whole and its connection may carry another."""


class Writer(Protocol):
    """What a codec needs of a transport."""

    def write(self, data: bytes) -> object: ...

    def writelines(self, list_of_data: Iterable[bytes]) -> object: ...


class Nowhere:
    """For an answer whose client has gone: the endpoint's connection stays good."""

    def write(self, data: bytes) -> None: ...

    def writelines(self, list_of_data: Iterable[bytes]) -> None: ...


class Codec(Protocol):
    @property
    def feed(self) -> Callable[[bytes], None]: ...

    def connected(self, writer: Writer) -> None:
        """What is written goes there."""


class Blockable(Protocol):
    def on_blocked(self, blocked: bool) -> None:
        """The client reads slower than we write, or does so no longer."""


S = TypeVar("S", bound=Codec)
C = TypeVar("C", bound=Codec)


class Client(asyncio.Protocol, Generic[S, C]):
    """A connection from a client."""

    def __init__(self, proxy: "Proxy[S, C]") -> None:
        self.proxy = proxy
        self.exchange: Blockable | None = None
        self.codec: S = proxy.server_codec(self)
        self.data_received = self.codec.feed  # type: ignore[assignment,method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.fields = client_fields(transport)
        self.codec.connected(cast(asyncio.Transport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self.codec.connected(Nowhere())
        self.resume_writing()

    def pause_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.on_blocked(True)

    def resume_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.on_blocked(False)


class Upstream(asyncio.Protocol, Generic[C]):
    """A connection to the endpoint."""

    def __init__(self, proxy: "Proxy[Any, C]") -> None:
        self._proxy = proxy
        self._held = False
        self.codec: C = proxy.client_codec(self._released)
        self.data_received = self.codec.feed  # type: ignore[assignment,method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.codec.connected(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._proxy.idle:
            self._proxy.idle.remove(self)

    def _released(self) -> None:
        if self._held:
            self.hold(False)
        self._proxy.idle.append(self)

    def hold(self, held: bool) -> None:
        """Read nothing for now, or read on."""
        if held != self._held:
            self._held = held
            if held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()


class Proxy(Generic[S, C]):
    """Everything one process needs to serve."""

    def __init__(
        self,
        address: Address,
        server_codec: Callable[[Client[S, C]], S],
        client_codec: Callable[[Released], C],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.server_codec = server_codec
        self.client_codec = client_codec
        self.idle: list[Upstream[C]] = []
        self._address = address
        self._dialing: set[asyncio.Task[None]] = set()

    async def connect(self) -> Upstream[C]:
        _, connection = await self.loop.create_connection(lambda: Upstream(self), *self._address)
        return connection

    def dial(self, then: Callable[[Upstream[C]], None]) -> None:
        async def run() -> None:
            then(await self.connect())

        task = self.loop.create_task(run())
        self._dialing.add(task)
        task.add_done_callback(self._dialing.discard)

    async def serve(self, sock: socket.socket) -> None:
        await self.loop.create_server(lambda: Client(self), sock=sock)
