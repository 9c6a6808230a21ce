"""All HTTP/2 connections to one endpoint. Few of them: each carries as many requests as the endpoint takes at a time.

    asked -> a connection with room: at once
          -> none: wait for one that is being made, or make one (max_connections), first come first served

A new connection takes no request before the endpoint's SETTINGS are there. Whoever connects and then does not say them
in time is none that speaks HTTP/2.
"""

import asyncio

from proxy.errors import ConnectFailed, ConnectTimeout, ProxyError
from proxy.upstream.failures import connect_error
from proxy.upstream.http2_connection import Http2Connection, StreamLease
from proxy.upstream.lease import Lease, Waiter
from proxy.upstream.queued import QueuedPool
from proxy.wheel import Deadline


class Http2Pool(QueuedPool):
    """HTTP/2: as many exchanges at a time on each connection as the endpoint takes."""

    __slots__ = ("_making", "_ready")

    awaited = "stream"

    def _begin(self) -> None:
        self._ready: list[Http2Connection] = []
        """Those that take requests, unless they are full."""
        self._making: dict[Http2Connection, tuple[asyncio.Task[None], Deadline]] = {}
        """Those whose SETTINGS are not there yet."""

    @property
    def full(self) -> bool:
        return self._count >= self._settings.max_connections and not any(one.room > 0 for one in self._ready)

    # --- asked for ---------------------------------------------------------------------------

    def take(self) -> StreamLease | None:
        for connection in self._ready:
            if connection.room > 0:
                self.active += 1
                return self._lease(connection)
        return None

    def _lease(self, connection: Http2Connection) -> StreamLease:
        if not connection.leased:
            self._values[self._idle_slot] -= 1.0
            self._values[self._active_slot] += 1.0
        return connection.lease()

    def request(self, waiter: Waiter, *, fresh: bool = False) -> None:
        """Whoever wants a `fresh` one comes from a connection that is gone, or that had no room for it."""
        self._check_line()
        self._join(waiter)
        self.active += 1
        self._serve()

    def forget(self, waiter: Waiter) -> None:
        if self._waiting.pop(waiter, None) is not None:
            self.active -= 1

    def release(self, connection: Lease) -> None:
        assert isinstance(connection, StreamLease)
        connection.over()

    def _serve(self) -> None:
        """Whoever waits gets what there is; for the rest a connection is made, one at a time."""
        for connection in tuple(self._ready):
            while self._waiting and connection.room > 0:
                self._first_waiting().on_connected(self._lease(connection))
        if self._waiting and not self._making and self._may_make():
            self._dial()

    def _may_make(self) -> bool:
        """Not where the endpoint would have no request on the last one that was made: the next would be no better."""
        turned_away = any(not one.reused and one.room <= 0 for one in self._ready)
        return not turned_away and self._count < self._settings.max_connections

    # --- a connection's life -----------------------------------------------------------------

    def _dial(self) -> None:
        self._count += 1
        scheme = b"http" if self.secured is None else b"https"
        connection = Http2Connection(self, self._settings.limits, self._wheel, self._batch, scheme)
        task = self._loop.create_task(self._connect(connection))
        deadline = Deadline(self._wheel, lambda: self._late(connection))
        deadline.set(self._clock() + self._settings.connect_timeout)
        self._making[connection] = task, deadline
        task.add_done_callback(lambda task: self._dialed(connection, task))

    def _dialed(self, connection: Http2Connection, task: "asyncio.Task[None]") -> None:
        cause = None if task.cancelled() else task.exception()
        if cause is not None:
            self._fail(connection, connect_error(self.label, cause))
        elif connection.struck:
            connection.abort()  # it was made all the same, in the very turn in which it was given up

    def _late(self, connection: Http2Connection) -> None:
        seconds = self._settings.connect_timeout
        if connection.transport is None:
            error: ProxyError = ConnectTimeout("connect_timeout", f"{self.label} did not accept within {seconds:g} s")
        else:
            error = ConnectTimeout("settings_timeout", f"{self.label} sent no SETTINGS within {seconds:g} s")
        self._fail(connection, error)

    def _fail(self, connection: Http2Connection, error: ProxyError) -> None:
        """It never came to take requests. Those who wait for nothing else hear of it."""
        made = self._making.pop(connection, None)
        if made is None:
            return  # its time was up in the turn in which it failed
        task, deadline = made
        deadline.drop()
        task.cancel()
        if connection.transport is None:
            self._count -= 1
            connection.struck = True
        else:
            connection.abort()
        self.refused(error.reason)
        if not self._ready:
            for waiter in tuple(self._waiting):
                self._refuse(waiter, error)

    def ready(self, connection: Http2Connection) -> None:
        """The endpoint has said how many requests it takes, or has room again."""
        made = self._making.pop(connection, None)
        if made is not None:
            made[1].drop()
            connection.was_ready = True
            self._ready.append(connection)
            self._values[self._idle_slot] += 1.0
            self._rest(connection)
        if self._waiting:
            self._serve()

    def returned(self, connection: Http2Connection) -> None:
        """An exchange on it is over."""
        self.active -= 1
        if not connection.leased:
            self._values[self._active_slot] -= 1.0
            self._values[self._idle_slot] += 1.0
            self._rest(connection)
        if self._waiting:
            self._serve()

    def _rest(self, connection: Http2Connection) -> None:
        if self.retired and not self._waiting:
            connection.go()
            return
        connection.idle_since = now = self._clock()
        if self._sweep.at == float("inf"):
            self._sweep.set(now + self._settings.idle_timeout)

    def leaving(self, connection: Http2Connection) -> None:
        """It takes no further request."""
        if connection in self._ready:
            self._ready.remove(connection)
            if self._waiting:
                self._serve()

    def closed(self, connection: Http2Connection) -> None:
        """The connection is gone, whatever it was doing."""
        if connection.struck:
            return
        if connection in self._making:
            self._count -= 1
            self._making_ended(connection)
            return
        self._count -= 1
        if connection.was_ready:
            self._values[self._idle_slot] -= 1.0
        if self._waiting:
            self._serve()

    def _making_ended(self, connection: Http2Connection) -> None:
        text = f"{self.label} closed before its SETTINGS: it does not speak HTTP/2"
        _, deadline = self._making.pop(connection)
        deadline.drop()
        self.refused("not_http2")
        for waiter in () if self._ready else tuple(self._waiting):
            self._refuse(waiter, ConnectFailed("not_http2", text))

    def _close_idle(self) -> None:
        """Close what has been idle too long."""
        now = self._clock()
        timeout = self._settings.idle_timeout
        idle = [connection for connection in self._ready if not connection.leased]
        for connection in idle:
            if connection.idle_since + timeout <= now:
                connection.go()
        left = [one.idle_since for one in self._ready if not one.leased]
        if left:
            self._sweep.set(min(left) + timeout)

    def retire(self) -> None:
        self.retired = True
        for connection in tuple(self._ready):
            if not connection.leased:
                connection.go()
