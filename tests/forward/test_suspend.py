"""Awaitables run as far as they go; only one that really waits becomes a task."""

import asyncio
from collections.abc import Awaitable

import pytest

from proxy.forward.suspend import run_until_it_waits


def run(work: Awaitable[str]) -> tuple[object, list[object]]:
    done: list[object] = []
    return run_until_it_waits(asyncio.get_running_loop(), work, done.append), done


async def test_a_coroutine_that_never_waits_is_a_plain_call() -> None:
    async def inner() -> str:
        return "at once"

    async def outer() -> str:
        return await inner()

    assert run(outer()) == ("at once", [])


async def test_one_that_waits_goes_on_as_a_task() -> None:
    event = asyncio.Event()
    seen: list[str] = []

    async def waits() -> str:
        seen.append("before")
        await event.wait()
        seen.append("between")
        await asyncio.sleep(0)
        return "later"

    task, done = run(waits())
    assert isinstance(task, asyncio.Future) and seen == ["before"]
    event.set()
    assert await task == "later"
    await asyncio.sleep(0)
    assert done == [task] and seen == ["before", "between"]


async def test_an_error_before_it_waits_is_raised_at_once() -> None:
    async def fails() -> str:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        run(fails())


async def test_an_error_after_it_waited_is_the_task_s() -> None:
    async def fails() -> str:
        await asyncio.sleep(0)
        raise ValueError("later")

    task, done = run(fails())
    assert isinstance(task, asyncio.Future)
    with pytest.raises(ValueError, match="later"):
        await task
    await asyncio.sleep(0)
    assert done == [task]


async def test_what_it_waits_for_may_fail() -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def catches() -> str:
        try:
            return await future
        except ValueError:
            return "caught"

    task, _ = run(catches())
    future.set_exception(ValueError())
    assert isinstance(task, asyncio.Future) and await task == "caught"


async def test_cancelling_reaches_what_waits() -> None:
    ended: list[str] = []

    async def waits() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")
        return ""

    task, _ = run(waits())
    await asyncio.sleep(0)
    assert isinstance(task, asyncio.Future)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cleaned up"]
