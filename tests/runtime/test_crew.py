"""Workers that end are replaced: at once, and ever later when they do not live."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.config import ConfigMetrics
from proxy.observe.exposition import Exposition
from proxy.runtime import crew as crew_module
from proxy.runtime import ipc
from proxy.runtime.crew import MAX_BACKOFF, PATIENCE, Crew, backoff
from proxy.runtime.workers import Worker, WorkerGone
from tests.runtime.running import is_running


def test_the_first_replacements_come_at_once_and_later_ones_later() -> None:
    delays = [backoff(crashes) for crashes in range(1, 16)]
    assert delays[:PATIENCE] == [0.0] * PATIENCE
    assert 0.0 < delays[PATIENCE] < 1.0
    assert delays == sorted(delays)
    assert delays[-1] == backoff(10**9) == MAX_BACKOFF


class Stage:
    """A crew and what is done with its workers."""

    def __init__(self) -> None:
        self.metrics = ConfigMetrics("uvloop")
        self.exposition = Exposition(lambda: 0.0)
        self.brought_up: asyncio.Queue[Worker] = asyncio.Queue()
        self.crew = Crew(2, self.start, self.bring_up, self.exposition, self.metrics)

    def start(self) -> tuple[ipc.Start, list[int]]:
        return ipc.Start(DataPlaneSettings()), []

    async def bring_up(self, worker: Worker) -> None:
        worker.generation = 5
        self.brought_up.put_nowait(worker)

    def restarts(self) -> float:
        return self.metrics.series.value("penstock_worker_restarts_total")

    def generation(self, index: int) -> float:
        return self.metrics.series.value("penstock_config_generation", (str(index),))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    await stage.crew.start()
    yield stage
    await stage.crew.end(at_once=False)


async def test_a_dead_worker_is_replaced_and_brought_up(stage: Stage) -> None:
    before = stage.crew.all
    os.kill(before[1].pid, signal.SIGKILL)
    successor = await stage.brought_up.get()
    assert (successor.index, stage.crew.all) == (1, [before[0], successor])
    await asyncio.sleep(0)
    assert stage.restarts() == 1
    assert stage.generation(1) == 5
    assert set(stage.crew.pids) == {"worker-0", "worker-1"}
    assert stage.exposition.render().count(b"penstock_http_overhead_seconds_count") == 1


async def test_a_successor_that_dies_while_it_is_brought_up_is_replaced_too(stage: Stage, monkeypatch) -> None:
    died: list[int] = []

    async def dies_once(worker: Worker) -> None:
        if not died:
            died.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
            raise WorkerGone
        stage.brought_up.put_nowait(worker)

    monkeypatch.setattr(crew_module, "backoff", lambda crashes: 0.0)
    monkeypatch.setattr(stage.crew, "_bring_up", dies_once)
    os.kill(stage.crew.all[0].pid, signal.SIGKILL)
    successor = await stage.brought_up.get()
    assert successor.pid not in died
    assert stage.restarts() == 2


@pytest.mark.parametrize("at_once", [False, True])
async def test_after_the_end_nobody_is_left_and_nobody_is_replaced(stage: Stage, at_once: bool) -> None:
    pids = list(stage.crew.pids.values())
    await stage.crew.end(at_once)
    assert not any(map(is_running, pids))
    assert stage.restarts() == 0


async def test_no_replacement_comes_after_the_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "backoff", lambda crashes: 3600.0)
    worker = stage.crew.all[0]
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerGone):
        while True:
            await worker.ask(ipc.BeginDrain())
    await stage.crew.end(at_once=False)
    assert stage.restarts() == 0
