"""Control when something goes wrong, with everything but its workers' processes as it is."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pytest

from proxy.observe.metrics import WorkerMetrics
from proxy.resources.meta import Wanted
from proxy.resources.store import ResourceSet
from proxy.runtime import control as control_module
from proxy.runtime.control import CannotServe, Control
from proxy.runtime.install import InstallRefused
from proxy.runtime.settings import Settings
from proxy.runtime.workers import WorkerGone, WorkerRefused
from proxy.sources.base import Loaded
from proxy.sources.file import load_text
from proxy.translate.status.build import ObjectStatus
from proxy.translate.translate import Translation
from tests.runtime.running import HOST, free_port, gateway, route, service
from tests.runtime.test_l4 import edge


class FakeSource:
    """Says what a test wants, and tells of changes when it is asked to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.changed = asyncio.Event()
        self.closed = False

    async def open(self) -> None:
        """A text is always there."""

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        return False

    def load(self) -> Loaded:
        if self.text == "explode":
            raise RuntimeError("a fault of ours")
        return load_text(self.text) if self.text else Loaded(ResourceSet(), ())

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self.changed.wait()
            self.changed.clear()
            if self.text == "watching fails":
                raise RuntimeError("no more watches")
            yield

    def close(self) -> None:
        self.closed = True


class Witness:
    """A companion that remembers what it was told, and fails when a test wants it to."""

    def __init__(self) -> None:
        self.generations: list[int] = []
        self.statuses: list[str] = []
        self.closed = 0
        self.series = WorkerMetrics.in_memory(slots=64)
        self.fail = asyncio.Event()

    async def run(self) -> None:
        await self.fail.wait()
        raise RuntimeError("no more statuses")

    def served(self, translation: Translation, statuses: Sequence[ObjectStatus]) -> None:
        self.generations.append(translation.snapshot.generation)
        self.statuses = [f"{one.kind} {one.key}" for one in statuses]

    async def close(self) -> None:
        self.closed += 1


class Stage:
    def __init__(self) -> None:
        self.port = free_port()
        self.source = FakeSource(self.text())
        self.said: list[str] = []
        settings = Settings(("x",), admin=(HOST, 0), workers=1, address=HOST)
        self.companion = Witness()
        self.control = Control(settings, self.source, self.said.append, self.companion)

    def text(self, *more: str) -> str:
        return gateway(self.port) + service(1) + route() + "".join(more)

    def reloads(self, result: str) -> float:
        return self.control._metrics.series.value("penstock_config_reloads_total", (result,))

    async def change(self, text: str, result: str) -> None:
        """Until the change has had that result once more."""
        wanted = self.reloads(result) + 1
        self.source.text = text
        self.source.changed.set()
        async with asyncio.timeout(60):
            while self.reloads(result) < wanted:  # noqa: ASYNC110 - a counter has no event
                await asyncio.sleep(0.005)


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(control_module, "raise_descriptor_limit", lambda: 0)
    monkeypatch.setattr(Control, "_handle_signals", lambda control: None)
    stage = Stage()
    run = asyncio.create_task(stage.control.run())
    async with asyncio.timeout(60):
        while not stage.said:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    yield stage
    stage.control._on_stop_signal(15)
    assert await run == 0
    assert stage.source.closed
    assert stage.companion.closed == 1


async def test_a_fault_of_ours_in_a_reload_leaves_everything_as_it_is(stage: Stage, caplog) -> None:
    before = stage.control.snapshot
    await stage.change("explode", "failure")
    assert stage.control.snapshot is before
    assert "what was served before is still served" in caplog.text
    await stage.change(stage.text(route("/new", "new")), "success")
    assert stage.control.snapshot is not before


async def test_what_a_worker_refuses_is_not_served_and_not_shown(stage: Stage, monkeypatch, caplog) -> None:
    before = stage.control.snapshot

    async def refuse(snapshot: object, workers: object) -> None:
        raise InstallRefused("no room")

    with monkeypatch.context() as patch:
        patch.setattr(stage.control._installer, "install", refuse)
        await stage.change(stage.text(route("/new", "new")), "failure")
    assert stage.control.snapshot is before
    assert "is not served, a worker refused it: no room" in caplog.text
    await stage.change(stage.text(route("/new", "new")), "success")  # the next attempt knows what is installed
    assert stage.control.snapshot is not before


async def test_when_changes_are_no_longer_noticed_that_is_told(stage: Stage, caplog) -> None:
    stage.source.text = "watching fails"
    stage.source.changed.set()
    async with asyncio.timeout(60):
        while "SIGHUP still re-reads" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    stage.source.text = stage.text(route("/new", "new"))
    stage.control._changed.set()
    await stage.change(stage.source.text, "success")


