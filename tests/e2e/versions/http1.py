"""HTTP/1.1 by h11, both ends."""

import asyncio
import ssl
from collections.abc import Sequence

import h11

from tests.e2e.versions.conversation import Answered, Asked, Client, Endpoint, Fields, Inward, Talk


class Http1Talk(Talk):
    def __init__(self, client: "Http1Client") -> None:
        super().__init__()
        self._client = client

    async def send(self, data: bytes) -> None:
        await self._client.send(h11.Data(data=data))

    async def end(self, trailers: Fields | None = None) -> None:
        await self._client.send(h11.EndOfMessage(headers=trailers or []))

    async def leave(self) -> None:
        self._client.writer.transport.abort()


class Http1Client(Client):
    """One exchange after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._reader = reader
        self._h11 = h11.Connection(h11.CLIENT)
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, port: int, secure: ssl.SSLContext | None = None) -> "Http1Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=secure))

    async def ask(
        self, method: bytes, path: bytes, fields: Sequence[tuple[bytes, bytes]] = (), *, end: bool = True
    ) -> Http1Talk:
        if self._reading is not None:
            await self._reading
            self._h11.start_next_cycle()
        more = (
            [] if end or any(name == b"content-length" for name, _ in fields) else [(b"transfer-encoding", b"chunked")]
        )
        talk = Http1Talk(self)
        self._reading = asyncio.create_task(self._read(talk))
        headers = [(b"host", b"a.example"), *fields, *more]
        await self.send(h11.Request(method=method, target=path, headers=headers))
        if end:
            await self.send(h11.EndOfMessage())
        return talk

    async def send(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def _read(self, talk: Http1Talk) -> None:
        answer: Answered | None = None
        while True:
            try:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    self._h11.receive_data(await self._reader.read(1 << 16))
                    continue
            except (h11.RemoteProtocolError, ConnectionError):
                talk.fails()
                return
            if isinstance(event, h11.InformationalResponse):
                talk.interim.append(event.status_code)
            elif isinstance(event, h11.Response):
                answer = Answered(event.status_code, list(event.headers))
                talk.answered(answer)
            elif isinstance(event, h11.Data) and answer is not None:
                answer.comes(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and answer is not None:
                answer.ends(list(event.headers))
                if self._h11.their_state is h11.MUST_CLOSE:
                    self.writer.close()
                return
            else:
                talk.fails()
                return

    async def close(self) -> None:
        self.writer.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)


class Http1Inward(Inward):
    def __init__(self, connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
        self._h11 = connection
        self._writer = writer
        self.over = asyncio.Event()

    async def _send(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def interim(self, status: int, fields: Fields) -> None:
        await self._send(h11.InformationalResponse(status_code=status, headers=fields))

    async def head(self, status: int, fields: Fields) -> None:
        await self._send(h11.Response(status_code=status, headers=fields))

    async def send(self, data: bytes) -> None:
        await self._send(h11.Data(data=data))

    async def end(self, trailers: Fields | None) -> None:
        await self._send(h11.EndOfMessage(headers=trailers or []))
        self.over.set()

    async def cut(self) -> None:
        self._writer.transport.abort()
        self.over.set()

    async def hang_up(self) -> None:
        self._writer.close()
        self.over.set()


async def _until_over(inward: Http1Inward, reader: asyncio.StreamReader) -> bytes | None:
    """The answer is out, and this has come of the next request; None when its client has gone before."""
    over = asyncio.create_task(inward.over.wait())
    end = asyncio.create_task(reader.read(1 << 16))
    await asyncio.wait((over, end), return_when=asyncio.FIRST_COMPLETED)
    for task in (over, end):
        task.cancel()
    _, data = await asyncio.gather(over, end, return_exceptions=True)
    if not inward.over.is_set():
        return None
    return data if isinstance(data, bytes) else b""


class Http1Endpoint(Endpoint):
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        incoming: Asked | None = None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(1 << 16)
                if not data and incoming is not None:
                    incoming.is_cut()
                    incoming.left.set()
                if not data:
                    return
                connection.receive_data(data)
            elif isinstance(event, h11.Request):
                inward = Http1Inward(connection, writer)
                incoming = Asked(event.method, event.target, list(event.headers), inward)
                self.asked.put_nowait(incoming)
            elif isinstance(event, h11.Data) and incoming is not None:
                incoming.comes(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and incoming is not None:
                incoming.ends(list(event.headers))
                early = await _until_over(inward, reader)
                if early is None:
                    incoming.left.set()
                    return
                incoming = None
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
                if early:
                    connection.receive_data(early)
            else:
                return
