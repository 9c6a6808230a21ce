"""The pool of HTTP/2 connections, where its parts meet in one turn of the event loop. Else see tests/e2e/versions."""

import asyncio

from proxy.batch import WriteBatch
from proxy.errors import ConnectFailed
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.limits import Limits
from proxy.upstream.http2_pool import Http2Pool
from proxy.upstream.settings import PoolSettings
from tests.clock import ManualTime
from tests.protocol.http2 import frames as f
from tests.upstream.memory_loop import MemoryLoop, Transport, Waiter


class World:
    def __init__(self) -> None:
        self.loop = MemoryLoop()
        self.metrics = WorkerMetrics.in_memory()
        self.failures: list[str] = []
        self.pool = Http2Pool(
            self.loop,
            ManualTime().wheel,
            WriteBatch(lambda flush: flush()),
            ("192.0.2.1", 80),
            PoolSettings(Limits()),
            self.metrics,
            "b",
            self.failures.append,  # type: ignore[arg-type]  # counts by reason
        )

    @property
    def books(self) -> tuple[int, int, float, float]:
        """(connections, active, idle gauge, active gauge)."""
        gauges = [self.metrics.value("penstock_upstream_connections", ("b", state)) for state in ("idle", "active")]
        return self.pool.connections, self.pool.active, gauges[0], gauges[1]


async def test_a_dial_that_fails_as_its_time_is_up_failed_once() -> None:
    world, waiter = World(), Waiter()
    world.pool.request(waiter)  # type: ignore[arg-type]  # as far as a pool knows it
    [connection] = world.pool._making
    world.pool._late(connection)
    world.pool._fail(connection, ConnectFailed("connection_refused", "too late"))
    assert waiter.error is not None and waiter.error.reason == "connect_timeout"
    assert world.failures == ["connect_timeout"] and world.books == (0, 0, 0.0, 0.0)


async def test_what_is_made_in_the_turn_in_which_it_was_given_up_is_closed_and_counted_once() -> None:
    world, waiter = World(), Waiter()
    world.pool.request(waiter)  # type: ignore[arg-type]  # as far as a pool knows it
    [connection] = world.pool._making
    world.pool._late(connection)
    transport = Transport(connection)  # type: ignore[arg-type]  # a protocol, all the same
    connection.connection_made(transport)
    connection.ready()
    for _ in range(3):
        await asyncio.sleep(0)  # the attempt hears that it was given up
    assert transport.is_closing()
    await asyncio.sleep(0)
    assert world.books == (0, 0, 0.0, 0.0)


async def test_an_endpoint_that_takes_no_requests_is_not_connected_to_again_and_again() -> None:
    world, waiter = World(), Waiter()
    world.pool.request(waiter)  # type: ignore[arg-type]  # as far as a pool knows it
    [connection] = world.pool._making
    connection.connection_made(Transport(connection))  # type: ignore[arg-type]  # a protocol, all the same
    connection.data_received(f.settings(MAX_CONCURRENT_STREAMS=0))
    assert world.books == (1, 1, 1.0, 0.0) and not world.pool._making and waiter.connection is None
    connection.data_received(f.settings(MAX_CONCURRENT_STREAMS=1))
    assert world.books == (1, 1, 0.0, 1.0) and waiter.connection is not None
