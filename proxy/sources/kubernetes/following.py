"""Following: every scope that is followed, its collection, and how it fares.

It hears of all that happens to them, and turns that into changes, problems, log lines and metrics.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from proxy.resources.meta import ObjectKey
from proxy.resources.problem import Problem
from proxy.sources.kubernetes import problems
from proxy.sources.kubernetes.backoff import Pace
from proxy.sources.kubernetes.client import KubernetesClient
from proxy.sources.kubernetes.collection import Change, Collection
from proxy.sources.kubernetes.discovery import Discovery
from proxy.sources.kubernetes.reflector import Reflector, State
from proxy.sources.kubernetes.scope import WITH_STATUS, Scope

log = logging.getLogger("penstock")


class Meter(Protocol):
    """Counts for /metrics; the names and labels are those of the catalogue."""

    def count(self, name: str, labels: tuple[str, ...] = (), by: float = 1.0) -> None: ...
    def set(self, name: str, labels: tuple[str, ...], value: float) -> None: ...


class NoMeter:
    """For commands that look once."""

    def count(self, name: str, labels: tuple[str, ...] = (), by: float = 1.0) -> None:
        """Nobody asks."""

    def set(self, name: str, labels: tuple[str, ...], value: float) -> None:
        """Nobody asks."""


class Follow(NamedTuple):
    """One scope that is followed."""

    scope: Scope
    collection: Collection
    heard: asyncio.Event
    """Set when its first attempt came to anything, a failure included."""
    settled: asyncio.Event
    """Set when the API server has answered: with objects, or that there are none for us."""
    task: asyncio.Task[None]


class Following:
    """Implements reflector.Observer."""

    def __init__(self, client: KubernetesClient, pace: Pace, touched: Callable[[], None]) -> None:
        """`touched` is called when what is held, or what is wrong with it, has changed."""
        self.follows: dict[Scope, Follow] = {}
        self.on_status: Callable[[str, ObjectKey], None] | None = None
        self.meter: Meter = NoMeter()
        self._client = client
        self._discovery = Discovery(client)
        self._pace = pace
        self._touched = touched
        self._states: dict[Scope, State] = {}
        self._read: set[Scope] = set()
        """Kinds of which all was listed once, and those that are not installed."""
        self._problems: dict[Scope, Problem] = {}
        self._is_away = False
        self._is_lost = False
        """True when nothing at all is heard of the API server any more."""
        self._back = asyncio.Event()
        """For those who wait until it is tried again."""

    # --- which -----------------------------------------------------------------------------------

    def start(self, scope: Scope, collection: Collection) -> Follow:
        reflector = Reflector(self._client, self._discovery, scope, collection, self, self._pace)
        task = asyncio.create_task(reflector.run(), name=f"follow {scope.kind}")
        follow = Follow(scope, collection, asyncio.Event(), asyncio.Event(), task)
        self.follows[scope] = follow
        self._states[scope] = "starting"
        return follow

    def drop(self, scopes: Iterable[Scope]) -> None:
        for scope in scopes:
            self.follows.pop(scope).task.cancel()
            self._states.pop(scope)
            self._read.discard(scope)
            self._problems.pop(scope, None)

    async def stop(self) -> None:
        """Returns when nothing is followed any more."""
        tasks = [follow.task for follow in self.follows.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- how they fare ---------------------------------------------------------------------------

    @property
    def in_step(self) -> bool:
        """True while every kind is followed, or known not to be installed."""
        return all(state in ("in step", "absent") for state in self._states.values())

    @property
    def complete(self) -> bool:
        """Each kind was answered, and each single object that is wanted was asked for: one may not be readable."""
        follows = self.follows.items()
        return all(follow.heard.is_set() if scope.name else follow.settled.is_set() for scope, follow in follows)

    @property
    def unread(self) -> frozenset[str]:
        """Kinds that are followed whole and of which not all has ever been read."""
        return frozenset(scope.kind for scope in list(self.follows) if not scope.name and scope not in self._read)

    def is_refused(self, scope: Scope) -> bool:
        return scope in self._problems

    def problems(self) -> list[Problem]:
        """Of the scopes and of their objects; what several namespaces say alike is said once."""
        found = list(self._problems.values())
        for follow in list(self.follows.values()):
            found += follow.collection.problems()
        return list(dict.fromkeys(found))

    # --- reflector.Observer ----------------------------------------------------------------------

    def noted(self, scope: Scope, state: State, why: str, verb: str, plural: str) -> None:
        follow = self.follows.get(scope)
        if follow is None:
            return
        self._states[scope] = state
        follow.heard.set()
        if state in ("in step", "absent") and not scope.name and scope not in self._read:
            self._read.add(scope)
            self._touched()
        if state != "away":
            follow.settled.set()
            self._tell(scope, _problem(scope, state, why, verb, plural))
        self._tell_connection(why)

    def _tell(self, scope: Scope, problem: Problem | None) -> None:
        if problem != self._problems.get(scope):
            self._problems.pop(scope, None)
            if problem is not None:
                self._problems[scope] = problem
            self._touched()

    def _tell_connection(self, why: str) -> None:
        """Once when it is lost, whatever the number of watches, and once when all are back."""
        self.meter.set("penstock_kubernetes_connected", (), float(self.in_step))
        away = "away" in self._states.values()
        if away and not self._is_away:
            served = "what is known goes on being served, and " if self.complete else ""
            log.warning("%s; %sit is tried again", why, served)
        elif self._is_away and not away:
            log.info("%s is there again", self._client.server)
        self._is_away = away
        self._is_lost = self._is_lost or (away and "in step" not in self._states.values())

    def changed(self, scope: Scope, key: ObjectKey, change: Change) -> None:
        if change != "status":
            self._touched()
        if change != "object" and self.on_status is not None and (scope.group, scope.kind) in WITH_STATUS:
            self.on_status(scope.kind, key)

    def event(self, scope: Scope, type_: str) -> None:
        self.meter.count("penstock_kubernetes_watch_events_total", (scope.kind, type_))

    def relisted(self, scope: Scope, reason: str) -> None:
        self.meter.count("penstock_kubernetes_relists_total", (scope.kind, reason))

    def contact(self) -> None:
        self.meter.set("penstock_kubernetes_last_contact_timestamp_seconds", (), time.time())
        if self._is_lost:  # who finds it again tells the others, who may have long to wait
            self._is_lost = False
            self._back.set()
            self._back.clear()

    async def pause(self, seconds: float) -> bool:
        """True when it ended early, because the API server is there again."""
        try:
            async with asyncio.timeout(seconds):
                return await self._back.wait()
        except TimeoutError:
            return False


def _problem(scope: Scope, state: State, why: str, verb: str, plural: str) -> Problem | None:
    if state == "forbidden":
        return problems.forbidden(scope, verb, plural, why)
    return problems.absent(scope, why) if state == "absent" else None
