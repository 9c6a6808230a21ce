"""Many changes become one."""

import asyncio

import pytest

from proxy.sources.kubernetes.debounce import Debounce


async def test_a_burst_is_told_once_and_ends_at_the_latest_in_time() -> None:
    debounce = Debounce(quiet=0.0, longest=0.0)
    told = []

    async def listen() -> None:
        async for _ in debounce.bursts():
            told.append(True)

    listening = asyncio.create_task(listen())
    for _ in range(100):
        debounce.touch()
    for _ in range(20):
        await asyncio.sleep(0)
    assert told == [True]
    debounce.close()
    await listening


@pytest.mark.parametrize("longest", [0.0, 0.001])
async def test_changes_that_never_end_are_told_all_the_same(longest: float) -> None:
    debounce = Debounce(quiet=0.0, longest=longest)
    ended = asyncio.Event()

    async def disturb() -> None:
        while not ended.is_set():
            debounce.touch()
            await asyncio.sleep(0)

    disturbing = asyncio.create_task(disturb())
    async with asyncio.timeout(20):
        await anext(aiter(debounce.bursts()))
    ended.set()
    await disturbing
