"""Many changes that come together are told as one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

QUIET: Final = 0.02
"""Seconds without a change after which a burst is over."""
LONGEST: Final = 0.2
"""Seconds after its first change at which a burst is told in any case."""


class Debounce:
    """Touched by who changes something; `bursts()` is for one who acts on it."""

    def __init__(self, quiet: float = QUIET, longest: float = LONGEST) -> None:
        self._quiet = quiet
        self._longest = longest
        self._touched = asyncio.Event()
        self._closed = False

    def touch(self) -> None:
        self._touched.set()

    def close(self) -> None:
        """Ends `bursts()`."""
        self._closed = True
        self._touched.set()

    async def bursts(self) -> AsyncIterator[None]:
        while True:
            await self._touched.wait()
            if self._closed:
                return
            await self._silence()
            yield

    async def _silence(self) -> None:
        now = asyncio.get_running_loop().time
        latest = now() + self._longest
        while self._touched.is_set() and now() < latest:
            self._touched.clear()
            await asyncio.sleep(self._quiet)
        self._touched.clear()
