"""The control process: sources, translation, workers, signals, the admin address.

    run:     start workers -> load -> install -> admin -> follow changes until told to stop -> drain
             (in a cluster the admin address comes first)
    change:  load -> translate -> install the difference (install.py)
    stop:    /readyz 503 -> drain delay -> queues run empty -> listeners close -> exchanges end

It serves no request itself: when it is busy, or dies, what is being served goes on.
"""

import asyncio
import gc
import logging
import os
import random
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress

from proxy.admin.explain import gateway_wide
from proxy.admin.view import NameState, WorkerState
from proxy.observe.config import ConfigMetrics
from proxy.observe.exposition import Exposition
from proxy.observe.live import live_objects
from proxy.observe.processes import process_metrics
from proxy.resources.problem import Problem
from proxy.runtime import ipc, sockets
from proxy.runtime.admin_addresses import AdminAddresses
from proxy.runtime.companion import Companion
from proxy.runtime.crew import Crew
from proxy.runtime.install import Installer, InstallRefused
from proxy.runtime.listeners import Listeners
from proxy.runtime.load import Candidate, Loader
from proxy.runtime.logfile import open_access_log
from proxy.runtime.names import NameService
from proxy.runtime.process import loop_name, raise_descriptor_limit
from proxy.runtime.reporting import Reporter
from proxy.runtime.settings import Settings
from proxy.runtime.workers import Worker, WorkerGone, WorkerRefused, ask_all
from proxy.snapshot.names import NameKey
from proxy.snapshot.snapshot import Snapshot, Transport
from proxy.sources.base import Source
from proxy.translate.explain.explain import Explained
from proxy.translate.status.build import ObjectStatus
from proxy.translate.status.failures import with_failures

log = logging.getLogger("penstock")

BIND_AGAIN = 10.0, 2.0
"""Seconds between attempts to bind what could not be bound, and how much they vary, either way."""
IDLE_GRACE = 1.0
"""Seconds that a client which holds a connection open has for a last request when we stop."""


class CannotServe(Exception):
    """The reason why there is nothing to run for; exit code 1."""


