"""Time that passes only when a test says so, for what waits in an event loop."""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

from proxy.controller.timing import Handle, Timing

T = TypeVar("T")


class Due:
    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class ManualTiming(Timing):
    """Starts at 1,000 s of our clock and 2026-11-25T12:00:00Z of everybody's."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._wall = 1795608000.0 - 1000.0
        self._due: list[tuple[float, int, Due]] = []
        self._number = count()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall + self._now

    def later(self, seconds: float, call: Callable[[], None]) -> Handle:
        due = Due(call)
        heapq.heappush(self._due, (self._now + seconds, next(self._number), due))
        return due

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        handle = self.later(seconds, lambda: woken.done() or woken.set_result(None))
        try:
            await woken
        finally:
            handle.cancel()

    async def within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        task, late = asyncio.ensure_future(work), []

        def expire() -> None:
            late.append(task.cancel())

        handle = self.later(seconds, expire)
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            if late:
                raise TimeoutError from None
            raise
        finally:
            handle.cancel()

    async def pass_(self, seconds: float, settle: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Lets time pass, stopping wherever something is due; `settle` lets what it set off come to rest."""
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            at, _, due = heapq.heappop(self._due)
            if due.call is None:
                continue
            self._now = max(self._now, at)
            due.call()
            await settle()
        self._now = end
        await settle()
