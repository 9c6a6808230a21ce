"""How a snapshot reaches every worker: all or nobody. Workers are played by fakes that write down what they hear."""

import asyncio
import socket
from collections.abc import Iterator, Sequence

import pytest

from proxy.runtime import install, ipc, sockets
from proxy.runtime.install import Installer, InstallRefused
from proxy.runtime.listeners import Listeners
from proxy.runtime.workers import WorkerGone, WorkerRefused
from proxy.snapshot.delta import decode_delta
from proxy.snapshot.route import HostBucket, Rule
from proxy.snapshot.snapshot import Bind, Listener, Snapshot
from tests.runtime.running import free_port

LISTENER = Listener("ns/gw", "http", "HTTP", b"", 80)
HOST = "127.0.0.1"


class FakeWorker:
    """Does what it is told, unless `fails` says what it answers to a kind of command."""

    def __init__(self, index: int, story: list[str]) -> None:
        self.index = index
        self.generation = 0
        self.story = story
        self.fails: dict[type, Exception] = {}
        self.commands: list[ipc.Command] = []
        self._prepared = 0

    def ask(self, message: ipc.Command, descriptors: Sequence[int] = ()) -> "asyncio.Future[int]":
        return self.ask_encoded(ipc.encode(message), descriptors)

    def ask_encoded(self, data: bytes, descriptors: Sequence[int] = ()) -> "asyncio.Future[int]":
        command = ipc.decode_command(data[4:])
        self.commands.append(command)
        self.story.append(type(command).__name__)
        reply: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if error := self.fails.get(type(command)):
            reply.set_exception(error)
        else:
            reply.set_result(self._do(command))
        return reply

    def _do(self, command: ipc.Command) -> int:
        if isinstance(command, ipc.Prepare):
            self._prepared = decode_delta(command.delta).generation
        return self._prepared if isinstance(command, ipc.Commit) else 0


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    run_empty = sockets.run_empty

    async def told_run_empty(sockets: Sequence[socket.socket]) -> int:
        told.append("run_empty")
        return await run_empty(sockets, settle=0.0, patience=0.0)

    monkeypatch.setattr(install.sockets, "run_empty", told_run_empty)
    return told


@pytest.fixture
def workers(story: list[str]) -> list[FakeWorker]:
    return [FakeWorker(index, story) for index in range(2)]


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    listeners = Listeners(workers=2)
    yield listeners
    listeners.close(listeners.binds)


@pytest.fixture
def ports() -> list[int]:
    return [free_port(), free_port()]


def snapshot(generation: int, *ports: int, rules: int = 0) -> Snapshot:
    table = tuple(Rule(route="ns/r", index=index) for index in range(rules))
    return Snapshot(
        generation=generation,
        binds=tuple(Bind(HOST, port, (LISTENER.key,)) for port in ports),
        listeners={LISTENER.key: LISTENER},
        buckets={(LISTENER.key, b""): HostBucket(b"", table, ()), (LISTENER.key, b"same"): HostBucket(b"same", (), ())},
        upstreams={},
    )


