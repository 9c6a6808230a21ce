"""The floor: octets from one socket to the other, unread. Every client has an upstream connection of its own."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from benchmarks.micro.seam.common import Address


class Half(asyncio.Protocol):
    """One of the two connections; the other one writes what this one reads."""

    def __init__(self, other: "Half | None" = None) -> None:
        self._other = other
        self._early: list[bytes] = []
        self._hand_over: Callable[[bytes], None] = self._early.append

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._other is not None:
            self.join(self._other)
            self._other.join(self)

    def join(self, other: "Half") -> None:
        self._other = other
        self._hand_over = other.transport.write
        if self._early:
            self._hand_over(b"".join(self._early))

    def data_received(self, data: bytes) -> None:
        self._hand_over(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is not None:
            self._other.transport.close()

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None:
            self._other.transport.resume_reading()


async def serve(sock: socket.socket, address: Address) -> None:
    loop = asyncio.get_running_loop()
    dialing: set[asyncio.Task[object]] = set()

    def accepted() -> Half:
        client = Half()
        task: asyncio.Task[object] = loop.create_task(loop.create_connection(lambda: Half(client), *address))
        dialing.add(task)
        task.add_done_callback(dialing.discard)
        return client

    await loop.create_server(accepted, sock=sock)
