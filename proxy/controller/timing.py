"""Timing: the clocks and the waiting of the controller in one place, so that tests can let time pass."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Handle(Protocol):
    """Something that is due later."""

    def cancel(self) -> None: ...


class Timing:
    """Of the event loop that runs."""

    def now(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch: for people to read, not to reckon with."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def later(self, seconds: float, call: Callable[[], None]) -> Handle:
        return asyncio.get_running_loop().call_later(seconds, call)

    async def within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """What comes of the work. Raises TimeoutError, and ends it, when it takes longer.

        Not by `wait_for`: in Python 3.11 that loses a cancel that comes as the work ends, and a stop would wait.
        """
        async with asyncio.timeout(seconds):
            return await work


def rfc3339(wall: float) -> str:
    """metav1.Time: whole seconds."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(wall: float) -> str:
    """metav1.MicroTime."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
