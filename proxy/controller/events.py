"""EventRecorder: Kubernetes Events (core/v1) about objects of ours, for `kubectl describe`.

Never in the way of statuses: notices wait in a short queue, the same one is told once and then counted,
and a bucket of tokens of its own limits them all. What is too much is dropped and counted.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict, deque

from msgspec import Struct

from proxy.controller.cluster import ApiError, Client, Current, Object, ObjectRef, Unreachable, api_version
from proxy.controller.conditions import clipped
from proxy.controller.timing import Timing, rfc3339
from proxy.controller.tokens import TokenBucket
from proxy.controller.transitions import Notice
from proxy.observe.controller import ControllerMetrics

log = logging.getLogger("penstock")

COMPONENT = "penstock"
RATE = 5.0
"""Events a second, at most; BURST at once."""
BURST = 25
WAITING = 500
REMEMBERED = 4096
REPEAT = 300.0
"""Seconds between two words about the same thing."""
MAX_MESSAGE = 1024
"""Characters (Event.message)."""
SILENCE = 600.0
"""Seconds without events after RBAC forbade one."""


class Told(Struct):
    """An Event that was sent, or is about to be."""

    name: str
    count: int
    at: float


class EventRecorder:
    """`instance` is who we are among replicas (reportingInstance)."""

    def __init__(
        self,
        client: Client,
        metrics: ControllerMetrics,
        instance: str,
        timing: Timing,
    ) -> None:
        self._client = client
        self._metrics = metrics
        self._instance = instance
        self._timing = timing
        self._bucket = TokenBucket(RATE, BURST, timing.now)
        self._waiting: deque[tuple[str, Object, int]] = deque()
        self._something = asyncio.Event()
        self._told: OrderedDict[tuple[str, Notice], Told] = OrderedDict()
        self._silent_until = 0.0

    def tell(self, target: ObjectRef, current: Current, notice: Notice) -> None:
        """Returns at once."""
        now = self._timing.now()
        if now < self._silent_until:
            self._metrics.event("dropped")
            return
        about = (current.uid or str(target), notice)
        told = self._told.get(about)
        if told is None:
            told = self._told[about] = Told(_name(target, about, self._timing.wall()), 0, 0.0)
        told.count += 1
        self._told.move_to_end(about)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        if told.count == 1 or now - told.at >= REPEAT:
            told.at = now
            self._queue(told, self._event(told, target, current, notice))

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            while not self._waiting:
                self._something.clear()
                await self._something.wait()
            await self._timing.sleep(self._bucket.take())
            await self._send(*self._waiting.popleft())

    def _queue(self, told: Told, event: Object) -> None:
        if len(self._waiting) >= WAITING:
            self._metrics.event("dropped")
            return
        self._waiting.append((told.name, event, told.count))
        self._something.set()

    async def _send(self, name: str, event: Object, count: int) -> None:
        path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            if count == 1 or not await self._repeat(f"{path}/{name}", event):
                await self._client.request("POST", path, event)
                self._metrics.event("sent")
        except ApiError as error:
            self._refused(error, event)
        except Unreachable:
            self._metrics.event("failed")
        except Exception:  # a fault of ours must not end the Events of all other objects
            log.exception("no event about %s", event["involvedObject"]["name"])
            self._metrics.event("failed")

    async def _repeat(self, path: str, event: Object) -> bool:
        """Counts up what is there; False when it is gone, as Events are after an hour."""
        again = {"count": event["count"], "lastTimestamp": event["lastTimestamp"]}
        try:
            await self._client.request("PATCH", path, again, content_type="application/merge-patch+json")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        self._metrics.event("repeated")
        return True

    def _refused(self, error: ApiError, event: Object) -> None:
        if error.status != 403 or " cannot " not in error.message:
            self._metrics.event("failed")
            log.debug("no event about %s: %s", event["involvedObject"]["name"], error)
            return
        self._metrics.event("forbidden")
        self._silent_until = self._timing.now() + SILENCE
        self._waiting.clear()
        log.warning("no events are written: %s; allow it with create and patch on events", error.message)

    def _event(self, told: Told, target: ObjectRef, current: Current, notice: Notice) -> Object:
        now = rfc3339(self._timing.wall())
        namespace = target.key.namespace or "default"  # where Events about cluster-scoped objects live
        involved = {
            "apiVersion": api_version(target.kind),
            "kind": target.kind,
            "namespace": target.key.namespace,
            "name": target.key.name,
            "uid": current.uid,
            "resourceVersion": current.resource_version,
            "fieldPath": notice.field,
        }
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": told.name, "namespace": namespace},
            "involvedObject": {name: value for name, value in involved.items() if value},
            "type": notice.type,
            "reason": notice.reason,
            "message": clipped(notice.message, MAX_MESSAGE),
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": told.count,
        }


def _name(target: ObjectRef, about: tuple[str, Notice], wall: float) -> str:
    """Unique, and within the 253 characters of a name."""
    digest = hashlib.sha256(repr((about, wall)).encode()).hexdigest()[:16]
    return f"{target.key.name[:230].rstrip('.-')}.{digest}"
