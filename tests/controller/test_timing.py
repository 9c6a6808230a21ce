"""Waiting with a limit: what ends it, and what must not be lost."""

import asyncio

import pytest

from proxy.controller.timing import Timing


async def waits_for(future: "asyncio.Future[str]") -> str:
    return await future


async def test_what_comes_of_the_work_is_handed_on() -> None:
    done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    done.set_result("done")
    assert await Timing().within(60, waits_for(done)) == "done"


async def test_work_that_takes_longer_is_ended() -> None:
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with pytest.raises(TimeoutError):
        await Timing().within(0, waits_for(never))
    assert never.cancelled()


async def test_a_cancel_is_not_lost_when_the_work_ends_at_the_same_moment() -> None:
    work: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(Timing().within(60, waits_for(work)))
    for _ in range(3):
        await asyncio.sleep(0)
    work.set_result("done")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
