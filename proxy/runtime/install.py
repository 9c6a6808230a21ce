"""How a snapshot reaches every worker: all prepare, then all swap, and nobody who came is lost.

    bind what is new -> prepare everywhere -> run empty and close what goes -> commit everywhere -> open what is new

Up to the commit nothing has changed for requests, so a worker that cannot prepare stops the whole
and the old snapshot serves on.
"""

import asyncio
import logging
import time
from collections.abc import Iterable

from msgspec.structs import replace

from proxy.observe.exposition import choose_detail
from proxy.observe.live import count_rules
from proxy.observe.metrics import Detail
from proxy.resources.problem import Problem
from proxy.runtime import ipc, sockets
from proxy.runtime.listeners import Listeners, bind_problems
from proxy.runtime.workers import Worker, ask_all
from proxy.snapshot.delta import difference, encode_delta
from proxy.snapshot.snapshot import Bind, Snapshot
from proxy.translate.status.failures import BindFailure

log = logging.getLogger("penstock")


class InstallRefused(Exception):
    """A worker could not prepare the snapshot; the one before is still served."""


class Installer:
    """Knows what is installed. Its methods are never run at the same time: the caller holds a lock."""

    def __init__(self, listeners: Listeners, detail: Detail | None) -> None:
        """`detail` is --metrics-detail, None for the default."""
        self.snapshot: Snapshot | None = None
        self.detail: Detail = detail or "rule"
        self.failures: tuple[BindFailure, ...] = ()
        """Binds that could not be had."""
        self.swap_seconds = 0.0
        """Of the last install: from the first worker asked to the last one done."""
        self.shipped_rules = 0
        """In the difference of the last install."""
        self._asked_detail = detail
        self._listeners = listeners

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The failures, as they are told."""
        return tuple(problem for failure in self.failures for problem in bind_problems(failure))

    async def install(self, snapshot: Snapshot, workers: list[Worker]) -> None:
        """Everywhere. Raises InstallRefused, and then nothing has changed."""
        delta, detail = await asyncio.to_thread(self._encode, self.snapshot, snapshot)
        plan = self._listeners.plan(snapshot)
        began = time.monotonic()
        try:
            await self._prepare(ipc.Prepare(delta, detail), workers)
        except InstallRefused:
            self._listeners.close(plan.opening)
            raise
        await self._close(plan.closing, workers)
        await ask_generation(workers)
        self.snapshot, self.detail, self.failures = snapshot, detail, plan.failures
        self._listeners.settle(snapshot)
        await self._open(plan.opening, workers)
        self.swap_seconds = time.monotonic() - began

    async def bring_up(self, worker: Worker) -> None:
        """Gives a new worker what the others have."""
        if self.snapshot is None:
            return
        delta, detail = await asyncio.to_thread(self._encode, None, self.snapshot)
        await worker.ask(ipc.Prepare(delta, detail))
        await ask_generation([worker])
        await self._open(self._listeners.binds, [worker])

    async def rebind(self, workers: list[Worker]) -> None:
        """Tries again what could not be bound before; the snapshot is the same."""
        if self.snapshot is not None:
            plan = self._listeners.plan(self.snapshot)
            self._listeners.settle(self.snapshot)
            await self._open(plan.opening, workers)
            self.failures = plan.failures

    def _encode(self, old: Snapshot | None, new: Snapshot) -> tuple[bytes, Detail]:
        detail = choose_detail(self._asked_detail, count_rules(new))
        delta = difference(old, new)
        if detail != self.detail and old is not None:
            # Labels are bound when rules are prepared, so all rules are prepared again.
            delta = replace(delta, buckets=new.buckets, upstreams=new.upstreams)
        self.shipped_rules = sum(len(bucket.rules) for bucket in delta.buckets.values())
        return encode_delta(delta), detail

    async def _prepare(self, message: ipc.Prepare, workers: list[Worker]) -> None:
        done, refused = await ask_all(workers, message)
        if refused or not done:
            await ask_all(workers, ipc.Abandon())
            raise InstallRefused(str(refused[0]) if refused else "no worker survived it")

    async def _close(self, closing: list[Bind], workers: list[Worker]) -> None:
        if closing:
            left = await sockets.run_empty(self._listeners.all_of(closing))
            if left:
                log.warning("%d connections were not accepted in time on listeners that were removed", left)
            for bind in closing:
                await ask_all(workers, ipc.CloseBind(bind))
            self._listeners.close(closing)

    async def _open(self, opening: Iterable[Bind], workers: list[Worker]) -> None:
        for bind in opening:
            asked = [
                worker.ask(ipc.Open(bind), [sock.fileno()])
                for worker in workers
                for sock in self._listeners.of_worker(worker.index, bind)
            ]
            for error in await asyncio.gather(*asked, return_exceptions=True):
                if isinstance(error, BaseException):
                    log.warning("%s:%d: %s", sockets.display(bind.address), bind.port, error)


async def ask_generation(workers: list[Worker]) -> None:
    """Swaps, and notes which generation each worker acknowledges."""
    done, refused = await ask_all(workers, ipc.Commit())
    for worker, generation in done:
        worker.generation = generation
    for refusal in refused:
        log.error("a worker could not swap: %s", refusal)
