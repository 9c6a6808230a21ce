"""Workers as control sees them: real processes."""

import asyncio
import os
import signal
import sys

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.runtime import ipc
from proxy.runtime.process import CONTROL_SIGNALS
from proxy.runtime.workers import Worker, WorkerGone, WorkerRefused, ask_all
from tests.runtime.running import is_running

START = ipc.Start(DataPlaneSettings())


async def started(index: int, gone: "asyncio.Queue[Worker]") -> Worker:
    worker = Worker(index, gone.put_nowait)
    await worker.ask(START, worker.series.descriptors)
    return worker


async def test_a_worker_lives_from_start_to_end() -> None:
    gone: asyncio.Queue[Worker] = asyncio.Queue()
    worker = await started(0, gone)
    assert await worker.ask(ipc.BeginDrain()) == 0
    with pytest.raises(WorkerRefused, match="nothing was prepared"):
        await worker.ask(ipc.Commit())
    await worker.end()
    assert not is_running(worker.pid)
    assert gone.empty()
    with pytest.raises(WorkerGone):
        await worker.ask(ipc.BeginDrain())


async def test_signals_are_controls_business_from_the_first_instant_on() -> None:
    worker = Worker(0, lambda worker: None)
    for number in CONTROL_SIGNALS:
        os.kill(worker.pid, number)
    assert await worker.ask(START, worker.series.descriptors) == 0
    for number in CONTROL_SIGNALS:
        os.kill(worker.pid, number)
    assert await worker.ask(ipc.BeginDrain()) == 0
    await worker.end()


async def test_a_killed_worker_is_noticed_and_leaves_nobody_waiting() -> None:
    gone: asyncio.Queue[Worker] = asyncio.Queue()
    workers = [await started(index, gone) for index in range(2)]
    os.kill(workers[0].pid, signal.SIGSTOP)
    asked = asyncio.ensure_future(ask_all(workers, ipc.BeginDrain()))
    await asyncio.sleep(0)
    os.kill(workers[0].pid, signal.SIGKILL)
    assert await asked == ([(workers[1], 0)], [])
    assert await gone.get() is workers[0]
    assert workers[0].how_it_ended() == "was killed by signal 9"
    workers[1].kill()
    assert not is_running(workers[1].pid)
    assert workers[1].gone


async def test_replies_to_those_who_no_longer_wait_are_dropped() -> None:
    worker = await started(0, asyncio.Queue())
    worker.ask(ipc.BeginDrain()).cancel()
    assert await worker.ask(ipc.BeginDrain()) == 0
    await worker.end()


async def test_a_worker_that_cannot_start_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    gone: asyncio.Queue[Worker] = asyncio.Queue()
    worker = Worker(0, gone.put_nowait)
    with pytest.raises(WorkerGone):
        await worker.ask(START, worker.series.descriptors)
    assert (await gone.get()).how_it_ended() == "ended with exit code 1"
