"""Back-pressure over TLS: 200 MiB between a fast and a slow side, and a gateway that stays small."""

import asyncio
import ssl

from tests.e2e.test_memory import (
    ALLOWED,
    MIB,
    SIZE,
    gateway_process,
    listen,
    read_head,
    read_slowly,
    resident,
    write_fast,
)

PIECE = bytes(MIB // 4)


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=MIB // 4)


async def test_an_upload_to_a_slow_endpoint() -> None:
    loop = asyncio.get_running_loop()
    sent = [0]
    with listen() as listening:
        async with gateway_process(listening.getsockname()[1], "tls") as (pid, port):
            reader, writer = await connect(port)
            before = resident(pid, "VmRSS")

            async def uploads() -> None:
                writer.write(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
                for _ in range(SIZE // len(PIECE)):
                    writer.write(PIECE)
                    await writer.drain()
                    sent[0] += len(PIECE)
                assert b" 204 " in await reader.readuntil(b"\r\n\r\n")

            async def reads() -> None:
                sock, _ = await loop.sock_accept(listening)
                with sock:
                    await read_slowly(sock, len(await read_head(sock)), lambda: sent[0])
                    await loop.sock_sendall(sock, b"HTTP/1.1 204 No Content\r\n\r\n")

            await asyncio.gather(uploads(), reads())
            assert resident(pid, "VmHWM") - before < ALLOWED
            writer.transport.abort()  # a close would wait for the other side, and be waited for


async def test_a_download_to_a_slow_client() -> None:
    loop = asyncio.get_running_loop()
    sent = [0]
    with listen() as listening:
        async with gateway_process(listening.getsockname()[1], "tls") as (pid, port):
            reader, writer = await connect(port)
            before = resident(pid, "VmRSS")

            async def sends() -> None:
                sock, _ = await loop.sock_accept(listening)
                with sock:
                    await read_head(sock)
                    await loop.sock_sendall(sock, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
                    await write_fast(sock, sent)

            async def downloads() -> None:
                """Stands still until the endpoint is stuck, five times over."""
                writer.write(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
                taken = 0
                for round_ in range(1, 6):
                    seen = -1
                    while sent[0] != seen:
                        seen = sent[0]
                        await asyncio.sleep(0.02)
                    while taken < SIZE * round_ // 5:
                        taken += len(await reader.read(MIB // 4))

            await asyncio.gather(downloads(), sends())
            assert sent[0] == SIZE
            assert resident(pid, "VmHWM") - before < ALLOWED
            writer.transport.abort()  # a close would wait for the other side, and be waited for
