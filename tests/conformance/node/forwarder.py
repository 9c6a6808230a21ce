"""TCP from one listening address to a row of endpoints, in turn."""

import asyncio
import contextlib
from typing import NamedTuple

_CHUNK = 65_536
_CONNECT = 5.0


class Endpoint(NamedTuple):
    """Where a Pod listens."""

    ip: str
    port: int


class Forwarder:
    """`endpoints` may change at any time; it counts for new connections."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def listen(self, ip: str, port: int) -> int:
        """Begin; returns the port, which the kernel has chosen if it was 0."""
        self._server = await asyncio.start_server(self._accepted, ip, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._forward(reader, writer)
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Nothing ready, or nothing that answers: the connection is closed, as a load balancer would reset it."""
        if not self.endpoints:
            return
        endpoint = self.endpoints[self._turn % len(self.endpoints)]
        self._turn += 1
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_CONNECT):
                back, forth = await asyncio.open_connection(endpoint.ip, endpoint.port)
            try:
                await asyncio.gather(_copy(reader, forth), _copy(back, writer))
            finally:
                forth.transport.abort()

    async def close(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Until the end of the stream, which is passed on: the other direction may go on."""
    while chunk := await source.read(_CHUNK):
        target.write(chunk)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
