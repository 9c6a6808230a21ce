"""Peers that do not read: what piles up for them stays small, and what they hold is taken back."""

import asyncio
import gc
import os

import pytest

from proxy.downstream import connection
from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer, answers_everything, ok
from tests.patience import eventually

SMALL = 30_000
HUGE = 64 << 20
BOUND = 1 << 20
"""Octets that may wait for one client: the high-water mark and what one read brings, twice over."""
GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"


def unsent(plane: DataPlane) -> int:
    transports = [client._transport for port in plane._ports.values() for client in port.connections]
    return sum(transport.get_write_buffer_size() for transport in transports if transport is not None)


async def small_or_huge(peer: Peer) -> None:
    while True:
        request = await peer.request()
        await peer.send(ok(bytes(SMALL if request.path == b"/small" else HUGE)))


async def stuck(gateway: Gateway, path: bytes) -> Peer:
    """A client that has asked until its answers pile up, and reads none."""
    client = await gateway.client(receive_buffer=4096)
    client.stop_reading()
    while unsent(gateway.plane) < 64 * 1024:
        await client.send(GET % path)
        await asyncio.sleep(0.002)
    return client


async def test_a_huge_answer_behind_untaken_ones_is_not_gathered_in_memory() -> None:
    async with Backend(small_or_huge) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await stuck(gateway, b"/small")
        answered = len(gateway.log.records)
        await client.send(GET % b"/huge")
        await asyncio.sleep(0.3)
        assert unsent(gateway.plane) < BOUND
        assert len(gateway.log.records) <= answered + 1


async def test_our_own_answers_do_not_pile_up_either() -> None:
    async with Gateway(rule(to(1), path=b"/elsewhere")) as gateway:
        client = await gateway.client(receive_buffer=4096)
        client.stop_reading()
        client._writer.write((GET % b"/") * 50_000)
        await eventually(lambda: unsent(gateway.plane) > 64 * 1024)
        await asyncio.sleep(0.3)
        assert unsent(gateway.plane) < BOUND


async def test_pipelined_requests_of_a_client_that_reads_again_are_all_answered() -> None:
    async with Backend(answers_everything) as backend, Gateway(rule(to(backend.port), path=b"/b")) as gateway:
        client = await gateway.client(receive_buffer=4096)
        client._writer.write((GET % b"/") * 3000 + GET % b"/b/last")
        await client.until(b"path=/b/last")
        assert client.received.count(b"HTTP/1.1 404 ") == 3000


async def test_a_client_that_never_takes_its_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WRITE_STALL", 0.1)
    settings = DataPlaneSettings(idle_timeout=0.1)
    async with Backend(small_or_huge) as backend, Gateway(rule(to(backend.port)), settings=settings) as gateway:
        await stuck(gateway, b"/small")
        await eventually(lambda: not gateway.plane.connections)


async def test_a_slow_client_gets_all_of_its_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WRITE_STALL", 0.1)

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok(bytes(1_000_000)))

    async with Backend(once) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client(receive_buffer=4096)
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        while await client.more():  # noqa: ASYNC110 - slowness is what is tested
            await asyncio.sleep(0.001)
        assert client.received.endswith(bytes(1000)) and client.how == "fin"
        assert len(client.received) > 1_000_000


async def test_an_endpoint_that_answers_early_and_reads_no_more_keeps_no_place_in_the_pool() -> None:
    async def early(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        peer.stop_reading()
        await peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        await asyncio.sleep(3600)

    async with Backend(early) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        client._writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n" + bytes(8_000_000))
        assert (await client.response()).status == 401
        (pool,) = gateway.plane._registry._pools.values()
        await eventually(lambda: (pool.connections, pool.active) == (0, 0))


async def test_a_request_that_waits_in_the_socket_is_answered_before_we_close() -> None:
    async with Backend(answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await eventually(lambda: gateway.plane.connections)
        os.write(client._writer.get_extra_info("socket").fileno(), GET % b"/late")
        gateway.plane.begin_drain()
        gateway.plane.close_idle()  # before the event loop has seen the request
        assert b"path=/late" in await client.to_the_end()


async def test_closed_connections_are_freed_without_the_garbage_collector() -> None:
    """What exists when a snapshot is committed is frozen: the collector never looks at it again."""

    def alive() -> list[str]:
        names = ("ClientConnection", "ServerCodec", "UpstreamConnection", "ClientCodec", "Exchange")
        return [name for thing in gc.get_objects() if (name := type(thing).__name__) in names]

    gc.collect()
    gc.disable()
    try:
        async with Backend(answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
            before = len(alive())
            for _ in range(5):
                client = await gateway.client()
                await client.send(GET % b"/" + GET % b"/nowhere")
                await client.response()
                client.close()
            await eventually(lambda: not gateway.plane.connections)
            (pool,) = gateway.plane._registry._pools.values()
            pool.retire()
            await eventually(lambda: not pool.connections)
            assert len(alive()) == before
    finally:
        gc.enable()


async def test_rules_that_go_are_freed_without_the_garbage_collector_with_their_turns() -> None:
    def alive() -> list[str]:
        names = ("LiveRule", "LiveBackend", "LazyHistogram", "RequestCounters", "WeightedTurns", "HostTable")
        return [name for thing in gc.get_objects() if (name := type(thing).__name__) in names]

    async with Gateway(rule(to(1), to(2))) as gateway:
        gateway.install(rule(to(1), to(2, weight=2)))
        gc.collect()
        gc.disable()
        try:
            before = len(alive())
            for weight in range(3, 20):
                gateway.install(rule(to(1), to(2, weight=weight)))
            assert len(alive()) == before
        finally:
            gc.enable()


async def test_turns_go_on_over_a_reload_that_keeps_the_weights() -> None:
    async with Gateway(rule(to(1), to(2))) as gateway:
        identity, turns = next(iter(gateway.plane._registry._turns.items()))
        turns.next()
        gateway.install(rule(to(1), to(2)), rule(to(3), path=b"/more"))
        assert gateway.plane._registry._turns[identity] is turns
