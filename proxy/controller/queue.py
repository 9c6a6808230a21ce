"""WorkQueue: which objects wait to be looked at. The newest change comes first, each object once."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")

FAIR = 8
"""Every so many takes the oldest: with changes that never end it would not come at all."""


class WorkQueue(Generic[T]):
    """An object that is put while somebody works on it comes again when that is done, never twice at a time."""

    def __init__(self) -> None:
        self._waiting: dict[T, None] = {}
        self._taken: set[T] = set()
        self._again: set[T] = set()
        self._takes = 0
        self._something = asyncio.Event()
        self._nothing = asyncio.Event()
        self._nothing.set()

    def __len__(self) -> int:
        """Waiting or worked on."""
        return len(self._waiting) + len(self._taken)

    def put(self, item: T) -> None:
        if item in self._taken:
            self._again.add(item)
            return
        self._waiting.pop(item, None)
        self._waiting[item] = None
        self._nothing.clear()
        self._something.set()

    async def take(self) -> T:
        """Waits for one. `done` has to be called with it."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        self._takes += 1
        item = next(iter(self._waiting)) if self._takes % FAIR == 0 else next(reversed(self._waiting))
        del self._waiting[item]
        self._taken.add(item)
        return item

    def done(self, item: T) -> None:
        self._taken.discard(item)
        if item in self._again:
            self._again.discard(item)
            self.put(item)
        elif not self._waiting and not self._taken:
            self._nothing.set()

    def clear(self) -> None:
        """What is worked on stays that; nothing comes after it."""
        self._waiting.clear()
        self._again.clear()
        if not self._taken:
            self._nothing.set()

    async def drained(self) -> None:
        """Until nothing waits and nobody works."""
        await self._nothing.wait()
