"""Deadlines: one wheel for every timeout of a worker, on one monotonic clock that the caller injects.

A connection or exchange holds one `Deadline` and moves it as often as it likes: moving it later only
stores a number. The wheel looks at it when its earliest promise falls due and, if it was moved, files
it again. So a request that sets four deadlines and meets them costs four attribute stores.

A deadline fires never early and at most two ticks late, plus what the event loop is behind.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf

TICK = 1 / 64
"""Seconds. A power of two, so that ticks and times turn into each other without rounding."""


class Deadline:
    """A moment at which `callback` is to be called, unless it is moved or cleared before."""

    __slots__ = ("_callback", "_filed", "_wheel", "at")

    def __init__(self, wheel: "Wheel", callback: Callable[[], object]) -> None:
        self._wheel = wheel
        self._callback: Callable[[], object] = callback
        self._filed = inf
        self.at = inf
        """In the wheel's clock, seconds; inf when there is none."""

    def set(self, at: float) -> None:
        self.at = at
        if at < self._filed:
            self._filed = at
            self._wheel.file(self, at)

    def clear(self) -> None:
        self.at = inf

    def drop(self) -> None:
        """Never fire, and hold nothing: the wheel may keep the entry until its tick comes."""
        self.at = inf
        self._callback = _nothing

    def reuse(self, callback: Callable[[], object]) -> None:
        """After `drop`: what to call from now on. The entry that the wheel still has serves the next time, too."""
        self._callback = callback

    def look(self, now: float, filed: int) -> bool:
        """The wheel's question: due now? Files itself again when it was moved."""
        if self._filed == inf or int(self._filed / TICK) != filed:
            return False
        if self.at <= now:
            self._filed = inf
            return True
        self._filed = self.at
        if self.at != inf:
            self._wheel.file(self, self.at)
        return False

    def fire(self, now: float) -> None:
        """Unless a callback before it in the same tick has cleared or moved it."""
        if self.at <= now:
            self.at = inf
            self._callback()
        elif self.at != inf and self._filed == inf:
            self.set(self.at)


def _nothing() -> None:
    """The callback of a dropped deadline."""


class Lender:
    """Deadlines of one length, lent to one user after the other.

    All are moved to later times only, so each has one entry in the wheel however many use it. A new
    one for each would leave its entry there until the time is over: an hour, maybe, after a millisecond.
    """

    __slots__ = ("_free", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._free: list[Deadline] = []

    def lend(self, wheel: "Wheel", begun: float, callback: Callable[[], object]) -> Deadline:
        """Due `seconds` after `begun`, in the wheel's clock."""
        if self._free:
            deadline = self._free.pop()
            deadline.reuse(callback)
        else:
            deadline = Deadline(wheel, callback)
        deadline.set(begun + self.seconds)
        return deadline

    def take_back(self, deadline: Deadline) -> None:
        deadline.drop()
        self._free.append(deadline)


class Wheel:
    """Deadlines by tick. `wake(at)` is asked to have `advance` called at `at` or soon after."""

    def __init__(self, clock: Callable[[], float], wake: Callable[[float], None]) -> None:
        self.clock = clock
        self._wake = wake
        self._slots: dict[int, list[Deadline]] = {}
        self._order: list[int] = []

    def file(self, deadline: Deadline, at: float) -> None:
        tick = int(at / TICK)
        slot = self._slots.get(tick)
        if slot is None:
            self._slots[tick] = [deadline]
            heappush(self._order, tick)
            if self._order[0] == tick:
                self._wake((tick + 1) * TICK)
        else:
            slot.append(deadline)

    def advance(self) -> None:
        """Fire what is due. An exception of a callback is raised; the deadlines behind it fire at the next call."""
        now = self.clock()
        current = int(now / TICK)
        due: list[Deadline] = []
        while self._order and self._order[0] < current:
            tick = heappop(self._order)
            due += [deadline for deadline in self._slots.pop(tick) if deadline.look(now, tick)]
        if self._order:
            self._wake((self._order[0] + 1) * TICK)
        behind = iter(due)
        try:
            for deadline in behind:
                deadline.fire(now)
        finally:
            for deadline in behind:
                deadline.set(deadline.at)
