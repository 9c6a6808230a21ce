"""Names: all names that upstreams have, each looked up when it is new and again when its time is over.

follow ─▶ entry ─▶ lookup ─▶ answer ─▶ entry ─▶ tell, if anything has changed
             ▲                            │
             └────────── deadline ◀───────┘
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol

from proxy.names.answer import Lookup, LookupFailed
from proxy.names.entry import Entry, Outcome
from proxy.snapshot.guard import Guard
from proxy.snapshot.names import NameKey, Resolved
from proxy.wheel import Deadline, Wheel

log = logging.getLogger("penstock.names")

AT_ONCE = 64
"""Lookups under way; more wait their turn."""


class Meter(Protocol):
    """Where lookups are counted."""

    def looked_up(self, result: str, seconds: float) -> None: ...

    def refused(self, addresses: int) -> None: ...

    def states(self, counts: Mapping[str, int]) -> None: ...


class _Before(NamedTuple):
    """Of an entry, before an outcome."""

    resolved: Resolved
    state: str
    refused: tuple[tuple[str, str], ...]


class _Followed:
    """An entry, and when it is asked for."""

    __slots__ = ("deadline", "entry", "task")

    def __init__(self, entry: Entry, deadline: Deadline) -> None:
        self.entry = entry
        self.deadline = deadline
        self.task: asyncio.Task[None] | None = None


class Names:
    """Everything that is known of names. Needs a running event loop."""

    def __init__(
        self, lookup: Lookup, guard: Guard, wheel: Wheel, tell: Callable[[tuple[Resolved, ...]], None], meter: Meter
    ) -> None:
        """`tell` is called with every change, one name at a time."""
        self._lookup = lookup
        self._guard = guard
        self._wheel = wheel
        self._tell = tell
        self._meter = meter
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._followed: dict[NameKey, _Followed] = {}

    @property
    def entries(self) -> dict[NameKey, Entry]:
        return {key: each.entry for key, each in self._followed.items()}

    @property
    def resolved(self) -> tuple[Resolved, ...]:
        """All that has been told, for whoever comes later."""
        return tuple(each.entry.resolved for each in self._followed.values() if each.entry.answered)

    def follow(self, wanted: Collection[NameKey]) -> None:
        """These names and no others from now on."""
        for key in self._followed.keys() - wanted:
            self._drop(self._followed.pop(key))
        for key in sorted(wanted - self._followed.keys()):
            self._follow(key)
        self._count()

    async def close(self) -> None:
        followed, self._followed = self._followed, {}
        for each in followed.values():
            self._drop(each)
        await asyncio.gather(*(each.task for each in followed.values() if each.task), return_exceptions=True)

    def _follow(self, key: NameKey) -> None:
        followed = _Followed(Entry(key, self._guard), Deadline(self._wheel, lambda: self._ask(followed)))
        self._followed[key] = followed
        self._ask(followed)

    def _drop(self, followed: _Followed) -> None:
        followed.deadline.drop()
        if followed.task is not None:
            followed.task.cancel()

    def _ask(self, followed: _Followed) -> None:
        followed.task = asyncio.get_running_loop().create_task(self._look_up(followed))

    async def _look_up(self, followed: _Followed) -> None:
        entry = followed.entry
        before = _Before(entry.resolved, entry.state, entry.refused)
        async with self._turns:
            began = self._wheel.clock()
            try:
                answer = await self._lookup(entry.key)
                outcome = entry.take(answer, self._wheel.clock())
            except LookupFailed as error:
                outcome = entry.fail(error, self._wheel.clock())
            except Exception as error:  # a fault of ours must not end the asking
                log.exception("%s could not be looked up", entry.key.host)
                outcome = entry.fail(LookupFailed("dns_failure", repr(error)), self._wheel.clock())
        followed.task = None
        followed.deadline.set(self._wheel.clock() + outcome.again_in)
        self._count_outcome(outcome, self._wheel.clock() - began)
        _log_change(entry, before)
        if before.state == "pending" or entry.resolved != before.resolved:
            self._tell((entry.resolved,))

    def _count_outcome(self, outcome: Outcome, seconds: float) -> None:
        self._meter.looked_up(outcome.result, seconds)
        self._meter.refused(outcome.refused)
        self._count()

    def _count(self) -> None:
        counts = dict.fromkeys(("pending", "fresh", "stale", "failed"), 0)
        for each in self._followed.values():
            counts[each.entry.state] += 1
        self._meter.states(counts)


def _log_change(entry: Entry, before: _Before) -> None:
    """What is as it was is not said again."""
    host, addresses = entry.key.host, ", ".join(entry.addresses)
    for address, why in entry.refused:
        if (address, why) not in before.refused:
            log.warning("%s leads to %s, which is %s: nothing is sent there", host, address, why)
    if entry.state == before.state and entry.addresses == before.resolved.addresses:
        return
    if entry.state == "failed":
        log.warning("%s leads nowhere: %s: %s", host, entry.trouble, entry.detail)
    elif entry.state == "stale":
        log.warning("%s keeps its addresses %s: %s: %s", host, addresses, entry.trouble, entry.detail)
    else:
        log.info("%s leads to %s", host, addresses)
