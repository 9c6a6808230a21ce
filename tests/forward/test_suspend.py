"""Awaitables run in a task from their first step on; where a task can begin at once, the step is made at once."""

import asyncio
import sys
from collections.abc import Awaitable, Generator

import pytest

from proxy.forward.suspend import run_until_it_waits

BEGINS_AT_ONCE = sys.version_info >= (3, 12)


def run(work: Awaitable[str]) -> tuple[object, list[object]]:
    done: list[object] = []
    return run_until_it_waits(asyncio.get_running_loop(), work, done.append), done


async def outcome(ran: object) -> object:
    return await ran if isinstance(ran, asyncio.Future) else ran


async def test_a_coroutine_that_never_waits() -> None:
    async def inner() -> str:
        return "at once"

    async def outer() -> str:
        return await inner()

    ran, done = run(outer())
    assert isinstance(ran, asyncio.Future) != BEGINS_AT_ONCE
    assert await outcome(ran) == "at once"
    await asyncio.sleep(0)
    assert done == ([] if BEGINS_AT_ONCE else [ran])


async def test_what_asks_for_its_task_has_one_from_the_first_step_on() -> None:
    async def works() -> str:
        async with asyncio.timeout(60):
            task = asyncio.current_task()
            assert task is not None
            await asyncio.sleep(0)
            assert asyncio.current_task() is task
        return "in time"

    assert await outcome(run(works())[0]) == "in time"


async def test_its_own_time_limit_ends_it() -> None:
    async def works() -> str:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
        return "too late"

    with pytest.raises(TimeoutError):
        await outcome(run(works())[0])


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
    await asyncio.sleep(0)
    assert isinstance(task, asyncio.Future) and seen == ["before"]
    event.set()
    assert await task == "later"
    await asyncio.sleep(0)
    assert done == [task] and seen == ["before", "between"]


async def test_an_error_before_it_waits() -> None:
    async def fails() -> str:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        await outcome(run(fails())[0])


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


@pytest.mark.parametrize("wrapped", [False, True])
async def test_one_that_is_given_up_before_its_first_step(wrapped: bool) -> None:
    class Wrapped(Awaitable[str]):
        def __await__(self) -> Generator[object, None, str]:
            return asyncio.sleep(60, "never").__await__()

    async def waits() -> str:
        await asyncio.sleep(60)
        return "never"

    task, done = run(Wrapped() if wrapped else waits())
    assert isinstance(task, asyncio.Future)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert done == [task]
