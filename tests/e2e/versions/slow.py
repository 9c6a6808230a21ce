"""A narrow place between two ends of a connection, whatever they speak: octets one way stand still, again and again."""

import asyncio
from collections.abc import Callable
from typing import Self

ROUNDS = 5


class Narrows:
    """Passes connections on to `port`. What goes towards the slow end stands still until the fast end is stuck, five
    times over; what comes back passes at once.

    `fast`: octets that the fast end has got rid of. `size`: of how many. `back`: the slow end is the one that connects.
    """

    def __init__(self, port: int, size: int, fast: Callable[[], int], *, back: bool) -> None:
        self._to = port
        self._size = size
        self._fast = fast
        self._back = back
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to)
        there, back = (reader, to_writer), (to_reader, writer)
        slow, quick = (back, there) if self._back else (there, back)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._trickle(*slow))
                group.create_task(pump(*quick))
        except* ConnectionError:
            pass
        finally:
            writer.close()
            to_writer.close()

    async def _trickle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        for number in range(1, ROUNDS + 1):
            await self._stuck()
            while passed < self._size * number // ROUNDS:
                piece = await reader.read(1 << 18)
                if not piece:
                    return
                passed += len(piece)
                writer.write(piece)
                await writer.drain()
        await pump(reader, writer)

    async def _stuck(self) -> None:
        """The fast end gets rid of nothing any more. Before it has begun, that says nothing."""
        before = 0
        while self._fast() != before or not before:
            before = self._fast()
            await asyncio.sleep(0.02)

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(1 << 18):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()
