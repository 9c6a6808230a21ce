"""What an exchange waits for on behalf of a filter, and how an awaitable is run.

It runs in a task of its own, from its first step on.

asyncio's own tools (`timeout`, `TaskGroup`, and every client library that uses them) ask which task they are in, so no
step of it may run outside one. From Python 3.12 on a task can begin at once: an awaitable that does not wait
is then over when it has been started, and costs no turn of the event loop.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from proxy.filters.base import RequestStep
from proxy.wheel import Deadline

T = TypeVar("T")

if sys.version_info >= (3, 12):

    def _start(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return asyncio.Task(work, loop=loop, eager_start=True)

else:

    def _start(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return loop.create_task(work)


def run_until_it_waits(
    loop: asyncio.AbstractEventLoop, awaitable: Awaitable[T], then: "Callable[[asyncio.Future[T]], None]"
) -> "asyncio.Future[T] | T":
    """The result if it is there already, or the task that will have it and then call `then`."""
    # A coroutine itself, and not in another: one that is given up before its first step is then closed with its task.
    work: Coroutine[Any, Any, T] = awaitable if isinstance(awaitable, Coroutine) else _awaiting(awaitable)
    task = _start(loop, work)
    if task.done():
        return task.result()
    task.add_done_callback(then)
    return task


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable


Steps = tuple[RequestStep, ...]


class Wait:
    """A step waits for something that is neither the client's nor ours."""

    __slots__ = ("overdue", "since", "steps", "task")

    def __init__(self, task: "asyncio.Future[Any]", steps: Steps, since: float, overdue: Deadline) -> None:
        self.task = task
        self.steps = steps
        """Those after it."""
        self.since = since
        self.overdue = overdue


class BodyWait:
    """The steps to come want the whole body first."""

    __slots__ = ("at_most", "room", "since", "steps")

    def __init__(self, at_most: int, come: int, steps: Steps, since: float) -> None:
        self.at_most = at_most
        self.room = at_most - come
        self.steps = steps
        self.since = since
