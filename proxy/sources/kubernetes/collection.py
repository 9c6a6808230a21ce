"""Collection: what is held of one scope, and what a new version of an object changes.

An object of which nothing changed that is read stays the same instance, so that translation, which
compares by identity, sees no change; its newest version and status are kept beside it.
"""

import threading
from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.problem import Problem
from proxy.sources.kubernetes.objects import Current, Reading

Change = Literal["none", "status", "object", "both"]
KEEPS_SERVING = "the last good version keeps serving"


class Collection:
    """Changed in the event loop, read in any thread."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._lock = threading.Lock()
        self._items: dict[ObjectKey, Resource] = {}
        self._currents: dict[ObjectKey, Current] = {}
        self._problems: dict[ObjectKey, tuple[Problem, ...]] = {}
        self._stood_in: set[ObjectKey] = set()
        """Objects that were never sound and of which something else is served (resources.stand_in)."""
        self._unknown: dict[str, ObjectKey] = {}
        """Field to the first object that had it."""

    def __len__(self) -> int:
        return len(self._items)

    # --- reading ---------------------------------------------------------------------------------

    def items(self) -> list[Resource]:
        with self._lock:
            return list(self._items.values())

    def currents(self) -> list[tuple[ObjectKey, Current]]:
        with self._lock:
            return list(self._currents.items())

    def current(self, key: ObjectKey) -> Current | None:
        return self._currents.get(key)

    def get(self, key: ObjectKey) -> Resource | None:
        return self._items.get(key)

    def problems(self) -> list[Problem]:
        with self._lock:
            found = [problem for problems in self._problems.values() for problem in problems]
            return found + [self._new_field(field, key) for field, key in self._unknown.items()]

    def _new_field(self, field: str, key: ObjectKey) -> Problem:
        """About the kind, not about the object: once is enough."""
        message = f"{self.kind}: {field} is unknown to this version of Penstock and ignored (first seen in {key})"
        return Problem("notice", message, hint="a newer Penstock may serve it")

    # --- changing --------------------------------------------------------------------------------

    def put(self, reading: Reading) -> Change:
        """A new or newer object."""
        with self._lock:
            return self._put(reading)

    def remove(self, key: ObjectKey) -> Change:
        with self._lock:
            return self._remove(key)

    def replace(self, readings: Iterable[Reading]) -> list[tuple[ObjectKey, Change]]:
        """The whole scope as it is now; what changed by that."""
        now = {reading.key: reading for reading in readings}
        with self._lock:
            gone = [key for key in self._currents if key not in now]
            changes = [(key, self._remove(key)) for key in gone]
            changes += [(key, self._put(reading)) for key, reading in now.items()]
        return [(key, change) for key, change in changes if change != "none"]

    def _put(self, reading: Reading) -> Change:
        key = reading.key
        before = self._currents.get(key)
        if before is not None and before.uid != reading.current.uid:  # another object: the one before is gone
            self._items.pop(key, None)
            self._stood_in.discard(key)
        known = self._items.get(key)
        self._currents[key] = reading.current
        for field in reading.unknown:
            self._unknown.setdefault(field, key)
        changed = self._tell(key, reading, known)
        if reading.item is not None:
            self._stood_in.discard(key)
        elif reading.stand_in is not None and (known is None or key in self._stood_in):
            self._stood_in.add(key)
        item = reading.stand_in if key in self._stood_in else reading.item
        if item is not None and item != known:
            self._items[key] = item
            changed = True
        if before is not None and before.status != reading.current.status:
            return "both" if changed else "status"
        return "object" if changed else "none"

    def _tell(self, key: ObjectKey, reading: Reading, known: Resource | None) -> bool:
        """Keeps the object's problems; True when they are others than before."""
        problems = reading.problems
        if reading.item is None and known is not None and key not in self._stood_in:
            problems = tuple(_with_hint(problem) for problem in problems)
        before = self._problems.pop(key, ())
        if problems:
            self._problems[key] = problems
        return problems != before

    def _remove(self, key: ObjectKey) -> Change:
        had = self._currents.pop(key, None)
        self._items.pop(key, None)
        self._stood_in.discard(key)
        self._problems.pop(key, None)
        return "none" if had is None else "object"


def _with_hint(problem: Problem) -> Problem:
    return replace(problem, hint="; ".join(filter(None, [problem.hint, KEEPS_SERVING])))
