"""What pools have in common: so many connections to one endpoint, and a line of those who wait for one."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from proxy.batch import WriteBatch
from proxy.errors import Overloaded, ProxyError
from proxy.observe.metrics import WorkerMetrics
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.contexts import CLEAR, Secured, SecuredKey
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.handshake import connect
from proxy.upstream.http2_connection import Http2Connection
from proxy.upstream.lease import Waiter
from proxy.upstream.settings import PoolSettings
from proxy.wheel import Deadline, Wheel


class QueuedPool(EndpointPool):
    """Keyed by endpoint, protocol and TLS identity, so it outlives every reload that keeps the endpoint."""

    __slots__ = ("_active_slot", "_batch", "_clock", "_count", "_idle_slot", "_loop", "_patience", "_settings",
                 "_sweep", "_values", "_waiting", "_wheel")  # fmt: skip

    awaited: ClassVar[str]
    """What those who wait were promised, in the words of their refusal."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wheel: Wheel,
        batch: WriteBatch,
        address: tuple[str, int],
        settings: PoolSettings,
        metrics: WorkerMetrics,
        backend: str,
        on_failure: Callable[[str], None],
        secured: Secured | None = None,
        identity: SecuredKey = CLEAR,
    ) -> None:
        """`backend` is the label under which the connections are counted: the first to use the endpoint."""
        super().__init__(address, on_failure, secured, identity)
        self._loop = loop
        self._wheel = wheel
        self._batch = batch
        self._clock = wheel.clock
        self._settings = settings
        self._values = metrics.values
        self._active_slot = metrics.gauge("penstock_upstream_connections", (backend, "active"))
        self._idle_slot = metrics.gauge("penstock_upstream_connections", (backend, "idle"))
        self._waiting: dict[Waiter, float] = {}
        """In the order they came, each with the time at which it gives up."""
        self._patience = Deadline(wheel, self._refuse_late)
        self._count = 0
        self._sweep = Deadline(wheel, self._close_idle)
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Sets what a pool of this protocol has besides."""

    @property
    def connections(self) -> int:
        return self._count

    def revive(self) -> None:
        self.retired = False

    @abstractmethod
    def _close_idle(self) -> None:
        """Close what has been idle too long."""

    async def _connect(self, connection: UpstreamConnection | Http2Connection) -> None:
        if self.secured is None:
            await self._loop.create_connection(lambda: connection, *self.address)
        else:
            await connect(self._loop, *self.address, self.secured, connection)

    # --- waiting -----------------------------------------------------------------------------

    def _join(self, waiter: Waiter) -> None:
        """To the end of the line."""
        until = self._clock() + self._settings.wait_timeout
        if not self._waiting:
            self._patience.set(until)
        self._waiting[waiter] = until

    def _check_line(self) -> None:
        """Raises Overloaded if the line is as long as it may be."""
        if len(self._waiting) >= self._settings.max_waiting:
            raise Overloaded("upstream_overflow", f"too many requests wait for {self.label}")

    def _first_waiting(self) -> Waiter:
        waiter = next(iter(self._waiting))
        del self._waiting[waiter]
        return waiter

    def _refuse_late(self) -> None:
        """No request waits for ever: all connections may be tunnels, or the endpoint may answer none of them."""
        now = self._clock()
        for waiter, until in list(self._waiting.items()):
            if until > now:
                self._patience.set(until)
                return
            text = f"no {self.awaited} to {self.label} was free within {self._settings.wait_timeout:g} s"
            self._refuse(waiter, Overloaded("upstream_wait_timeout", text))

    def _refuse(self, waiter: Waiter, error: ProxyError) -> None:
        if self._waiting.pop(waiter, None) is not None:
            self.active -= 1
            waiter.on_connect_failed(error)
