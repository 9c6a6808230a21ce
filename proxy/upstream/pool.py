"""All connections to one endpoint: the idle ones, those in use, and who waits for one."""

import asyncio
from collections.abc import Callable

from proxy.batch import WriteBatch
from proxy.errors import ConnectTimeout, Overloaded, ProxyError
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.http1.response_head import RepeatedResponse
from proxy.upstream.connection import ACTIVE, IDLE, LEAVING, NEW, STRUCK, UpstreamConnection
from proxy.upstream.contexts import CLEAR, Secured, SecuredKey
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.failures import connect_error
from proxy.upstream.handshake import connect
from proxy.upstream.lease import Lease, Waiter
from proxy.upstream.settings import PoolSettings
from proxy.wheel import Deadline, Wheel


class Pool(EndpointPool):
    """Keyed by endpoint and TLS identity, so it outlives every reload that keeps the endpoint."""

    __slots__ = ("_active_slot", "_batch", "_clock", "_count", "_dialing", "_host", "_idle",
                 "_idle_slot", "_loop", "_patience", "_port", "_secured", "_settings", "_sweep", "_values",
                 "_waiting", "_wheel", "refused", "repeated")  # fmt: skip

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
        """`backend` is the label under which the connections are counted: the first to use the endpoint.

        `secured`: they speak TLS, of this `identity`.
        """
        self._loop = loop
        self._wheel = wheel
        self._batch = batch
        self._clock = wheel.clock
        self._host, self._port = address
        self._settings = settings
        self._secured = secured
        self.identity = identity
        self.refused = on_failure
        """Counts, by reason, that there was no connection after all."""
        self._values = metrics.values
        self._active_slot = metrics.gauge("penstock_upstream_connections", (backend, "active"))
        self._idle_slot = metrics.gauge("penstock_upstream_connections", (backend, "idle"))
        self._idle: list[UpstreamConnection] = []
        self._dialing: dict[Waiter, asyncio.Task[None]] = {}
        self._waiting: dict[Waiter, float] = {}
        """In the order they came, each with the time at which it gives up."""
        self._patience = Deadline(wheel, self._refuse_late)
        self._count = 0
        self._sweep = Deadline(wheel, self._close_idle)
        self.active = 0
        """Exchanges that have or are getting a connection here: what least-request compares."""
        self.repeated = RepeatedResponse()
        self.retired = False
        """No snapshot names the endpoint any more: connections close as they come back."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.label = f"{host}:{self._port}"

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def full(self) -> bool:
        """Whoever asks now has to wait."""
        return not self._idle and self._count >= self._settings.max_connections

    @property
    def connections(self) -> int:
        """Idle, in use and being made."""
        return self._count

    def take(self) -> UpstreamConnection | None:
        """An idle connection, the one used last first, so that surplus ones grow old and close."""
        if not self._idle:
            return None
        connection = self._idle.pop()
        connection.place = ACTIVE
        self.active += 1
        values = self._values
        values[self._idle_slot] -= 1.0
        values[self._active_slot] += 1.0
        return connection

    def request(self, waiter: Waiter, *, fresh: bool = False) -> None:
        """Have `waiter` called with a connection or an error. Raises Overloaded at the limits."""
        if self._count < self._settings.max_connections:
            self._dial_for(waiter)
        else:
            if fresh and self._idle:
                self._idle[0].close()
            elif len(self._waiting) >= self._settings.max_waiting:
                raise Overloaded("upstream_overflow", f"too many requests wait for {self.label}")
            until = self._clock() + self._settings.wait_timeout
            if not self._waiting:
                self._patience.set(until)
            self._waiting[waiter] = until
        self.active += 1

    def forget(self, waiter: Waiter) -> None:
        """The waiter is not interested any more."""
        task = self._dialing.pop(waiter, None)
        if task is not None:
            self.active -= 1
            task.cancel()
        elif self._waiting.pop(waiter, None) is not None:
            self.active -= 1

    def release(self, connection: Lease) -> None:
        """An exchange is over and its connection may carry another."""
        assert isinstance(connection, UpstreamConnection)
        self.active -= 1
        values = self._values
        values[self._active_slot] -= 1.0
        if self._waiting:
            self._hand_out(connection, self._first_waiting())
        elif self.retired:
            connection.place = LEAVING
            connection.close()
        else:
            connection.place = IDLE
            connection.idle_since = now = self._clock()
            values[self._idle_slot] += 1.0
            if not self._idle:
                self._sweep.set(now + self._settings.idle_timeout)
            self._idle.append(connection)

    def leaving(self, connection: UpstreamConnection) -> None:
        """The connection is about to close: nobody may be given it any more."""
        if connection.place == IDLE:
            connection.place = LEAVING
            self._idle.remove(connection)
            self._values[self._idle_slot] -= 1.0

    def closed(self, connection: UpstreamConnection) -> None:
        """The connection is gone, whatever it was doing."""
        if connection.place == STRUCK:
            return
        self.leaving(connection)
        self._count -= 1
        if connection.place == ACTIVE:
            self.active -= 1
            self._values[self._active_slot] -= 1.0
        connection.place = LEAVING
        self._dial_for_next()

    def retire(self) -> None:
        """Close what is idle now and the rest as it comes back."""
        self.retired = True
        for connection in list(self._idle):
            connection.close()

    def revive(self) -> None:
        self.retired = False

    # --- waiting -----------------------------------------------------------------------------

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
            if self._waiting.pop(waiter, None) is not None:
                self.active -= 1
                text = f"no connection to {self.label} was free within {self._settings.wait_timeout:g} s"
                waiter.on_connect_failed(Overloaded("upstream_wait_timeout", text))

    # --- dialing -----------------------------------------------------------------------------

    def _hand_out(self, connection: UpstreamConnection, waiter: Waiter) -> None:
        """The waiter's share of `active` is the connection's from now on."""
        connection.place = ACTIVE
        self._values[self._active_slot] += 1.0
        waiter.on_connected(connection)

    def _dial_for_next(self) -> None:
        if self._waiting and self._count < self._settings.max_connections:
            self._dial_for(self._first_waiting())

    def _dial_for(self, waiter: Waiter) -> None:
        self._count += 1
        connection = UpstreamConnection(self, self._settings.limits, self._wheel, self._batch)
        task = self._loop.create_task(self._connect(connection))
        deadline = Deadline(self._wheel, task.cancel)
        deadline.set(self._clock() + self._settings.connect_timeout)
        self._dialing[waiter] = task
        task.add_done_callback(lambda task: self._dialed(waiter, connection, task, deadline))

    async def _connect(self, connection: UpstreamConnection) -> None:
        if self._secured is None:
            await self._loop.create_connection(lambda: connection, self._host, self._port)
        else:
            await connect(self._loop, self._host, self._port, self._secured, connection)

    def _dialed(
        self, waiter: Waiter, connection: UpstreamConnection, task: "asyncio.Task[None]", deadline: Deadline
    ) -> None:
        """The attempt is over: connected, failed, timed out, or nobody wants it any more."""
        deadline.drop()
        wanted = self._dialing.get(waiter) is task
        if wanted:
            del self._dialing[waiter]
        cause = None if task.cancelled() else task.exception()
        if connection.place == NEW and (task.cancelled() or cause is not None):
            # Maybe it was made already: uvloop then closes it without a word to the protocol (connection_lost).
            self._count -= 1
            connection.place = STRUCK
        if not wanted:
            connection.close()
        elif connection.transport is not None and cause is None and not task.cancelled():
            self._hand_out(connection, waiter)
        else:
            self.active -= 1
            error = self._timed_out() if task.cancelled() else connect_error(self.label, cause)
            self.refused(error.reason)
            waiter.on_connect_failed(error)
        self._dial_for_next()

    def _timed_out(self) -> ProxyError:
        seconds = self._settings.connect_timeout
        done = "accept" if self._secured is None else "accept and shake hands"
        return ConnectTimeout("connect_timeout", f"{self.label} did not {done} within {seconds:g} s")

    def _close_idle(self) -> None:
        """Close what has been idle too long; the oldest stands first."""
        now = self._clock()
        timeout = self._settings.idle_timeout
        for connection in list(self._idle):
            if connection.idle_since + timeout <= now:
                connection.close()
            else:
                self._sweep.set(connection.idle_since + timeout)
                return
