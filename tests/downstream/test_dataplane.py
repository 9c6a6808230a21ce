"""Snapshots prepared and swapped, ports opened and closed."""

import itertools
import socket

import pytest

from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.delta import difference
from proxy.snapshot.route import Entry, HostBucket, RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Listener, Snapshot
from tests.e2e.gateway import LISTENER, Gateway, rule, to
from tests.e2e.peers import Backend, connect
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_a_delta_for_another_base_changes_nothing() -> None:
    async with Gateway(rule(path=b"/a")) as gateway:
        snapshot = gateway.plane.snapshot
        assert snapshot is not None
        later = Snapshot(7, snapshot.binds, snapshot.listeners, {}, {})
        strange = difference(Snapshot(6, (), {}, {}, {}), later)
        with pytest.raises(ValueError, match="generation"):
            gateway.plane.prepare(strange)
        assert (gateway.plane.generation, gateway.plane.snapshot) == (1, snapshot)


async def test_what_is_prepared_serves_only_once_it_is_committed() -> None:
    async with Backend() as backend, Gateway(rule(path=b"/a")) as gateway:
        client = await gateway.client()
        plane = gateway.plane
        commit = plane.commit
        held = []
        plane.commit = held.append  # type: ignore[method-assign]
        gateway.install(rule(to(backend.port)))
        await client.send(GET)
        assert ((await client.response()).status, plane.generation) == (500, 1)
        commit(held[0])
        await client.send(GET)
        assert ((await client.response()).status, plane.generation) == (200, 2)


def _snapshot(generation: int, hosts: dict[bytes, bytes]) -> Snapshot:
    """A rule for each path under its hostname; rules without backends answer 500, so that they can be told from 404."""
    buckets = {
        (LISTENER, host): HostBucket(host, (Rule(f"default/{path.decode()}", 0),), (Entry(RouteMatch(path), 0, 0),))
        for host, path in hosts.items()
    }
    listeners = {LISTENER: Listener("default/gateway", "http", "HTTP", b"", 80)}
    return Snapshot(generation, (Bind("127.0.0.1", 80, (LISTENER,)),), listeners, buckets, {})


async def _statuses(port: int, *targets: tuple[bytes, bytes]) -> list[int]:
    client = await connect(port)
    found = []
    for host, path in targets:
        await client.send(b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        found.append((await client.response()).status)
    client.close()
    return found


async def test_buckets_come_change_and_go_one_by_one() -> None:
    plane = DataPlane(DataPlaneSettings(), WorkerMetrics.in_memory(), None)
    steps = [
        _snapshot(1, {b"a": b"/x", b"b": b"/x"}),
        _snapshot(2, {b"a": b"/x", b"b": b"/y"}),
        _snapshot(3, {b"a": b"/x", b"c": b"/x"}),
        _snapshot(4, {b"a": b"/x", b"c": b"/x"}),
    ]
    plane.commit(plane.prepare(difference(None, steps[0])))
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    port = sock.getsockname()[1]
    await plane.open(steps[0].binds[0], sock)
    asked = ((b"a", b"/x"), (b"b", b"/x"), (b"b", b"/y"), (b"c", b"/x"))
    seen = [await _statuses(port, *asked)]
    for old, new in itertools.pairwise(steps):
        plane.commit(plane.prepare(difference(old, new)))
        seen.append(await _statuses(port, *asked))
    assert seen == [[500, 500, 404, 404], [500, 404, 500, 404], [500, 404, 404, 500], [500, 404, 404, 500]]
    assert plane.generation == 4
    await plane.close_listeners()
    plane.abort_all()
    await eventually(lambda: not plane.connections)


async def test_a_bind_that_goes_ends_its_connections_with_their_next_answer() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        busy, idle = await gateway.client(), await gateway.client()
        for client in (busy, idle):
            await client.send(GET)
            await client.response()
        await busy.send(GET[:5])
        await eventually(lambda: not all(connection._codec.idle for connection in _connections(gateway)))
        bind = next(iter(gateway.plane._ports.values())).bind
        await gateway.plane.close_bind(bind)
        assert await idle.to_the_end() == b""
        with pytest.raises(ConnectionRefusedError):
            await connect(gateway.port)
        await busy.send(GET[5:])
        assert not (await busy.response()).persistent
        assert await busy.to_the_end() == b""


def _connections(gateway: Gateway) -> list:  # type: ignore[type-arg]
    return [connection for port in gateway.plane._ports.values() for connection in port.connections]


async def test_abort_all_leaves_nobody() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await client.response()
        gateway.plane.abort_all()
        await client.to_the_end()
        assert client.how
