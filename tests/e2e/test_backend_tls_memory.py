"""Back-pressure over TLS to an endpoint: 200 MiB between a fast and a slow side, and a gateway that stays small."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.certificates import Authority, server_side
from tests.e2e.test_memory import ALLOWED, MIB, SIZE, gateway_process, resident

PIECE = bytes(MIB // 4)
ROOT = Authority()

Endpoint = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_slowly(reader: asyncio.StreamReader, sent: list[int]) -> None:
    """Stands still until the other side is stuck, five times over."""
    taken = 0
    for round_ in range(1, 6):
        seen = -1
        while sent[0] != seen:
            seen = sent[0]
            await asyncio.sleep(0.02)
        while taken < SIZE * round_ // 5:
            taken += len(await reader.read(MIB // 4))


async def write(writer: asyncio.StreamWriter, sent: list[int]) -> None:
    for _ in range(SIZE // len(PIECE)):
        writer.write(PIECE)
        await writer.drain()
        sent[0] += len(PIECE)


async def test_an_upload_to_a_slow_endpoint(tmp_path: Path) -> None:
    sent = [0]

    async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await read_slowly(reader, sent)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    async with serving(endpoint, tmp_path) as (pid, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        before = resident(pid, "VmRSS")
        writer.write(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await write(writer, sent)
        assert b" 204 " in await reader.readuntil(b"\r\n\r\n")
        assert resident(pid, "VmHWM") - before < ALLOWED
        writer.close()


async def test_a_download_to_a_slow_client(tmp_path: Path) -> None:
    sent = [0]

    async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await write(writer, sent)
        await reader.read()
        writer.close()

    async with serving(endpoint, tmp_path) as (pid, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MIB // 4)
        before = resident(pid, "VmRSS")
        writer.write(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await read_slowly(reader, sent)
        assert sent[0] == SIZE
        assert resident(pid, "VmHWM") - before < ALLOWED
        writer.close()


@asynccontextmanager
async def serving(endpoint: Endpoint, folder: Path) -> AsyncIterator[tuple[int, int]]:
    """(pid, port) of a gateway before an endpoint that speaks TLS."""
    (folder / "ca.crt").write_bytes(ROOT.pem)
    context = server_side(ROOT.issues("one.example"))
    server = await asyncio.start_server(endpoint, "127.0.0.1", 0, ssl=context, limit=MIB // 4)
    async with server, gateway_process(server.sockets[0].getsockname()[1], "backend-tls", str(folder / "ca.crt")) as it:
        yield it
