"""What a client's connection costs while nothing happens on it, to the octet, and whatever it has carried before.

The figure for TLS is 20 KiB, of which OpenSSL 3.0 takes 14.2 alone; other versions take more. So what is held to is
what we put on top of it.
"""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

KIB, MIB = 1 << 10, 1 << 20
FEW, MANY = 20, 120
ON_TOP = 4 * KIB
"""Octets for each connection."""


class Counted:
    """A gateway in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, library: float) -> None:
        self._process = process
        self.port = port
        self.library = library
        """Octets of a TLS connection that are not ours."""

    async def in_use(self, connections: int) -> int:
        """Octets, when so many are open."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % connections)
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def counted(port: int, *options: str) -> AsyncIterator[Counted]:
    """In front of `port`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.e2e.counted_process",
        str(port),
        *options,
        env={**os.environ, "PYTHONMALLOC": "malloc"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        listening, library = (await process.stdout.readline()).split()
        yield Counted(process, int(listening), float(library))
    finally:
        process.stdin.close()
        assert await process.wait() == 0


def content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")


async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with as many octets as the path says."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(content_length(head))
            size = int(head.split(b" ")[1][1:])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
    except asyncio.IncompleteReadError:
        writer.close()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(port: int, secure: bool) -> Streams:
    context = None
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=MIB)


async def ask(client: Streams, answer: int, body: int = 0) -> None:
    reader, writer = client
    length = b"Content-Length: %d\r\n" % body if body else b""
    writer.write(b"GET /%d HTTP/1.1\r\nHost: one.example\r\nAccept: */*\r\n%b\r\n" % (answer, length) + bytes(body))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert await reader.readexactly(content_length(head)) == bytes(answer)


async def is_shaken(client: Streams) -> None:
    """No more than that."""


@pytest.mark.parametrize(
    "carries",
    [is_shaken, lambda client: ask(client, 200), lambda client: ask(client, MIB), lambda client: ask(client, 0, MIB)],
    ids=["nothing", "an answer", "a large answer", "a large request"],
)
@pytest.mark.parametrize("kind", ["clear", "tls"])
async def test_an_idle_connection(kind: str, carries: Callable[[Streams], Awaitable[None]]) -> None:
    server = await asyncio.start_server(endpoint, "127.0.0.1", limit=2 * MIB)
    async with server, counted(server.sockets[0].getsockname()[1], kind) as gateway:
        clients: list[Streams] = []
        in_use = []
        for count in (FEW, MANY):
            while len(clients) < count:
                clients.append(await connected(gateway.port, kind == "tls"))
                await carries(clients[-1])
            in_use.append(await gateway.in_use(count))
        for _, writer in clients:
            writer.transport.abort()  # a close would wait for the other side
        each = (in_use[1] - in_use[0]) / (MANY - FEW)
        assert each - gateway.library < ON_TOP
