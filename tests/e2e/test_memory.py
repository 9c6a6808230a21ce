"""Back-pressure, measured: a fast side and a slow side, 200 MiB between them, and a gateway that stays small."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

MIB = 1 << 20
SIZE = 200 * MIB
ALLOWED = 32 * MIB


@asynccontextmanager
async def gateway_process(port: int, *options: str) -> AsyncIterator[tuple[int, int]]:
    """(pid, port) of a gateway in front of `port`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.e2e.gateway_process",
        str(port),
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.pid, int(await process.stdout.readline())
    finally:
        process.stdin.close()
        assert await process.wait() == 0


def resident(pid: int, which: str) -> int:
    """VmRSS (now) or VmHWM (at most so far), in octets."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) * 1024
    raise AssertionError(which)


def listen() -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    sock.setblocking(False)
    return sock


async def read_head(sock: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while b"\r\n\r\n" not in data:
        data += await loop.sock_recv(sock, 1 << 16)
    return data.partition(b"\r\n\r\n")[2]


async def read_slowly(sock: socket.socket, so_far: int, fast: Callable[[], int]) -> None:
    """Stand still until the fast side is stuck, five times over; then read the rest."""
    loop = asyncio.get_running_loop()
    for round_ in range(1, 6):
        before = -1
        while fast() != before:
            before = fast()
            await asyncio.sleep(0.02)
        while so_far < SIZE * round_ // 5:
            so_far += len(await loop.sock_recv(sock, 1 << 18))


async def write_fast(sock: socket.socket, sent: list[int]) -> None:
    loop = asyncio.get_running_loop()
    piece = b"z" * (1 << 18)
    for _ in range(SIZE // len(piece)):
        await loop.sock_sendall(sock, piece)
        sent[0] += len(piece)


Side = Callable[[socket.socket], Awaitable[None]]


async def _exchange(client_does: Side, endpoint_does: Side) -> int:
    """How much the gateway grew."""
    loop = asyncio.get_running_loop()
    with listen() as listening:
        async with gateway_process(listening.getsockname()[1]) as (pid, port):
            with socket.socket() as client:
                client.setblocking(False)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                await loop.sock_connect(client, ("127.0.0.1", port))
                before = resident(pid, "VmRSS")

                async def endpoint() -> None:
                    sock, _ = await loop.sock_accept(listening)
                    with sock:
                        await endpoint_does(sock)

                await asyncio.gather(client_does(client), endpoint())
                return resident(pid, "VmHWM") - before


async def test_an_upload_to_a_slow_endpoint() -> None:
    sent = [0]

    async def uploads(sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await write_fast(sock, sent)
        assert b" 204 " in await loop.sock_recv(sock, 1000)

    async def reads(sock: socket.socket) -> None:
        await read_slowly(sock, len(await read_head(sock)), lambda: sent[0])
        await asyncio.get_running_loop().sock_sendall(sock, b"HTTP/1.1 204 No Content\r\n\r\n")

    assert await _exchange(uploads, reads) < ALLOWED


async def test_a_download_to_a_slow_client() -> None:
    sent = [0]

    async def downloads(sock: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(sock, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        await read_slowly(sock, len(await read_head(sock)), lambda: sent[0])

    async def sends(sock: socket.socket) -> None:
        await read_head(sock)
        await asyncio.get_running_loop().sock_sendall(sock, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await write_fast(sock, sent)

    assert await _exchange(downloads, sends) < ALLOWED