class Control:
    """Implements admin.view.View."""

    def __init__(
        self, settings: Settings, source: Source, say: Callable[[str], None], companion: Companion | None = None
    ) -> None:
        """`say` prints a line for people, at the start."""
        self._settings = settings
        self._source = source
        self._companion = companion
        self._loader = Loader(source, settings.translation())
        self._data_plane = settings.data_plane()
        self._report = Reporter(say)
        self._metrics = ConfigMetrics(loop_name())
        self._exposition = Exposition(time.monotonic, process_metrics(self._pids))
        self._exposition.add("control", self._metrics.series)
        if companion is not None:
            self._exposition.add("companion", companion.series)
        self._crew = Crew(settings.workers, self._first_command, self._bring_up, self._exposition, self._metrics)
        self._listeners = Listeners(settings.workers)
        self._installer = Installer(self._listeners, settings.metrics_detail)
        self._names = NameService(settings, self._exposition, lambda: self._crew.all)
        self._candidate: Candidate | None = None
        self._admin = AdminAddresses(self, settings)
        self._changing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._stop_at_once = asyncio.Event()
        self._following: set[asyncio.Task[None]] = set()
        self._log_descriptor = -1
        self._began = time.monotonic()

    @property
    def meter(self) -> ConfigMetrics:
        """Where a source counts what it sees."""
        return self._metrics

    # --- run -------------------------------------------------------------------------------------

    async def run(self) -> int:
        """The exit code."""
        self._handle_signals()
        raise_descriptor_limit()
        try:
            await _unless(self._stop, self._start())
            if self._companion is not None:
                self._follow(self._accompany(self._companion))
            self._follow(self._watch_source())
            self._follow(self._reload_when_changed())
            self._follow(self._bind_again())
            await self._stop.wait()
            await _unless(self._stop_at_once, self._drain())
        except CannotServe as reason:
            log.error("%s", reason)
            return 1
        finally:
            await self._end()
        return 0

    async def _start(self) -> None:
        """Workers start while the configuration is read.

        An API server may be waited for without end, so probes are answered before: we are alive, and not ready.
        """
        self._log_descriptor = open_access_log(self._settings.access_log)
        if self._settings.cluster is not None:
            await self._start_admin()
        _, candidate = await asyncio.gather(self._crew.start(), self._first_load())
        self._report.problems(candidate.problems)
        self._refuse_if_strict(candidate.errors)
        await self._take(candidate)
        if not self._listeners and self._settings.cluster is None:
            raise CannotServe("no listener can serve")
        self._refuse_if_strict(self._installer.problems)
        gc.collect()
        gc.freeze()
        if self._settings.cluster is None:
            await self._start_admin()
        self._report.started(self.snapshot, self._listeners.binds, len(self._crew.all), self._admin.url)

    async def _start_admin(self) -> None:
        if not await self._admin.start() and self._settings.strict:
            raise CannotServe("stopping, because --strict was given")

    async def _first_load(self) -> Candidate:
        await self._source.open()
        return await self._loader.settle()

    def _refuse_if_strict(self, errors: Sequence[Problem]) -> None:
        if errors and self._settings.strict:
            raise CannotServe(f"{len(errors)} error{'s' * (len(errors) > 1)}, and --strict was given")

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._changed.set)
        loop.add_signal_handler(signal.SIGUSR1, self._reopen_log)

    def _on_stop_signal(self, number: int) -> None:
        if self._stop.is_set():
            log.warning("%s again: stopping at once", signal.Signals(number).name)
            self._stop_at_once.set()
        self._stop.set()

    def _follow(self, work: Coroutine[None, None, None]) -> None:
        self._following.add(asyncio.create_task(work))

    # --- changes ---------------------------------------------------------------------------------

    async def _watch_source(self) -> None:
        try:
            async for _ in self._source.changes():
                self._changed.set()
        except Exception:
            log.exception("changes are no longer noticed by themselves; SIGHUP still re-reads the sources")

    async def _accompany(self, companion: Companion) -> None:
        try:
            await companion.run()
        except Exception:
            log.exception("statuses are no longer written; what is served goes on being served")

    async def _reload_when_changed(self) -> None:
        """One at a time; what changes meanwhile is taken together in the next."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                candidate = await self._loader.settle()
                self._report.problems(candidate.problems)
                await self._take(candidate)
            except Exception:
                log.exception("the reload failed; what was served before is still served")
                self._metrics.reloaded("failure", time.time())

    async def _bind_again(self) -> None:
        """An address may come later than its Gateway, and a port be freed."""
        pause, spread = BIND_AGAIN
        while True:
            await asyncio.sleep(random.uniform(pause - spread, pause + spread))
            before = self._installer.failures
            if not before:
                continue
            try:
                async with self._changing:
                    await self._installer.rebind(self._crew.all)
            except Exception:
                log.exception("what could not be bound was not tried again this time")
            if self._installer.failures != before:
                self._tell_served()

    def _tell_served(self) -> None:
        """The companion, and everybody who reads the log."""
        if self._companion is not None and self._candidate is not None:
            self._companion.served(self._candidate.translation, self.statuses)
        self._report.problems(self.problems)

    async def _take(self, candidate: Candidate) -> None:
        """Installs it if it differs from what is installed; notes what came of it."""
        async with self._changing:
            try:
                await self._install(candidate.snapshot)
            except InstallRefused as error:
                log.error("generation %d is not served, a worker refused it: %s", candidate.snapshot.generation, error)
                self._metrics.reloaded("failure", time.time())
                return
            self._candidate = candidate
        if self._companion is not None:
            await asyncio.to_thread(lambda: candidate.statuses)  # of many routes they take a while
        self._tell_served()
        self._metrics.loaded(candidate.durations)
        self._metrics.compiled(candidate.compiled_rules)
        self._metrics.objects(candidate.object_counts())
        refused = candidate.errors or self._installer.problems
        self._metrics.reloaded("refused_objects" if refused else "success", time.time())

    async def _install(self, snapshot: Snapshot) -> None:
        if snapshot is self._installer.snapshot:
            return await self._installer.rebind(self._crew.all)
        self._names.follow(self.snapshot, snapshot)  # what is new is looked up while workers prepare
        try:
            await self._installer.install(snapshot, self._crew.all)
        finally:
            self._names.follow(self.snapshot)
        self._crew.note_generations()
        self._metrics.certificates(snapshot.certificate_ends())
        self._names.show(snapshot, live_objects(snapshot, self._installer.detail))
        self._metrics.loaded({"swap": self._installer.swap_seconds})
        self._metrics.shipped(self._installer.shipped_rules)
        self._report.installed(snapshot)
        return None

    # --- workers ---------------------------------------------------------------------------------

    def _first_command(self) -> tuple[ipc.Start, list[int]]:
        has_log = self._log_descriptor >= 0
        start = ipc.Start(
            settings=self._data_plane,
            log_level=self._settings.log_level,
            access_log=has_log,
            access_log_format=self._settings.access_log_format,
        )
        return start, [self._log_descriptor] if has_log else []

    async def _bring_up(self, worker: Worker) -> None:
        async with self._changing:
            try:
                self._names.tell(worker)
                await self._installer.bring_up(worker)
                if self.draining:
                    await worker.ask(ipc.BeginDrain())
            except WorkerRefused as error:
                log.error("worker %d refuses the configuration: %s", worker.index, error)

    def _reopen_log(self) -> None:
        """SIGUSR1, after log rotation."""
        descriptor = open_access_log(self._settings.access_log)
        if descriptor < 0 or self._log_descriptor < 0:
            return
        os.close(self._log_descriptor)
        self._log_descriptor = descriptor
        for worker in self._crew.all:
            worker.ask(ipc.ReopenLog(), [descriptor]).add_done_callback(_noted)

    # --- stop ------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Everybody whose connection is made gets a whole answer."""
        settings = self._settings
        log.info("stopping%s", f"; accepting for {settings.drain_delay:g} s more" if settings.drain_delay else "")
        leaving = asyncio.create_task(self._leave())
        async with self._changing:
            await ask_all(self._crew.all, ipc.BeginDrain())
        await asyncio.sleep(settings.drain_delay)
        await sockets.run_empty(self._listeners.all_of(self._listeners.binds))
        self._crew.closed = True
        async with self._changing:
            await ask_all(self._crew.all, ipc.CloseListeners())
            self._listeners.close(bind for bind in self._listeners.binds if bind.transport == "TCP")
        done, _ = await ask_all(self._crew.all, ipc.Finish(settings.drain_timeout, IDLE_GRACE))
        cut = sum(left for _, left in done)
        if cut:
            log.warning("%d connections and flows were still busy after %g s and were cut", cut, settings.drain_timeout)
        await leaving

    async def _leave(self) -> None:
        """Nothing is followed any more, and the companion goes: for what it holds others need not wait for a drain."""
        companion, self._companion = self._companion, None
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        if companion is not None:
            try:
                await companion.close()
            except Exception:
                log.exception("the companion did not end as it should")

    async def _end(self) -> None:
        """Nothing stays behind, whatever happened before."""
        await self._leave()
        await self._names.close()
        await self._crew.end(at_once=self._stop_at_once.is_set())
        self._listeners.close(self._listeners.binds)
        await self._admin.stop()
        self._source.close()

    # --- admin.view.View -------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot | None:
        return self._installer.snapshot

    @property
    def statuses(self) -> Sequence[ObjectStatus]:
        return with_failures(self._candidate.statuses, self._installer.failures) if self._candidate else ()

    @property
    def problems(self) -> Sequence[Problem]:
        return (*(self._candidate.problems if self._candidate else ()), *self._installer.problems)

    @property
    def explained(self) -> Explained | None:
        if self._candidate is None:
            return None
        return Explained(self._candidate.translation, gateway_wide(self._data_plane), self._candidate.locate)

    @property
    def draining(self) -> bool:
        return self._stop.is_set()

    @property
    def bound(self) -> Sequence[tuple[str, int, Transport]]:
        return [bind.socket for bind in self._listeners.binds]

    @property
    def workers(self) -> Mapping[int, WorkerState]:
        now = asyncio.get_running_loop().time()
        return {
            worker.index: WorkerState(worker.pid, worker.generation, now - worker.started_at)
            for worker in self._crew.all
        }

    @property
    def names(self) -> Mapping[NameKey, NameState]:
        return self._names.states

    @property
    def uptime(self) -> float:
        return time.monotonic() - self._began

    def render_metrics(self, openmetrics: bool) -> bytes:
        return self._exposition.render(openmetrics)

    def _pids(self) -> Mapping[str, int]:
        return {"control": os.getpid(), **self._crew.pids}


async def _unless(event: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Does the work, and gives up on it when the event comes first."""
    task = asyncio.create_task(work)
    interruption = asyncio.create_task(event.wait())
    await asyncio.wait([task, interruption], return_when=asyncio.FIRST_COMPLETED)
    interruption.cancel()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _noted(reply: "asyncio.Future[int]") -> None:
    """Nobody waits for this reply; a failure is logged, a worker that ended is noticed elsewhere."""
    error = None if reply.cancelled() else reply.exception()
    if error is not None and not isinstance(error, WorkerGone):
        log.error("the access log could not be reopened: %s", error)
