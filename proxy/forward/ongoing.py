"""What is open for long is counted while it goes on, not when it is over: a connection to a database may last for days.

Nothing is counted with each octet. Whoever counts keeps a number of his own, and every few seconds what is new of it
goes to the metrics.
"""

from math import inf
from typing import Protocol

from proxy.wheel import Deadline, Wheel

EVERY = 5.0
"""Seconds. Short beside the time between two scrapes."""


class Counted(Protocol):
    """Something open."""

    def count(self) -> None:
        """Add to the metrics what is new since the last time."""


class Ongoing:
    """All that one worker has open and counts meanwhile. Where that is nothing, nothing wakes the worker."""

    __slots__ = ("_deadline", "_open", "_wheel")

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._open: set[Counted] = set()
        self._deadline = Deadline(wheel, self._count)

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, one: Counted) -> None:
        self._open.add(one)
        if self._deadline.at == inf:
            self._deadline.set(self._wheel.clock() + EVERY)

    def end(self, one: Counted) -> None:
        """It counts the rest itself. Nothing happens if it has not begun."""
        self._open.discard(one)

    def _count(self) -> None:
        for one in self._open:
            one.count()
        if self._open:
            self._deadline.set(self._wheel.clock() + EVERY)
