"""A loop whose connections are made when the test says so, without a socket."""

import asyncio
from collections.abc import Callable
from typing import Any

from proxy.batch import WriteBatch
from proxy.errors import ProxyError
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.limits import Limits
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import Pool
from proxy.upstream.settings import PoolSettings
from tests.clock import ManualTime


class Transport(asyncio.Transport):
    """Closes as real ones do: at once for us, a moment later for the protocol."""

    def __init__(self, protocol: UpstreamConnection) -> None:
        super().__init__()
        self._protocol = protocol
        self._closing = False
        self._ended = False
        self.written = b""

    def write(self, data: Any) -> None:
        assert not self._closing, "written to a connection that is closing"
        assert not self._ended, "written after the end"
        self.written += data

    def write_eof(self) -> None:
        self._ended = True

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    resume_reading = pause_reading


class Dial:
    """One attempt to connect."""

    def __init__(self, factory: Callable[[], UpstreamConnection], silent: bool) -> None:
        self._factory = factory
        self._silent = silent
        self._outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.connection: UpstreamConnection | None = None

    def succeeds(self) -> None:
        self._outcome.set_result(None)

    def fails(self, error: Exception) -> None:
        self._outcome.set_exception(error)

    async def run(self) -> tuple[Transport, UpstreamConnection]:
        await self._outcome
        self.connection = connection = self._factory()
        transport = Transport(connection)
        connection.connection_made(transport)
        try:
            await asyncio.sleep(0)  # as create_connection waits for connection_made
        except asyncio.CancelledError:
            # asyncio closes the transport and says so to the protocol; uvloop closes it without a word.
            if not self._silent:
                transport.close()
            transport.is_closing = lambda: True  # type: ignore[method-assign]
            transport.close = transport.abort = lambda: None  # type: ignore[method-assign]
            raise
        return transport, connection


class MemoryLoop:
    """What a pool needs of a loop."""

    def __init__(self) -> None:
        self.dials: list[Dial] = []
        self.silent = False
        """A connection given up while it is made ends without connection_lost, as on uvloop."""

    def create_task(self, work: Any) -> "asyncio.Task[Any]":
        return asyncio.get_running_loop().create_task(work)

    async def create_connection(self, factory: Callable[[], UpstreamConnection], host: str, port: int) -> Any:
        self.dials.append(Dial(factory, self.silent))
        return await self.dials[-1].run()


class Waiter:
    """An exchange, as far as a pool knows it."""

    def __init__(self) -> None:
        self.connection: UpstreamConnection | None = None
        self.error: ProxyError | None = None

    def on_connected(self, connection: UpstreamConnection) -> None:
        assert self.connection is None and self.error is None
        self.connection = connection

    def on_connect_failed(self, error: ProxyError) -> None:
        assert self.connection is None and self.error is None
        self.error = error


class PoolUnderTest:
    """A pool, its loop, its clock and its books."""

    def __init__(self, **settings: Any) -> None:
        self.loop = MemoryLoop()
        self.time = ManualTime()
        self.metrics = WorkerMetrics.in_memory()
        self.failures: list[str] = []
        self.pool = Pool(
            self.loop,
            self.time.wheel,
            WriteBatch(lambda flush: flush()),
            ("192.0.2.1", 80),
            PoolSettings(Limits(), **settings),
            self.metrics,
            "b",
            self.failures.append,  # type: ignore[arg-type]
        )

    @property
    def books(self) -> tuple[int, int, int, float, float]:
        """(connections, idle, active, idle gauge, active gauge)."""
        gauges = [self.metrics.value("penstock_upstream_connections", ("b", state)) for state in ("idle", "active")]
        return (self.pool.connections, self.pool.idle, self.pool.active, gauges[0], gauges[1])

    async def settled(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def being_made(self) -> None:
        """Up to the moment between the connection and the news of it."""
        for _ in range(50):
            if self.loop.dials[-1].connection is not None:
                return
            await asyncio.sleep(0)
        raise AssertionError("no connection")

    async def connected(self) -> UpstreamConnection:
        """A connection in use."""
        waiter = Waiter()
        self.pool.request(waiter)
        await self.settled()
        self.loop.dials[-1].succeeds()
        await self.settled()
        assert waiter.connection is not None
        return waiter.connection
