"""The two ends of the wire: an endpoint that does what a script says, and a client that hides nothing.

Both work on raw sockets and see every octet, how a connection ended, and in which order.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Self

from tests.oracle import grammar
from tests.patience import PATIENCE


class Ended(Exception):
    """The other side closed (`fin`) or reset the connection while octets were awaited."""

    def __init__(self, how: str, so_far: bytes) -> None:
        super().__init__(how, so_far)
        self.how = how


class Peer:
    """One TCP connection, seen from our side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.received = b""
        """All octets that have come, in order."""
        self.how = ""
        """How the other side ended: "" while open, then fin or reset."""
        self._used = 0

    # --- sending --------------------------------------------------------------------------------

    async def send(self, data: bytes) -> Self:
        if self._writer.is_closing():  # uvloop takes a write from then on for a mistake
            self.how = self.how or "reset"
            return self
        self._writer.write(data)
        try:
            await asyncio.wait_for(self._writer.drain(), PATIENCE)
        except ConnectionError:
            self.how = self.how or "reset"
        return self

    def finish(self) -> Self:
        """Half-close: no more from us, but we read on."""
        self._writer.write_eof()
        return self

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """RST instead of FIN."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    # --- receiving ------------------------------------------------------------------------------

    async def more(self) -> bool:
        """Wait for octets; False at the end."""
        try:
            piece = await asyncio.wait_for(self._reader.read(1 << 18), PATIENCE)
        except ConnectionError:
            self.how = "reset"
            return False
        self.received += piece
        if not piece:
            self.how = self.how or "fin"
        return bool(piece)

    async def until(self, mark: bytes) -> bytes:
        """All that is new up to and with `mark`."""
        while (at := self.received.find(mark, self._used)) < 0:
            if not await self.more():
                raise Ended(self.how, self.received[self._used :])
        start, self._used = self._used, at + len(mark)
        return self.received[start : self._used]

    async def to_the_end(self) -> bytes:
        """All that is new until the other side ends; `how` says how."""
        while await self.more():
            pass
        start, self._used = self._used, len(self.received)
        return self.received[start:]

    async def request(self) -> grammar.Request:
        """The next request, read as strictly as the RFC reads it."""
        while True:
            stream = grammar.read_requests(self.received[self._used :])
            assert stream.refusal is None, (stream.refusal, self.received[self._used :])
            if stream.messages:
                message = stream.messages[0]
                assert isinstance(message, grammar.Request)
                rest = grammar.read_requests(self.received[self._used :])
                left = rest.rest if len(rest.messages) == 1 else self._behind_first()
                self._used = len(self.received) - len(left)
                return message
            if not await self.more():
                raise Ended(self.how, self.received[self._used :])

    def _behind_first(self) -> bytes:
        """What follows the first of several requests."""
        data = self.received[self._used :]
        for end in range(1, len(data) + 1):
            if grammar.read_requests(data[:end]).messages:
                return data[end:]
        raise AssertionError("no request")

    async def response(self, method: bytes = b"GET") -> grammar.Response:
        """The next final response; the interim ones before it are in `interim`."""
        while True:
            ended = bool(self.how)
            data = self.received[self._used :]
            stream = grammar.read_response(data, method, ended=ended, upgrade=True)
            assert stream.refusal is None, (stream.refusal, data)
            messages = [message for message in stream.messages if isinstance(message, grammar.Response)]
            if messages and (messages[-1].status >= 200 or messages[-1].status == 101):
                self._used = len(self.received) - len(stream.rest)
                self.interim = messages[:-1]
                return messages[-1]
            if not await self.more() and ended:
                raise Ended(self.how, data)

    interim: list[grammar.Response]


Script = Callable[[Peer], Awaitable[None]]
"""What an endpoint does with one connection."""


async def answers_everything(peer: Peer) -> None:
    """An endpoint in good order: every request gets a 200 that names its path."""
    while True:
        try:
            request = await peer.request()
        except Ended:
            return
        await peer.send(ok(b"path=" + request.path, request.method))


def ok(body: bytes = b"", method: bytes = b"GET", *fields: bytes) -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *fields, b"", b""])
    return head if method == b"HEAD" else head + body


class Backend:
    """An endpoint: listens, and runs the script for each connection."""

    def __init__(self, *scripts: Script, host: str = "127.0.0.1", secure: ssl.SSLContext | None = None) -> None:
        """The n-th connection runs the n-th script, all further ones the last. `secure`: it speaks TLS."""
        self._secure = secure
        self._scripts = scripts or (answers_everything,)
        self._host = host
        self.peers: list[Peer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=self._secure)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
        self.peers.append(peer)
        self._tasks.append(asyncio.get_running_loop().create_task(self._run(script, peer)))

    async def _run(self, script: Script, peer: Peer) -> None:
        try:
            await script(peer)
        except Ended:
            pass
        finally:
            peer.close()

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for peer in self.peers:
            peer.close()
        for task in self._tasks:
            task.cancel()
        failed = [
            outcome
            for outcome in await asyncio.gather(*self._tasks, return_exceptions=True)
            if isinstance(outcome, Exception)
        ]
        await self._server.wait_closed()
        if failed and exc[0] is None:
            raise failed[0]

    @property
    def requests(self) -> list[grammar.Request]:
        """Every whole request of every connection. What is not sound HTTP fails the test."""
        found: list[grammar.Request] = []
        for peer in self.peers:
            stream = grammar.read_requests(peer.received)
            assert stream.refusal is None, (stream.refusal, peer.received)
            found += [message for message in stream.messages if isinstance(message, grammar.Request)]
        return found


async def connect(port: int, host: str = "127.0.0.1", *, receive_buffer: int = 0) -> Peer:
    """A client. A small receive buffer makes it slow for whoever sends much."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
    except OSError:
        sock.close()
        raise
    reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
    return Peer(reader, writer)
