"""A worker, driven in this process over a socket pair, with a real data plane."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.metrics import SharedSeries
from proxy.runtime import ipc, sockets, worker
from proxy.runtime.worker import Worker
from proxy.snapshot.delta import difference, encode_delta
from proxy.snapshot.route import Entry, HostBucket, Redirect, RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Listener, Snapshot

BIND = Bind("127.0.0.1", 8080, ("ns/gw/http",))


def snapshot(generation: int, hostname: str) -> Snapshot:
    """Answers everything with a redirect to `hostname`."""
    rule = Rule(route="ns/r", index=0, filters=(Redirect(hostname=hostname),))
    return Snapshot(
        generation=generation,
        binds=(BIND,),
        listeners={"ns/gw/http": Listener("ns/gw", "http", "HTTP", b"", 80)},
        buckets={("ns/gw/http", b""): HostBucket(b"", (rule,), (Entry(RouteMatch(), 0, 0),))},
        upstreams={},
    )


class Control:
    """The other end: asks, and remembers replies in order."""

    def __init__(self, sock: socket.socket) -> None:
        self.replies: asyncio.Queue[ipc.Reply | None] = asyncio.Queue()
        self.channel = ipc.Channel(sock, self)

    def on_message(self, body: bytes) -> None:
        self.replies.put_nowait(ipc.decode_reply(body))

    def on_closed(self) -> None:
        self.replies.put_nowait(None)

    async def ask(self, command: ipc.Command, *descriptors: int) -> ipc.Reply | None:
        self.channel.send(ipc.encode(command), descriptors)
        return await self.replies.get()


class Running:
    """A started worker with a listening socket, a log and its series."""

    def __init__(self, control: Control, task: "asyncio.Task[None]", series: SharedSeries, log: Path) -> None:
        self.control = control
        self.task = task
        self.series = series
        self.log = log
        [[self.socket]] = sockets.bind("127.0.0.1", 0, 1)

    async def install(self, old: Snapshot | None, new: Snapshot) -> ipc.Reply | None:
        assert await self.control.ask(ipc.Prepare(encode_delta(difference(old, new)))) == ipc.Done()
        return await self.control.ask(ipc.Commit())

    async def open(self) -> None:
        assert await self.control.ask(ipc.Open(BIND), self.socket.fileno()) == ipc.Done()

    async def get(self) -> bytes:
        """The head of the answer to one request."""
        reader, writer = await asyncio.open_connection(*self.socket.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return head


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(worker, "configure_logging", lambda level: None)
    ours, theirs = socket.socketpair()
    control = Control(ours)
    task = asyncio.create_task(Worker(theirs).run())
    series = SharedSeries.create("test")
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    start = ipc.Start(DataPlaneSettings(), access_log=True)
    assert await control.ask(start, *series.descriptors, log) == ipc.Done()
    os.close(log)
    series.close_descriptors()
    run = Running(control, task, series, tmp_path / "log")
    yield run
    control.channel.close()
    await task
    run.socket.close()


async def test_it_serves_what_it_was_given_and_acknowledges_the_generation(running: Running) -> None:
    assert await running.install(None, snapshot(7, "one.example")) == ipc.Done(7)
    await running.open()
    assert b"location: http://one.example/" in await running.get()


async def test_what_is_prepared_is_not_served_before_the_commit(running: Running) -> None:
    one, two = snapshot(1, "one.example"), snapshot(2, "two.example")
    await running.install(None, one)
    await running.open()
    await running.control.ask(ipc.Prepare(encode_delta(difference(one, two))))
    assert b"one.example" in await running.get()
    assert await running.control.ask(ipc.Commit()) == ipc.Done(2)
    assert b"two.example" in await running.get()


async def test_what_is_abandoned_is_forgotten(running: Running) -> None:
    one, two = snapshot(1, "one.example"), snapshot(2, "two.example")
    await running.install(None, one)
    await running.control.ask(ipc.Prepare(encode_delta(difference(one, two))))
    assert await running.control.ask(ipc.Abandon()) == ipc.Done()
    refused = await running.control.ask(ipc.Commit())
    assert isinstance(refused, ipc.Failed)
    assert "nothing was prepared" in refused.error
    assert await running.install(one, two) == ipc.Done(2)


async def test_a_delta_for_another_base_is_refused_and_it_serves_on(running: Running) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    delta = encode_delta(difference(snapshot(5, "five.example"), snapshot(6, "six.example")))
    refused = await running.control.ask(ipc.Prepare(delta))
    assert isinstance(refused, ipc.Failed)
    assert "WrongBase" in refused.error
    assert b"one.example" in await running.get()


async def test_requests_are_counted_where_control_can_read(running: Running) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    await running.get()
    assert b"penstock_http_requests_total" in bytes(running.series.log[:65536])
    assert 1.0 in running.series.values[:4096].tolist()


async def test_the_log_can_be_reopened(running: Running, tmp_path: Path) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    new = os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    assert await running.control.ask(ipc.ReopenLog(), new) == ipc.Done()
    os.close(new)
    await running.get()
    running.control.channel.close()
    await running.task
    assert json.loads((tmp_path / "new").read_text())["status"] == 302
    assert not running.log.read_text()


async def test_a_removed_bind_is_no_longer_accepted_on(running: Running) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    address = running.socket.getsockname()
    await running.get()
    assert await running.control.ask(ipc.CloseBind(BIND)) == ipc.Done()
    running.socket.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_draining_says_close_and_ends_when_nobody_is_left(running: Running) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    reader, writer = await asyncio.open_connection(*running.socket.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"connection: close" not in await reader.readuntil(b"\r\n\r\n")
    await running.control.ask(ipc.BeginDrain())
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"connection: close" in (await reader.readuntil(b"\r\n\r\n")).lower()
    await running.control.ask(ipc.CloseListeners())
    assert await running.control.ask(ipc.Finish(60.0, 60.0)) == ipc.Done(0)
    assert (await reader.read()).count(b"HTTP/1.1") == 0
    writer.close()


async def test_connections_without_a_request_get_their_grace_and_no_more(running: Running) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    reader, writer = await asyncio.open_connection(*running.socket.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await running.control.ask(ipc.BeginDrain())
    await running.control.ask(ipc.CloseListeners())
    assert await running.control.ask(ipc.Finish(60.0, 0.0)) == ipc.Done(0)
    writer.close()


async def test_what_is_still_open_at_the_end_is_cut_and_counted(running: Running) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    _, writer = await asyncio.open_connection(*running.socket.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHo")
    await running.get()
    assert await running.control.ask(ipc.Finish(0.0, 60.0)) == ipc.Done(1)
    writer.close()


async def test_without_control_it_ends_by_itself(running: Running) -> None:
    await running.install(None, snapshot(1, "one.example"))
    await running.open()
    address = running.socket.getsockname()
    await running.get()
    running.control.channel.close()
    running.socket.close()
    await running.task
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_a_worker_without_a_log_or_a_configuration_ends_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "configure_logging", lambda level: None)
    for started in (False, True):
        ours, theirs = socket.socketpair()
        control = Control(ours)
        task = asyncio.create_task(Worker(theirs).run())
        if started:
            series = SharedSeries.create("test")
            await control.ask(ipc.Start(DataPlaneSettings()), *series.descriptors)
            reader, writer = os.pipe()
            assert await control.ask(ipc.ReopenLog(), writer) == ipc.Done()
            os.close(writer)
            assert os.read(reader, 1) == b""  # the worker has closed its copy, which it has no use for
            os.close(reader)
            series.close_descriptors()
        control.channel.close()
        await task
