"""As `direct`, with the same codecs, but the exchange is a coroutine, run as one task per request."""

import asyncio
import socket
from collections import deque

from benchmarks.micro.seam.common import Address, Answer, route, served, sign
from benchmarks.micro.seam.connections import Client, Proxy, Upstream
from benchmarks.micro.seam.direct import ClientCodec, ServerCodec
from proxy.protocol.message import Request


class TaskExchange:
    """One request and its answer. What the codec delivers waits in a queue; an entry of None is the end."""

    __slots__ = ("_arrived", "_client", "_connection", "_request", "_waiting")

    def __init__(self, client: Client[ServerCodec, ClientCodec], request: Request) -> None:
        self._client = client
        self._request = request
        self._connection: Upstream[ClientCodec] | None = None
        self._arrived: deque[Answer | bytes | None] = deque()
        self._waiting: asyncio.Future[None] | None = None

    async def run(self) -> None:
        client, request = self._client, self._request
        rule = route(request)
        sign(request, client.fields)
        client.exchange = self
        idle = client.proxy.idle
        connection = self._connection = idle.pop() if idle else await client.proxy.connect()
        connection.codec.send(request, self)
        answer = await self._next()
        assert isinstance(answer, Answer)
        client.codec.send_head(answer)
        octets = 0
        while (chunk := await self._next()) is not None:
            assert isinstance(chunk, bytes)
            octets += len(chunk)
            client.codec.send_data(chunk)
            if not self._arrived:
                client.codec.flush()
        served[rule, answer.status] += 1
        self._connection = client.exchange = None
        client.codec.send_end()

    async def _next(self) -> Answer | bytes | None:
        while not self._arrived:
            self._waiting = self._client.proxy.loop.create_future()
            await self._waiting
        return self._arrived.popleft()

    # --- the sink of the client codec --------------------------------------------------------

    def on_head(self, answer: Answer) -> None:
        self._put(answer)

    def on_data(self, chunk: bytes) -> None:
        self._put(chunk)

    def on_idle(self) -> None: ...

    def on_end(self) -> None:
        self._put(None)

    def _put(self, item: Answer | bytes | None) -> None:
        self._arrived.append(item)
        if self._waiting is not None:
            self._waiting.set_result(None)
            self._waiting = None

    def on_blocked(self, blocked: bool) -> None:
        if self._connection is not None:
            self._connection.hold(blocked)


def server_codec(client: Client[ServerCodec, ClientCodec]) -> ServerCodec:
    running: set[asyncio.Task[None]] = set()

    def start(request: Request) -> None:
        # The event loop keeps no task alive by itself.
        task = client.proxy.loop.create_task(TaskExchange(client, request).run())
        running.add(task)
        task.add_done_callback(running.discard)

    return ServerCodec(start)


async def serve(sock: socket.socket, address: Address) -> None:
    await Proxy(address, server_codec, ClientCodec).serve(sock)
