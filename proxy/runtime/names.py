"""NameService: the control process's side of DNS names: followed as the snapshot has them, told to every worker.

Names are looked up here and not in the workers: once for all of them, in one place that can be asked, and a worker
loads nothing for it. A configuration without names loads nothing at all.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from proxy.admin.view import NameState
from proxy.observe.exposition import Exposition
from proxy.observe.live import LiveObjects, named_endpoints
from proxy.observe.names import NameMetrics
from proxy.runtime import ipc
from proxy.runtime.settings import Settings
from proxy.runtime.workers import Worker, WorkerGone
from proxy.snapshot.names import NameKey, Resolved
from proxy.snapshot.snapshot import Snapshot
from proxy.wheel import Wheel

if TYPE_CHECKING:
    from proxy.names.table import Names

log = logging.getLogger("penstock.names")


class NameService:
    """Needs a running event loop once there are names."""

    def __init__(self, settings: Settings, exposition: Exposition, workers: Callable[[], Iterable[Worker]]) -> None:
        """`workers` are those to be told."""
        self._settings = settings
        self._exposition = exposition
        self._workers = workers
        self._names: Names | None = None
        self._shown: tuple[Snapshot, LiveObjects] | None = None
        self._wheel = Wheel(time.monotonic, self._wake)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def follow(self, *snapshots: Snapshot | None) -> None:
        """The names of these and no others from now on."""
        wanted = frozenset[NameKey]().union(*(each.name_keys() for each in snapshots if each is not None))
        if self._names is None and wanted:
            self._names = self._begin()
        if self._names is not None:
            self._names.follow(wanted)

    def tell(self, worker: Worker) -> None:
        """Everything, to one that has just begun."""
        if self._names is not None and self._names.resolved:
            worker.ask(ipc.Resolve(self._names.resolved)).add_done_callback(_noted)

    def show(self, snapshot: Snapshot, live: LiveObjects) -> None:
        """Has metrics of endpoints shown: of those that this snapshot has, and those that its names lead to."""
        self._shown = snapshot, live
        resolved = () if self._names is None else self._names.resolved
        self._exposition.set_live(live.leading_to(named_endpoints(snapshot, resolved)) if resolved else live)

    def _on_change(self, news: tuple[Resolved, ...]) -> None:
        for worker in self._workers():
            worker.ask(ipc.Resolve(news)).add_done_callback(_noted)
        if self._shown is not None:
            self.show(*self._shown)

    @property
    def states(self) -> dict[NameKey, NameState]:
        """For people."""
        if self._names is None:
            return {}
        now = time.monotonic()
        return {
            key: NameState(
                state=entry.state,
                addresses=entry.addresses,
                fresh_for=entry.fresh_until - now if entry.resolved_at else None,
                age=now - entry.resolved_at if entry.resolved_at else None,
                trouble=entry.trouble,
                detail=entry.detail,
                forbidden=tuple(f"{address} is {why}" for address, why in entry.refused),
            )
            for key, entry in self._names.entries.items()
        }

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._names is not None:
            await self._names.close()

    def _begin(self) -> "Names":
        from proxy.names.lookup import DnsLookup  # noqa: PLC0415  nobody pays for DNS who has no names
        from proxy.names.table import Names  # noqa: PLC0415  the same

        meter = NameMetrics()
        self._exposition.add("names", meter.series)
        lookup = DnsLookup(self._settings.dns_servers)
        return Names(lookup, self._settings.guard(), self._wheel, self._on_change, meter)

    def _wake(self, at: float) -> None:
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._advance)

    def _advance(self) -> None:
        self._timer = None
        self._wheel.advance()


def _noted(reply: "asyncio.Future[int]") -> None:
    """Nobody waits for this reply; a worker that ended is noticed elsewhere."""
    error = None if reply.cancelled() else reply.exception()
    if error is not None and not isinstance(error, WorkerGone):
        log.error("a worker does not know what names lead to: %s", error)
