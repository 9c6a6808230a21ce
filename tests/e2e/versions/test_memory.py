"""Back-pressure over all four pairs, measured: 200 MiB past a slow end, and a gateway process that stays small."""

import asyncio

import pytest

from tests.e2e.test_memory import ALLOWED, MIB, gateway_process, resident
from tests.e2e.versions.conftest import CLIENTS, ENDPOINTS
from tests.e2e.versions.conversation import Incoming
from tests.e2e.versions.slow import Narrows

SIZE = 200 * MIB
PIECE = bytes(1 << 14)
"""Well within a first window of 64 KiB: what is stuck in the middle of a piece has not got rid of it."""
PAIRS = [("h1", "h1"), ("h1", "h2"), ("h2", "h1"), ("h2", "h2")]


async def drain(message: Incoming) -> int:
    """Octets of the whole body."""
    size = 0
    while piece := await message.piece():
        size += len(piece)
    return size


def options(up: str) -> tuple[str, ...]:
    return ("h2",) if up == "h2" else ()


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_an_upload_to_a_slow_endpoint(down: str, up: str) -> None:
    sent = 0
    async with (
        ENDPOINTS[up]() as endpoint,
        Narrows(endpoint.port, SIZE, lambda: sent, back=False) as narrows,
        gateway_process(narrows.port, *options(up)) as (pid, port),
    ):
        client = await CLIENTS[down].connect(port)
        before = resident(pid, "VmRSS")
        talk = await client.ask(b"POST", b"/", [(b"content-length", b"%d" % SIZE)], end=False)

        async def upload() -> None:
            nonlocal sent
            while sent < SIZE:
                await talk.send(PIECE)
                sent += len(PIECE)
            await talk.end()

        sending = asyncio.create_task(upload())
        asked = await endpoint.next()
        assert await drain(asked) == SIZE
        await sending
        await asked.reply(204)
        assert (await talk.answer()).status == 204
        assert resident(pid, "VmHWM") - before < ALLOWED
        await client.close()


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_a_download_to_a_slow_client(down: str, up: str) -> None:
    sent = 0
    async with (
        ENDPOINTS[up]() as endpoint,
        gateway_process(endpoint.port, *options(up)) as (pid, port),
        Narrows(port, SIZE, lambda: sent, back=True) as narrows,
    ):
        client = await CLIENTS[down].connect(narrows.port)
        before = resident(pid, "VmRSS")
        talk = await client.ask(b"GET", b"/")
        asked = await endpoint.next()

        async def download() -> None:
            nonlocal sent
            await asked.head(200, [(b"content-length", b"%d" % SIZE)])
            while sent < SIZE:
                await asked.send(PIECE)
                sent += len(PIECE)
            await asked.end()

        sending = asyncio.create_task(download())
        assert await drain(await talk.answer()) == SIZE
        await sending
        assert resident(pid, "VmHWM") - before < ALLOWED
        await client.close()
