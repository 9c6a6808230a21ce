"""The crew: N workers, each replaced when it ends, their series kept apart per life.

A worker that dies is replaced at once; one that dies again and again ever later, so that a crash
loop does not take the whole machine.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from proxy.observe.config import ConfigMetrics
from proxy.observe.exposition import Exposition
from proxy.runtime import ipc
from proxy.runtime.workers import Worker, WorkerGone

log = logging.getLogger("penstock")

STABLE = 10.0
"""A worker that lived so many seconds was not in a crash loop."""
PATIENCE = 3
"""Replacements in a row that come at once."""
MAX_BACKOFF = 30.0


def backoff(crashes: int) -> float:
    """Seconds to wait before the replacement."""
    return 0.0 if crashes <= PATIENCE else min(MAX_BACKOFF, 0.125 * 2.0 ** min(crashes - PATIENCE, 16))


class Crew:
    """`closed` ends all replacing."""

    def __init__(
        self,
        size: int,
        start: Callable[[], tuple[ipc.Start, list[int]]],
        bring_up: Callable[[Worker], Awaitable[None]],
        exposition: Exposition,
        metrics: ConfigMetrics,
    ) -> None:
        """`start()` makes a worker's first command and its descriptors; `bring_up` gives it what the others have."""
        self.closed = False
        self._size = size
        self._start = start
        self._bring_up = bring_up
        self._exposition = exposition
        self._metrics = metrics
        self._workers: dict[int, Worker] = {}
        self._crashes = [0] * size
        self._replacing: set[asyncio.Task[None]] = set()

    @property
    def all(self) -> list[Worker]:
        """Those alive, by index."""
        return [worker for _, worker in sorted(self._workers.items())]

    @property
    def pids(self) -> Mapping[str, int]:
        return {f"worker-{worker.index}": worker.pid for worker in self.all}

    async def start(self) -> None:
        """All, ready for their first configuration."""
        await asyncio.gather(*(self._start_one(index) for index in range(self._size)))

    def note_generations(self) -> None:
        for worker in self._workers.values():
            self._metrics.acknowledged(worker.index, worker.generation)

    async def end(self, at_once: bool) -> None:
        self.closed = True
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        if at_once:
            for worker in self.all:
                worker.kill()
        await asyncio.gather(*(worker.end() for worker in self.all))

    async def _start_one(self, index: int) -> None:
        worker = Worker(index, self._on_gone)
        self._workers[index] = worker
        self._exposition.add(_key(worker), worker.series)
        command, descriptors = self._start()
        asked = worker.ask(command, [*worker.series.descriptors, *descriptors])
        worker.series.close_descriptors()
        with suppress(WorkerGone):  # its end is noticed by _on_gone as well
            await asked

    def _on_gone(self, worker: Worker) -> None:
        self._exposition.retire(_key(worker))
        del self._workers[worker.index]
        self._metrics.acknowledged(worker.index, 0)
        if self.closed:
            return
        log.error("worker %d (process %d) %s", worker.index, worker.pid, worker.how_it_ended())
        lived = asyncio.get_running_loop().time() - worker.started_at
        self._crashes[worker.index] = 1 if lived >= STABLE else self._crashes[worker.index] + 1
        task = asyncio.create_task(self._replace(worker.index, backoff(self._crashes[worker.index])))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _replace(self, index: int, delay: float) -> None:
        """Connections that wait in the queues of the one before are served by this one."""
        await asyncio.sleep(delay)
        if self.closed:
            return
        self._metrics.restarted()
        await self._start_one(index)
        worker = self._workers.get(index)
        if worker is None:
            return
        try:
            await self._bring_up(worker)
        except WorkerGone:
            return
        self.note_generations()
        log.info("worker %d is back as process %d", index, worker.pid)


def _key(worker: Worker) -> str:
    return f"worker-{worker.index}/{worker.pid}"
