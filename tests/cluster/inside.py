"""Inside: an event loop in a thread that lives in a cluster's network namespace, and what runs there.

Sockets belong to the namespace in which their thread was when it made them, so all that clients, servers and
load of a scenario need is to run here.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.conformance import network
from tests.conformance.place import Place

T = TypeVar("T")


class Inside:
    """Made by `inside`; `run` waits for a coroutine, `start` does not."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        with network.entered(self._place):
            self._loop.run_forever()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.start(work).result()

    def end(self) -> None:
        """What still runs is cancelled."""
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def inside(place: Place) -> Iterator[Inside]:
    found = Inside(place)
    try:
        yield found
    finally:
        found.end()