def is_bound(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((HOST, port)) == 0


async def test_all_prepare_then_all_swap_then_all_open(listeners, workers, story, ports) -> None:
    installer = Installer(listeners, None)
    await installer.install(snapshot(3, ports[0]), workers)
    assert story == ["Prepare"] * 2 + ["Commit"] * 2 + ["Open"] * 2
    assert [worker.generation for worker in workers] == [3, 3]
    assert installer.snapshot is not None
    assert installer.swap_seconds > 0


async def test_what_goes_runs_empty_and_closes_before_the_swap(listeners, workers, story, ports) -> None:
    installer = Installer(listeners, None)
    await installer.install(snapshot(1, ports[0]), workers)
    story.clear()
    await installer.install(snapshot(2, ports[1]), workers)
    assert story == ["Prepare"] * 2 + ["run_empty"] + ["CloseBind"] * 2 + ["Commit"] * 2 + ["Open"] * 2
    assert [is_bound(port) for port in ports] == [False, True]


async def test_connections_nobody_accepts_are_told(listeners, workers, ports, caplog) -> None:
    installer = Installer(listeners, None)
    await installer.install(snapshot(1, ports[0]), workers)
    with socket.create_connection((HOST, ports[0])):
        await installer.install(snapshot(2, ports[1]), workers)
    assert "1 connections were not accepted in time" in caplog.text


async def test_one_refusal_stops_the_whole(listeners, workers, story, ports) -> None:
    installer = Installer(listeners, None)
    first = snapshot(1, ports[0])
    await installer.install(first, workers)
    story.clear()
    workers[1].fails[ipc.Prepare] = WorkerRefused("no room")
    with pytest.raises(InstallRefused, match="no room"):
        await installer.install(snapshot(2, ports[1]), workers)
    assert story == ["Prepare"] * 2 + ["Abandon"] * 2
    assert installer.snapshot is first
    assert [is_bound(port) for port in ports] == [True, False]


async def test_a_worker_that_dies_meanwhile_stops_nobody(listeners, workers, ports) -> None:
    installer = Installer(listeners, None)
    workers[0].fails[ipc.Prepare] = WorkerGone("killed")
    await installer.install(snapshot(1, ports[0]), workers)
    assert [worker.generation for worker in workers] == [0, 1]
    workers[1].fails[ipc.Prepare] = WorkerGone("killed")
    with pytest.raises(InstallRefused, match="no worker survived"):
        await installer.install(snapshot(2, ports[0]), workers)


async def test_a_worker_that_cannot_open_or_swap_is_told(listeners, workers, ports, caplog) -> None:
    installer = Installer(listeners, None)
    workers[0].fails = {ipc.Open: WorkerRefused("no sockets left"), ipc.Commit: WorkerRefused("odd")}
    await installer.install(snapshot(1, ports[0]), workers)
    assert "no sockets left" in caplog.text
    assert "could not swap: odd" in caplog.text
    assert [worker.generation for worker in workers] == [0, 1]


async def test_a_successor_gets_everything(listeners, workers, story, ports) -> None:
    installer = Installer(listeners, None)
    await installer.install(snapshot(1, *ports), workers)
    successor = FakeWorker(0, [])
    await installer.bring_up(successor)
    assert successor.story == ["Prepare", "Commit", "Open", "Open"]
    assert decode_delta(successor.commands[0].delta).base == 0
    assert successor.generation == 1


async def test_before_the_first_configuration_there_is_nothing_to_give(listeners, workers, story) -> None:
    installer = Installer(listeners, None)
    await installer.bring_up(workers[0])
    await installer.rebind(workers)
    assert story == []


async def test_a_port_in_use_is_a_problem_and_had_once_it_is_free(listeners, workers, story, ports) -> None:
    installer = Installer(listeners, None)
    with socket.socket() as other:
        other.bind((HOST, ports[1]))
        other.listen()
        await installer.install(snapshot(1, *ports), workers)
        [problem] = installer.problems
        assert (problem.kind, problem.namespace, problem.name) == ("Gateway", "ns", "gw")
        assert f"{HOST}:{ports[1]}" in problem.message
        assert f"--map-port {ports[1]}=" in problem.hint
    story.clear()
    await installer.rebind(workers)
    assert installer.problems == ()
    assert story == ["Open"] * 2
    assert is_bound(ports[1])


async def test_many_rules_mean_coarser_metrics_and_all_rules_are_prepared_again(listeners, workers, ports) -> None:
    installer = Installer(listeners, None)
    await installer.install(snapshot(1, ports[0], rules=2000), workers)
    await installer.install(snapshot(2, ports[0], rules=2001), workers)
    prepared = [command for command in workers[0].commands if isinstance(command, ipc.Prepare)]
    assert [command.detail for command in prepared] == ["rule", "route"]
    deltas = [decode_delta(command.delta) for command in prepared]
    assert [delta.base for delta in deltas] == [0, 1]
    assert [len(delta.buckets) for delta in deltas] == [2, 2]
    assert installer.detail == "route"


async def test_asked_detail_holds_for_any_number_of_rules(listeners, workers, ports) -> None:
    installer = Installer(listeners, "listener")
    await installer.install(snapshot(1, ports[0], rules=1), workers)
    await installer.install(snapshot(2, ports[0], rules=3000), workers)
    prepared = [command for command in workers[0].commands if isinstance(command, ipc.Prepare)]
    assert [command.detail for command in prepared] == ["listener", "listener"]
    assert [decode_delta(command.delta).base for command in prepared] == [0, 1]
