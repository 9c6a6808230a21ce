"""Run what a filter returned as far as it goes, and make a task of it only when it really waits.

A task costs 4 to 6 µs, a coroutine that never suspends 0.2 µs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class _Rest(Awaitable[T]):
    """What is left of an awaitable that has already yielded once."""

    def __init__(self, waits_for: Any, steps: Generator[Any, Any, T]) -> None:
        self._waits_for = waits_for
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:
                resume: Callable[[Any], Any] = self._steps.throw
                given: Any = error
            else:
                resume, given = self._steps.send, sent
            try:
                waits_for = resume(given)
            except StopIteration as stop:
                result: T = stop.value
                return result


def run_until_it_waits(
    loop: asyncio.AbstractEventLoop, awaitable: Awaitable[T], then: "Callable[[asyncio.Future[T]], None]"
) -> "asyncio.Future[T] | T":
    """The result, or the task that will have it and then call `then`."""
    steps = awaitable.__await__()
    try:
        waits_for = next(steps)
    except StopIteration as stop:
        result: T = stop.value
        return result

    async def rest() -> T:
        return await _Rest(waits_for, steps)

    task = loop.create_task(rest())
    task.add_done_callback(then)
    return task