async def test_a_successor_that_refuses_the_configuration_is_told(stage: Stage, monkeypatch, caplog) -> None:
    async def refuse(worker: object) -> None:
        raise WorkerRefused("odd")

    monkeypatch.setattr(stage.control._installer, "bring_up", refuse)
    [worker] = stage.control._crew.all
    await stage.control._bring_up(worker)
    assert "worker 0 refuses the configuration: odd" in caplog.text


async def test_a_log_that_cannot_be_reopened_is_told(caplog: pytest.LogCaptureFixture) -> None:
    reply: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    reply.set_exception(WorkerRefused("odd"))
    control_module._noted(reply)
    assert "could not be reopened: odd" in caplog.text
    caplog.clear()
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    gone.set_exception(WorkerGone())
    control_module._noted(gone)
    assert caplog.text == ""


async def test_work_is_given_up_when_the_event_comes_and_its_errors_are_heard() -> None:
    event = asyncio.Event()
    event.set()
    await control_module._unless(event, asyncio.Event().wait())

    async def fails() -> None:
        raise CannotServe("so")

    with pytest.raises(CannotServe):
        await control_module._unless(asyncio.Event(), fails())


async def test_the_companion_is_told_what_is_served(stage: Stage) -> None:
    assert stage.companion.generations == [1]
    assert stage.companion.statuses == ["Gateway default/edge", "HTTPRoute default/all"]
    await stage.change(stage.text(route("/new", "new")), "success")
    assert stage.companion.generations == [1, 2]


async def test_a_companion_that_fails_takes_nothing_with_it(stage: Stage, caplog) -> None:
    stage.companion.fail.set()
    await stage.change(stage.text(route("/new", "new")), "success")
    assert stage.companion.generations == [1, 2]
    assert "statuses are no longer written" in caplog.text


async def test_what_could_not_be_bound_is_told_and_tried_again(stage: Stage, monkeypatch) -> None:
    def programmed() -> str:
        [status] = [one.status for one in stage.control.statuses if one.key.name == "late"]
        return next(each["status"] for each in status["conditions"] if each["type"] == "Programmed")

    monkeypatch.setattr(control_module, "BIND_AGAIN", (0.01, 0.0))
    again = asyncio.create_task(stage.control._bind_again())
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        late = gateway(other.getsockname()[1]).replace("edge", "late")
        await stage.change(stage.text(late), "refused_objects")
        assert programmed() == "False"
        told = len(stage.companion.generations)
    async with asyncio.timeout(60):
        while programmed() == "False":  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert stage.companion.generations[told:] == [stage.companion.generations[-1]]
    assert stage.control.problems == ()
    again.cancel()


async def test_rules_compiled_and_sent_are_counted(stage: Stage) -> None:
    def counted() -> list[float]:
        series = stage.control._metrics.series
        return [series.value(f"penstock_config_rules_{what}_total") for what in ("compiled", "shipped")]

    assert counted() == [1, 1]
    await stage.change(stage.text(route("/a", "a"), route("/b", "b")), "success")
    assert counted() == [4, 4]  # this source keeps nothing, so all three are compiled; the hostname is sent whole


async def test_what_the_companion_counts_is_shown(stage: Stage) -> None:
    series = stage.companion.series
    series.values[series.gauge("penstock_leader")] = 1.0
    assert b"\npenstock_leader 1\n" in stage.control.render_metrics(False)


async def test_a_companion_that_does_not_end_well_stops_no_stop(stage: Stage, monkeypatch, caplog) -> None:
    async def explode() -> None:
        stage.companion.closed += 1
        raise RuntimeError("no")

    monkeypatch.setattr(stage.companion, "close", explode)
    await stage.control._leave()
    assert "the companion did not end as it should" in caplog.text


async def test_the_companion_leaves_while_requests_are_still_finished(stage: Stage, monkeypatch) -> None:
    order: list[str] = []

    async def close() -> None:
        stage.companion.closed += 1
        order.append("companion")

    async def finish(*arguments: object) -> tuple[list[object], list[object]]:
        order.append(type(arguments[1]).__name__)
        return [], []

    monkeypatch.setattr(stage.companion, "close", close)
    monkeypatch.setattr(control_module, "ask_all", finish)
    await stage.control._drain()
    assert order.index("companion") < order.index("Finish")


async def test_sockets_of_udp_outlive_the_drain_so_that_each_worker_keeps_its_flows(stage: Stage) -> None:
    listeners = [{"name": name, "protocol": name.upper(), "port": free_port()} for name in ("tcp", "udp")]
    await stage.change(edge(*listeners), "success")
    bound = stage.control._listeners
    held = {bind.transport: bound.all_of([bind]) for bind in bound.binds}
    await stage.control._drain()
    assert {transport: {sock.fileno() >= 0 for sock in socks} for transport, socks in held.items()} == {
        "TCP": {False},
        "UDP": {True},
    }
    await stage.control._end()
    assert {sock.fileno() for socks in held.values() for sock in socks} == {-1}
