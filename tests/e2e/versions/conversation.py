"""A client's and an endpoint's view of one exchange, alike for every HTTP version: h11 and h2 below, neither of ours.

talk = await client.ask(b"POST", b"/x", end=False)          inward = await endpoint.next()
await talk.send(b"half")                                    assert await inward.piece() == b"half"
"""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from tests.patience import PATIENCE

Fields = list[tuple[bytes, bytes]]


class Cut(Exception):
    """The other side ended before the message was whole."""


class Incoming:
    """A message as it comes: pieces of the body, then its end or a cut."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.trailers: Fields = []
        self._pieces: asyncio.Queue[bytes | Cut | None] = asyncio.Queue()

    def comes(self, piece: bytes) -> None:
        if piece:
            self._pieces.put_nowait(piece)

    def ends(self, trailers: Fields | None = None) -> None:
        self.trailers += trailers or []
        self._pieces.put_nowait(None)

    def is_cut(self) -> None:
        self._pieces.put_nowait(Cut())

    async def piece(self) -> bytes:
        """The next piece; b"" at the end. Raises Cut."""
        piece = await asyncio.wait_for(self._pieces.get(), PATIENCE)
        if isinstance(piece, Cut):
            raise piece
        if piece is None:
            self._pieces.put_nowait(None)
            return b""
        return piece

    async def body(self) -> bytes:
        """All of it. Raises Cut."""
        whole = b""
        while piece := await self.piece():
            whole += piece
        return whole

    def field(self, name: bytes) -> bytes | None:
        return dict(self.fields).get(name)


class Asked(Incoming):
    """A request, at the endpoint."""

    def __init__(self, method: bytes, path: bytes, fields: Fields, inward: "Inward") -> None:
        super().__init__(fields)
        self.method = method
        self.path = path
        self.left = asyncio.Event()
        """Nobody waits for the answer any more."""
        self._inward = inward

    async def gone(self) -> None:
        """Who asked has taken the request back, or is gone."""
        await asyncio.wait_for(self.left.wait(), PATIENCE)

    async def reply(
        self, status: int, fields: Sequence[tuple[bytes, bytes]] = (), body: bytes = b"", trailers: Fields | None = None
    ) -> None:
        """A whole answer; without trailers it says how long it is."""
        length = [] if trailers or status in (204, 304) else [(b"content-length", b"%d" % len(body))]
        await self.head(status, [*fields, *length])
        if body and self.method != b"HEAD":
            await self.send(body)
        await self.end(trailers)

    async def interim(self, status: int, fields: Fields) -> None:
        await self._inward.interim(status, fields)

    async def head(self, status: int, fields: Fields) -> None:
        await self._inward.head(status, fields)

    async def send(self, data: bytes) -> None:
        await self._inward.send(data)

    async def end(self, trailers: Fields | None = None) -> None:
        await self._inward.end(trailers)

    async def cut(self) -> None:
        """Give up in the middle of the answer."""
        await self._inward.cut()

    async def hang_up(self) -> None:
        """Close the connection in the middle of the answer, as a server does that ends."""
        await self._inward.hang_up()


class Inward(ABC):
    """Sends one answer."""

    @abstractmethod
    async def interim(self, status: int, fields: Fields) -> None: ...

    @abstractmethod
    async def head(self, status: int, fields: Fields) -> None: ...

    @abstractmethod
    async def send(self, data: bytes) -> None: ...

    @abstractmethod
    async def end(self, trailers: Fields | None) -> None: ...

    @abstractmethod
    async def cut(self) -> None: ...

    @abstractmethod
    async def hang_up(self) -> None: ...


class Answered(Incoming):
    """An answer, at the client."""

    def __init__(self, status: int, fields: Fields) -> None:
        super().__init__(fields)
        self.status = status


class Talk(ABC):
    """One exchange, at the client."""

    def __init__(self) -> None:
        self.interim: list[int] = []
        self._answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()

    async def answer(self) -> Answered:
        """Its head has come. Raises Cut."""
        return await asyncio.wait_for(asyncio.shield(self._answer), PATIENCE)

    def answered(self, answer: Answered) -> None:
        self._answer.set_result(answer)

    def fails(self) -> None:
        """Before or after the head."""
        if not self._answer.done():
            self._answer.set_exception(Cut())
            self._answer.exception()
        elif self._answer.exception() is None:
            self._answer.result().is_cut()

    @abstractmethod
    async def send(self, data: bytes) -> None: ...

    @abstractmethod
    async def end(self, trailers: Fields | None = None) -> None: ...

    @abstractmethod
    async def leave(self) -> None:
        """Take the request back."""


class Client(ABC):
    """One connection to the gateway."""

    @abstractmethod
    async def ask(
        self, method: bytes, path: bytes, fields: Sequence[tuple[bytes, bytes]] = (), *, end: bool = True
    ) -> Talk: ...

    @abstractmethod
    async def close(self) -> None: ...

    async def get(self, path: bytes, *fields: tuple[bytes, bytes]) -> Answered:
        return await (await self.ask(b"GET", path, fields)).answer()


class Endpoint(ABC):
    """A server with one queue of requests from all its connections."""

    def __init__(self, secure: ssl.SSLContext | None = None) -> None:
        """`secure`: it speaks TLS."""
        self.asked: asyncio.Queue[Asked] = asyncio.Queue()
        self._secure = secure
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def next(self) -> Asked:
        return await asyncio.wait_for(self.asked.get(), PATIENCE)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._secure)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    @abstractmethod
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
