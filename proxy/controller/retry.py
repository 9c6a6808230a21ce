"""When to try a write again: what an answer of the API server means, and how long to stay away.

conflict    somebody else was faster        at once, then a little later each time
gone        the object is deleted           after a while, if the source still has it
rejected    validation, a webhook           when something else is meant
forbidden   no RBAC rule for it             after seconds, in the end every minute, for all objects of the kind
failed      away, overloaded, or a fault    after a pause of all writes, longer each time;
            a webhook that is not there     after a pause of this object's, longer each time
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Literal

from msgspec import Struct

from proxy.controller.cluster import ApiError, ObjectRef
from proxy.controller.merge import Status
from proxy.controller.timing import Handle, Timing
from proxy.resources.kinds import gateway_group, plural_of
from proxy.sources.kubernetes.backoff import delay

log = logging.getLogger("penstock")

FORBIDDEN_PAUSE = 4.0
LONGEST_FORBIDDEN = 60.0
AWAY_PAUSE = 0.5
LONGEST_AWAY = 30.0
FIGHT_PAUSE = 1.0
LONGEST_FIGHT = 300.0
PEACE = 600.0
"""Seconds; after so many without a rewrite an object is no longer fought over."""


class Refusal(Struct, frozen=True):
    """What the API server meant."""

    result: Literal["conflict", "gone", "rejected", "forbidden", "failed"]
    message: str
    """What happened and what to do about it."""
    is_alone: bool = False
    """True when it says nothing about other objects: the API server is there, and may well take theirs."""


def judge(target: ObjectRef, error: ApiError) -> Refusal:
    """A webhook or policy may refuse with any code; RBAC says who cannot do what."""
    if error.status == 409:
        return Refusal("conflict", error.message)
    if error.status == 404:
        return Refusal("gone", error.message)
    if error.status == 403 and " cannot " in error.message:
        rule = f"patch on {plural_of(target.kind)}/status of {gateway_group(target.kind)}"
        return Refusal("forbidden", f"{error.message}; allow it with a ClusterRole that has {rule}")
    if error.status >= 500 and "failed calling webhook" in error.message:
        return Refusal("failed", f"the status of {target} waits: {error.message}", is_alone=True)
    if error.status in {401, 408, 429} or error.status >= 500:
        return Refusal("failed", error.message)
    return Refusal("rejected", f"the API server refuses the status of {target}: {error.message}")


class Conduct(Struct):
    """How it went with one object."""

    failures: int = 0
    """Conflicts in a row, and webhooks that were not there."""
    is_told: bool = False
    meant: Status | None = None
    """What was written last."""
    at: float = 0.0
    rewrites: int = 0
    """How often that had to be written again because somebody else changed it."""


class Retries:
    """Remembers what failed. `put` queues an object."""

    def __init__(self, put: Callable[[ObjectRef], None], timing: Timing) -> None:
        self._put = put
        self._timing = timing
        self._later: dict[ObjectRef, Handle] = {}
        self._conduct: dict[ObjectRef, Conduct] = {}
        self._refused: set[ObjectRef] = set()
        self._away = 0
        self._resume = 0.0
        self._kind_resume: dict[str, float] = {}
        self._forbidden: dict[str, int] = {}
        """Kinds to how often in a row RBAC had no rule for them."""

    def __len__(self) -> int:
        """Objects that are tried again later."""
        return len(self._later)

    def pause(self, kind: str) -> float:
        """Seconds for which no status, or none of this kind, is worth a try."""
        return max(0.0, self._resume - self._timing.now(), self._kind_resume.get(kind, 0.0) - self._timing.now())

    def is_refused(self, target: ObjectRef) -> bool:
        return target in self._refused

    def is_waiting(self, target: ObjectRef) -> bool:
        return target in self._later

    def forget(self, target: ObjectRef) -> None:
        """Something else is meant, or nothing."""
        self._refused.discard(target)
        self._conduct.pop(target, None)
        if (handle := self._later.pop(target, None)) is not None:
            handle.cancel()

    def succeeded(self, target: ObjectRef, meant: Status) -> None:
        self._away = 0
        self._forbidden.pop(target.kind, None)
        conduct = self._conduct.setdefault(target, Conduct())
        again = conduct.meant is meant and self._timing.now() - conduct.at < PEACE
        conduct.failures, conduct.is_told, conduct.rewrites = 0, False, conduct.rewrites + 1 if again else 0
        conduct.meant, conduct.at = meant, self._timing.now()

    def defend(self, target: ObjectRef) -> None:
        """Its status changed: looks at once, but the later the more often ours was changed back."""
        conduct = self._conduct.get(target, Conduct())
        due = delay(conduct.rewrites, FIGHT_PAUSE, LONGEST_FIGHT) if conduct.rewrites else 0.0
        self.later(target, conduct.at + due - self._timing.now())

    def again(self, target: ObjectRef) -> None:
        """After a conflict."""
        conduct = self._conduct.setdefault(target, Conduct())
        conduct.failures += 1
        self.later(target, 0 if conduct.failures <= 3 else delay(conduct.failures - 3, AWAY_PAUSE, LONGEST_AWAY))

    def alone(self, target: ObjectRef, refusal: Refusal) -> bool:
        """Only this one waits. True when nobody has been told yet."""
        conduct = self._conduct.setdefault(target, Conduct())
        conduct.failures += 1
        self.later(target, delay(conduct.failures, AWAY_PAUSE, LONGEST_AWAY))
        is_news, conduct.is_told = not conduct.is_told, True
        if is_news:
            log.warning("%s", refusal.message)
        return is_news

    def api_is_away(self, target: ObjectRef, error: Exception, retry_after: float | None = None) -> None:
        """All writes wait, and this one is not lost."""
        now = self._timing.now()
        if now >= self._resume:
            self._away += 1
            pause = max(delay(self._away, AWAY_PAUSE, LONGEST_AWAY), retry_after or 0.0)
            self._resume = now + pause
            level = logging.WARNING if self._away == 1 else logging.DEBUG
            log.log(level, "statuses wait for %.1f s: %s", pause, error)
        self.later(target, self._resume - now)

    def refused(self, target: ObjectRef, refusal: Refusal) -> bool:
        """True when nobody has been told yet."""
        if refusal.result == "rejected":
            self._refused.add(target)
            log.warning("%s", refusal.message)
            return True
        is_news = target.kind not in self._forbidden
        self.later(target, self._pause_forbidden(target.kind))
        if is_news:
            log.error("statuses of %s are not written: %s", target.kind, refusal.message)
        return is_news

    def _pause_forbidden(self, kind: str) -> float:
        """Whoever adds the rule soon has not long to wait. Refusals of writes that were under way count as one."""
        now = self._timing.now()
        if now >= self._kind_resume.get(kind, 0.0):
            times = self._forbidden[kind] = self._forbidden.get(kind, 0) + 1
            self._kind_resume[kind] = now + delay(times, FORBIDDEN_PAUSE, LONGEST_FORBIDDEN)
        return self._kind_resume[kind] - now

    def later(self, target: ObjectRef, seconds: float) -> None:
        """Queues it when so much time has passed, or at once."""
        if (handle := self._later.pop(target, None)) is not None:
            handle.cancel()
        if seconds <= 0:
            self._put(target)
        else:
            self._later[target] = self._timing.later(seconds, partial(self._due, target))

    def _due(self, target: ObjectRef) -> None:
        self._later.pop(target, None)
        self._put(target)
