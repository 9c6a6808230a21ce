"""StatusWriter: brings what objects hold to what is meant, with as few and as harmless writes as possible.

    offer, look -> queue (newest first) -> compare -> token -> compare again -> PATCH .../status -> remember

A write is a merge patch bound to the resourceVersion it was made from, so it can never undo somebody else's.
Its answer is remembered: the event that tells of it finds nothing to do. What fails is offered again, later;
what is refused is not, until something else is meant.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from proxy.controller.cluster import (
    ApiError,
    Client,
    Cluster,
    Current,
    ObjectRef,
    Unreachable,
    current_of,
    is_newer,
    path_of,
)
from proxy.controller.merge import Status, merge, observed_generation, only_counts
from proxy.controller.queue import WorkQueue
from proxy.controller.retry import Refusal, Retries, judge
from proxy.controller.timing import Timing, rfc3339
from proxy.controller.tokens import TokenBucket
from proxy.observe.controller import ControllerMetrics

log = logging.getLogger("penstock")

IN_FLIGHT = 4
RATE = 100.0
"""Writes a second, at most; BURST of them at once."""
BURST = 20
GONE_PAUSE = 30.0
"""Seconds after which an object that was not found is written again, if the source knows it then: an API server
that starts has not read every CRD yet."""
COUNTING = 1.0
"""Seconds between two writes to an object that change nothing but how many routes are attached to it."""
MERGE_PATCH = "application/merge-patch+json"

OnWritten = Callable[[ObjectRef, Current, Status], None]
"""(object, what it held before, what it holds now)."""
OnRefused = Callable[[ObjectRef, Current, Refusal], None]


class Plan(NamedTuple):
    """A write that is due."""

    current: Current
    desired: Status
    changes: dict[str, Any]


class StatusWriter:
    """Statuses of all objects of ours. Everything is called in one event loop."""

    def __init__(
        self,
        client: Client,
        cluster: Cluster,
        controller_name: str,
        metrics: ControllerMetrics,
        may_write: Callable[[], bool],
        *,
        on_written: OnWritten,
        on_refused: OnRefused,
        timing: Timing,
    ) -> None:
        """may_write: asked before each write."""
        self._client = client
        self._cluster = cluster
        self._controller_name = controller_name
        self._metrics = metrics
        self._may_write = may_write
        self._on_written = on_written
        self._on_refused = on_refused
        self._timing = timing
        self._bucket = TokenBucket(RATE, BURST, timing.now)
        self._desired: dict[ObjectRef, Status] = {}
        self._known: dict[ObjectRef, Current] = {}
        """What the API last answered about an object, until the source knows something newer."""
        self._counted: dict[ObjectRef, float] = {}
        """When those that count what is attached to them were written last."""
        self._queue: WorkQueue[ObjectRef] = WorkQueue()
        self._retries = Retries(self._queue.put, timing)
        self.takes_back = True
        """False: entries of ours in routes and policies that are no longer meant stay as they are."""

    # --- what is meant ---------------------------------------------------------------------------

    def offer(self, target: ObjectRef, desired: Status) -> None:
        """Means this status from now on, whatever was meant before."""
        self._desired[target] = desired
        self._retries.forget(target)
        self._put(target)

    def withdraw(self, target: ObjectRef) -> None:
        """The object is gone, or not ours to speak of."""
        self._desired.pop(target, None)
        self._known.pop(target, None)
        self._counted.pop(target, None)
        self._retries.forget(target)

    def look(self, target: ObjectRef) -> None:
        """Somebody wrote its status, perhaps we: compares it again. In a fight we wait a little longer each time."""
        if target in self._desired and not self._retries.is_waiting(target):
            self._retries.defend(target)

    def stop(self) -> None:
        """Nothing is meant any more; what is being written ends."""
        for target in list(self._desired):
            self.withdraw(target)
        self._queue.clear()
        self._count_pending()

    # --- work ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._work())

    async def drained(self) -> None:
        """Until nothing is left that could be written now."""
        while self._counted:
            self._put(self._counted.popitem()[0])
        await self._queue.drained()

    async def _work(self) -> None:
        while True:
            target = await self._queue.take()
            try:
                await self._settle(target)
            except Exception:  # a fault of ours must not end the statuses of all other objects
                log.exception("the status of %s could not be worked out", target)
                self._metrics.status(target.kind, "failed")
            finally:
                self._queue.done(target)
                self._count_pending()
            await asyncio.sleep(0)

    async def _settle(self, target: ObjectRef) -> None:
        """Time may pass before a token is there, so what to write is worked out again after it."""
        if (first := self._plan(target)) is None:
            return
        if pause := max(self._retries.pause(target.kind), self._pause_of_counts(target, first)):
            self._retries.later(target, pause)
            return
        await self._timing.sleep(self._bucket.take())
        plan = self._plan(target) if self._may_write() else None
        if plan is not None:
            await self._write(target, plan)

    def _pause_of_counts(self, target: ObjectRef, plan: Plan) -> float:
        """A thousand routes that come one by one are not to be a thousand writes to their Gateway."""
        since = self._counted.get(target)
        if since is None or not only_counts(plan.current.status, plan.changes):
            return 0.0
        return max(0.0, since + COUNTING - self._timing.now())

    def _plan(self, target: ObjectRef) -> Plan | None:
        desired = self._desired.get(target)
        current = self._newest(target)
        if desired is None or current is None or self._retries.is_refused(target):
            return None
        if observed_generation(desired) not in (None, current.generation):
            # The object has changed: what is meant of this generation comes with the next translation.
            self._metrics.status(target.kind, "outdated")
            return None
        changes = merge(current.status, desired, self._controller_name, rfc3339(self._timing.wall()), self.takes_back)
        if changes is None:
            self._metrics.status(target.kind, "unchanged")
            return None
        return Plan(current, desired, changes)

    def _newest(self, target: ObjectRef) -> Current | None:
        """From the source, unless an answer of the API is newer."""
        told, known = self._cluster.current(target.kind, target.key), self._known.get(target)
        if told is None or known is None or not is_newer(known, told):
            self._known.pop(target, None)
            return told
        return known

    async def _write(self, target: ObjectRef, plan: Plan) -> None:
        body = {"metadata": {"resourceVersion": plan.current.resource_version}, "status": plan.changes}
        try:
            answer = await self._client.request("PATCH", f"{path_of(target)}/status", body, content_type=MERGE_PATCH)
        except ApiError as error:
            await self._not_written(target, plan, error)
        except Unreachable as error:
            self._metrics.status(target.kind, "failed")
            self._retries.api_is_away(target, error)
        else:
            self._written(target, plan, current_of(answer))

    def _written(self, target: ObjectRef, plan: Plan, answer: Current) -> None:
        if target in self._desired:
            self._known[target] = answer
            if "listeners" in plan.desired:
                self._counted[target] = self._timing.now()
            self._retries.succeeded(target, plan.desired)
        self._metrics.status(target.kind, "written")
        self._on_written(target, plan.current, answer.status)

    async def _not_written(self, target: ObjectRef, plan: Plan, error: ApiError) -> None:
        refusal = judge(target, error)
        self._metrics.status(target.kind, refusal.result)
        if refusal.result == "conflict":
            await self._read(target, plan.current)
            self._retries.again(target)
        elif refusal.result == "gone":
            self._retries.later(target, GONE_PAUSE)
        elif refusal.is_alone:
            if self._retries.alone(target, refusal):
                self._on_refused(target, plan.current, refusal)
        elif refusal.result == "failed":
            self._retries.api_is_away(target, error, error.retry_after)
        elif self._retries.refused(target, refusal):
            self._on_refused(target, plan.current, refusal)

    async def _read(self, target: ObjectRef, stale: Current) -> None:
        """What the object holds now, unless the source has heard of it meanwhile."""
        told = self._cluster.current(target.kind, target.key)
        if told is None or is_newer(told, stale):
            return
        try:
            self._known[target] = current_of(await self._client.request("GET", path_of(target)))
        except (ApiError, Unreachable) as error:
            log.debug("%s cannot be read: %s", target, error)

    # --- helpers ---------------------------------------------------------------------------------

    def _put(self, target: ObjectRef) -> None:
        self._queue.put(target)
        self._count_pending()

    def _count_pending(self) -> None:
        self._metrics.pending(len(self._queue) + len(self._retries))
