"""All connections to one endpoint: the idle ones, those in use, and who waits for one."""

import asyncio

from proxy.errors import ConnectTimeout, ProxyError
from proxy.protocol.http1.response_head import RepeatedResponse
from proxy.upstream.connection import ACTIVE, IDLE, LEAVING, NEW, STRUCK, UpstreamConnection
from proxy.upstream.failures import connect_error
from proxy.upstream.lease import Lease, Waiter
from proxy.upstream.queued import QueuedPool
from proxy.wheel import Deadline


class Pool(QueuedPool):
    """HTTP/1.1: one exchange at a time on each connection."""

    __slots__ = ("_dialing", "_idle", "repeated")

    awaited = "connection"

    def _begin(self) -> None:
        self._idle: list[UpstreamConnection] = []
        self._dialing: dict[Waiter, asyncio.Task[None]] = {}
        self.repeated = RepeatedResponse()

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def full(self) -> bool:
        """Whoever asks now has to wait."""
        return not self._idle and self._count >= self._settings.max_connections

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
            else:
                self._check_line()
            self._join(waiter)
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
        done = "accept" if self.secured is None else "accept and shake hands"
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
