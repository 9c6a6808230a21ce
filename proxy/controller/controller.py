"""Controller: the companion that writes into a cluster what became of what was declared in it.

    served -> Desired: what is meant, what of it changed -> StatusWriter -> what changed by it -> EventRecorder
            Provisioner: what is to be made for Gateways      LeaseKeeper: only one replica does any of it

A replica that does not lead remembers what it would write; when it leads, it compares everything once.
"""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from proxy.controller.cluster import Client, Cluster, Current, ObjectRef
from proxy.controller.desired import PARENTS, Desired
from proxy.controller.events import EventRecorder
from proxy.controller.lease import LeaseKeeper
from proxy.controller.merge import Status, without_us
from proxy.controller.provision import Provisioner
from proxy.controller.retry import Refusal
from proxy.controller.timing import Timing
from proxy.controller.transitions import Notice, transitions
from proxy.controller.writer import StatusWriter
from proxy.observe.controller import ControllerMetrics
from proxy.observe.metrics import WorkerMetrics
from proxy.resources.meta import ObjectKey
from proxy.translate.status.build import ObjectStatus
from proxy.translate.translate import Translation

log = logging.getLogger("penstock")

LAST_WRITES = 2.0
"""Seconds that the writes of the last state have when we stop, and the lease after them."""
LOOK_AGAIN = 5.0
LEASE_NAME = "penstock-controller"


class ControllerSettings(Struct, frozen=True):
    """Who we are, and whom we share the work with."""

    controller_name: str
    namespace: str = "penstock-system"
    """Where we run: the Lease is there, the data plane's Pods, and those that are made for single Gateways."""
    lease_name: str = LEASE_NAME
    identity: str = "penstock"
    """Of this replica: the name of its Pod, and something that no other process has."""


def settings_here(
    controller_name: str, namespace: str, lease_name: str = "", *, environ: Mapping[str, str] = os.environ
) -> ControllerSettings:
    """From the Pod we run in, or as well as it can be outside of one."""
    name = environ.get("POD_NAME") or socket.gethostname()
    return ControllerSettings(controller_name, namespace, lease_name or LEASE_NAME, f"{name}_{secrets.token_hex(8)}")


class Controller:
    """Implements runtime.companion.Companion."""

    def __init__(
        self, client: Client, cluster: Cluster, settings: ControllerSettings, timing: Timing | None = None
    ) -> None:
        self._timing = timing = timing or Timing()
        self._cluster = cluster
        self._name = settings.controller_name
        self._metrics = ControllerMetrics()
        self._desired = Desired()
        self._statuses: Sequence[ObjectStatus] = ()
        self._is_blind = False
        """Some parents of routes could not be read: what is said about them is neither confirmed nor taken back."""
        self._held_back: tuple[Translation, Sequence[ObjectStatus]] | None = None
        """What is served before all of it has been read. Nobody is told of it."""
        self._tasks: list[asyncio.Task[None]] = []
        self._lease = LeaseKeeper(
            client,
            settings.namespace,
            settings.lease_name,
            settings.identity,
            on_change=self._on_leadership,
            timing=timing,
        )
        self._events = EventRecorder(client, self._metrics, settings.identity, timing)
        self._provisioner = Provisioner(
            client,
            settings.namespace,
            settings.controller_name,
            self._metrics.infrastructure,
            self._tell_gateway,
            self._lease.is_leader,
        )
        self._writer = StatusWriter(
            client,
            cluster,
            settings.controller_name,
            self._metrics,
            self._lease.is_leader,
            on_written=self._on_written,
            on_refused=self._on_refused,
            timing=timing,
        )

    # --- runtime.companion.Companion -------------------------------------------------------------

    @property
    def series(self) -> WorkerMetrics:
        return self._metrics.series

    async def run(self) -> None:
        """What it starts goes on when it is cancelled, until `close`: the last state is still to be written."""
        self._cluster.on_status = self._on_status
        parts = (self._lease, self._writer, self._events, self._provisioner)
        work = (*(part.run() for part in parts), self._look_again())
        self._tasks = [asyncio.create_task(one) for one in work]
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def served(self, translation: Translation, statuses: Sequence[ObjectStatus]) -> None:
        """Workers serve this from now on. Returns at once.

        What has not been read yet is not missing: what a start, or a Secret that comes late, makes of the rest for a
        moment is nothing to tell, nor to make and delete anything for.
        """
        if not self._cluster.complete:
            self._held_back = translation, statuses
            return
        self._held_back, self._statuses = None, statuses
        changed, gone = self._desired.update(statuses, self._cluster.bundle)
        bare = self._desired.newly_bare(translation.resources)
        self._provisioner.want(translation.infrastructure)
        was_blind, self._is_blind = self._is_blind, not PARENTS.isdisjoint(translation.resources.unread)
        self._writer.takes_back = not self._is_blind
        if not self._lease.is_leader():
            return
        if was_blind and not self._is_blind:
            self._compare_all()
            return
        for target in gone:
            self._writer.withdraw(target)
        self._offer(changed)
        for target in bare:
            self._clear(target)

    async def close(self) -> None:
        """Writes what is left, gives the lease back."""
        self._cluster.on_status = None
        if self._tasks and self._lease.is_leader():
            try:
                await self._timing.within(LAST_WRITES, self._writer.drained())
            except TimeoutError:
                log.warning("some statuses could not be written before the stop; a successor does it")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):  # then it runs out by itself
            await self._timing.within(LAST_WRITES, self._lease.release())

    # --- what happens ----------------------------------------------------------------------------

    def _on_leadership(self, leading: bool) -> None:
        """The new leader compares everything: the one before may have left anything undone."""
        self._metrics.leading(leading)
        self._cluster.adopts = not leading
        if not leading:
            self._writer.stop()
            return
        self._provisioner.look()
        self._compare_all()

    def _compare_all(self) -> None:
        for target, status in reversed(self._desired.statuses.items()):
            self._writer.offer(target, status)
        for target in self._desired.bare:
            self._clear(target)

    async def _look_again(self) -> None:
        """CRDs are upgraded while we run, and read only after we have begun; and what was to be read is there."""
        while True:
            known = self._cluster.bundle
            await self._timing.sleep(LOOK_AGAIN)
            if self._held_back is not None:
                self.served(*self._held_back)
            if self._cluster.bundle != known:
                changed, _ = self._desired.update(self._statuses, self._cluster.bundle)
                self._offer(changed)

    def _offer(self, targets: Iterable[ObjectRef]) -> None:
        if self._lease.is_leader():
            for target in targets:
                self._writer.offer(target, self._desired.statuses[target])

    def _on_status(self, kind: str, key: ObjectKey) -> None:
        if not self._statuses or not self._lease.is_leader():
            return  # before anything is served, nothing is known about any object
        target = ObjectRef(kind, key)
        if target in self._desired.statuses:
            self._writer.look(target)
        else:
            self._clear(target)

    def _clear(self, target: ObjectRef) -> None:
        """Of an object that is not ours any more, takes back what we said about it."""
        if self._is_blind:
            return
        current = self._cluster.current(target.kind, target.key)
        nothing = without_us(current.status, self._name) if current else None
        if nothing is None:
            self._writer.withdraw(target)
        else:
            self._writer.offer(target, nothing)

    def _on_written(self, target: ObjectRef, before: Current, after: Status) -> None:
        for notice in transitions(before.status, after, self._name):
            self._events.tell(target, before, notice)

    def _tell_gateway(self, key: ObjectKey, reason: str, message: str) -> None:
        """What could not be made for it."""
        target = ObjectRef("Gateway", key)
        current = self._cluster.current(target.kind, key)
        if current is not None:
            self._events.tell(target, current, Notice("Warning", reason, message))

    def _on_refused(self, target: ObjectRef, current: Current, refusal: Refusal) -> None:
        reasons = {"forbidden": "StatusForbidden", "failed": "StatusDelayed"}
        reason = reasons.get(refusal.result, "StatusRejected")
        self._events.tell(target, current, Notice("Warning", reason, refusal.message))
