"""One connection passed on to an endpoint, octet for octet, each way as fast as the other side takes them.

    accepted (or its ClientHello read, or its handshake done) -> connecting -> relaying -> half closed -> over

The endpoint is connected to at once: in many protocols it is the server that speaks first. What cannot be passed on is
reset, never closed as if it had been served.
"""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from proxy.downstream.l4.record import L4Record
from proxy.errors import ProxyError
from proxy.tls.engine import TLSFailure
from proxy.tls.transport import SecureTransport
from proxy.upstream.direct import DirectEndpoint
from proxy.upstream.failures import connect_error
from proxy.upstream.handshake import connect
from proxy.upstream.naming import Naming
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.listeners import BoundPort
    from proxy.forward.l4 import LiveL4Route
    from proxy.forward.live import LiveListener
    from proxy.forward.origin import Port

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_MOST_ENDPOINTS = 3
"""Asked when connecting fails."""
WRITE_STALL = 30.0
"""Seconds in which a side must take some of what is left for it when all has been said."""


class Side(asyncio.Protocol):
    """One of the two connections. Carried by TCP, or by TLS over it (tls.transport.Carried)."""

    __slots__ = ("ended", "held", "other", "relay", "transport")

    def __init__(self, relay: "Relay") -> None:
        self.relay: Relay | None = relay
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.held = b""
        """What came before there was another side: no more than one read."""
        self.ended = False
        """It sends no more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.relay is not None:
            self.relay.made(self)

    def data_received(self, data: bytes) -> None:
        if self.relay is not None:
            self.relay.moved(self, data)

    def eof_received(self) -> bool:
        if self.relay is None:
            return False
        return self.relay.half_closed(self)

    def truncated(self) -> bool:
        """TLS ended without saying so: the end is not to be believed, so it is passed on as a reset."""
        if self.relay is not None:
            self.relay.cut("truncated")
        return False

    def broken(self, failure: TLSFailure) -> None:
        """TLS to an endpoint failed after its handshake."""
        if self.relay is not None:
            self.relay.cut(failure.reason)

    def pause_writing(self) -> None:
        if (source := self._source()) is not None:
            source.pause_reading()

    def resume_writing(self) -> None:
        if (source := self._source()) is not None:
            source.resume_reading()

    def _source(self) -> asyncio.Transport | None:
        """From where comes what is written here. One that is closing is read no more (uvloop would raise)."""
        source = None if self.other is None else self.other.transport
        return None if source is None or source.is_closing() else source

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        relay, self.relay = self.relay, None
        if relay is not None:
            relay.lost(self, exc)

    def abort(self) -> None:
        """Close at once; the peer sees a reset where one is possible."""
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()

    def close(self) -> None:
        """What was written goes out."""
        if self.transport is not None:
            self.transport.close()


class Relay:
    """Both sides, and what becomes of them."""

    __slots__ = ("_bound", "_closing", "_deadline", "_endpoint", "_over", "_record", "_route", "_task",
                 "_tried", "_unsent", "client", "endpoint_side")  # fmt: skip

    def __init__(
        self,
        bound: "BoundPort",
        listener: "LiveListener",
        route: "LiveL4Route | None",
        *,
        early: bytes = b"",
        tls: str = "",
    ) -> None:
        """`early`: octets that came before, such as a ClientHello. `tls`: its version, where TLS ends here."""
        self._bound = bound
        self._route = route
        self._tried: tuple[DirectEndpoint, ...] = ()
        self._endpoint: DirectEndpoint | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        """Both sides have said all; some of it may still be on its way."""
        self._unsent = 0
        """Octets that were on their way when that was last looked at."""
        self._over = False
        self._deadline = Deadline(bound.wheel, self._idle)
        self._record = L4Record(bound.plane, listener, route, "")
        self._record.tls = tls
        self.client = Side(self)
        self.client.held = early
        self.endpoint_side: Side | None = None

    # --- connecting --------------------------------------------------------------------------

    def made(self, side: Side) -> None:
        """One of the two is connected."""
        if side is self.client:
            self._begin(side)

    def _begin(self, side: Side) -> None:
        assert side.transport is not None
        peer = side.transport.get_extra_info("peername")
        self._record.client = peer[0].removeprefix("::ffff:") if peer else ""
        self._bound.relay_opened(self)
        if self._bound.plane.open_connections > self._bound.settings.max_connections:
            self.cut("overload", "UO")
            return
        backend = None if self._route is None else self._route.choose()
        if backend is None:
            self.cut("no_route" if self._route is None else "no_backend", "NR" if self._route is None else "NB")
            return
        self._record.backend = backend
        if backend.upstream is None or backend.upstream.invalid:
            reason = backend.upstream.invalid if backend.upstream is not None else backend.invalid
            self.cut(reason or "invalid_backend", "NB")
            return
        self._connect()

    def _connect(self) -> None:
        backend = self._record.backend
        assert backend is not None and backend.upstream is not None
        endpoint = backend.upstream.pick(self._tried)
        if endpoint is None:
            self._without_endpoint(backend.upstream.naming)
            return
        self._endpoint = endpoint
        self._record.endpoint = endpoint.label
        endpoint.taken()
        side = Side(self)
        loop = self._bound.plane.loop
        task = self._task = loop.create_task(self._dial(endpoint, side))
        self._deadline.set(self._bound.clock() + self._bound.settings.connect_timeout)
        task.add_done_callback(lambda task: self._dialed(endpoint, side, task))

    def _without_endpoint(self, naming: Naming | None) -> None:
        """Nothing to connect to; where that is only because a DNS name has no answer yet, it is waited for."""
        if naming is None:
            self.cut("no_ready_endpoint", "NE")
            return
        try:
            if not naming.pending:
                raise naming.error()
            naming.wait(self)
        except ProxyError as error:
            self.on_unnamed(error)

    def on_named(self) -> None:
        """What the DNS name leads to is known now."""
        if not self._over:
            self._connect()

    def on_unnamed(self, error: ProxyError) -> None:
        self.cut(error.reason, error.flag)

    async def _dial(self, endpoint: DirectEndpoint, side: Side) -> None:
        loop = self._bound.plane.loop
        host, port = endpoint.address
        if endpoint.secured is None:
            await loop.create_connection(lambda: side, host, port)
        else:
            await connect(loop, host, port, endpoint.secured, side)

    def _dialed(self, endpoint: DirectEndpoint, side: Side, task: "asyncio.Task[None]") -> None:
        cause = None if task.cancelled() else task.exception()
        if self._task is not task:
            side.relay = None
            side.abort()  # nobody waits for it any more
            return
        self._task = None
        if cause is None and not task.cancelled() and side.transport is not None:
            self._join(side)
            return
        side.relay = None
        side.abort()
        endpoint.left()
        self._endpoint = None
        reason = "connect_timeout" if task.cancelled() else connect_error(endpoint.label, cause).reason
        endpoint.refused(reason)
        self._tried = (*self._tried, endpoint)
        backend = self._record.backend
        assert backend is not None and backend.upstream is not None
        others = [other for other in backend.upstream.pools if other not in self._tried]
        if others and len(self._tried) < _MOST_ENDPOINTS:
            self._record.retries += 1
            self._connect()
        else:
            self.cut(reason, "UF")

    def _join(self, side: Side) -> None:
        client = self.client
        if client.transport is None or side.transport is None:
            self.cut("client_closed", "DC")
            return
        self.endpoint_side = side
        client.other, side.other = side, client
        self._touch()
        for one in (client, side):
            if one.held:
                held, one.held = one.held, b""
                self.moved(one, held)
        if client.ended and side.ended:
            self._finish()
            return
        for one, other in ((client, side), (side, client)):
            if one.ended and other.transport is not None:
                _end_writing(other.transport)  # it came before there was anybody to tell
        client.transport.resume_reading()
        side.transport.resume_reading()

    # --- relaying ----------------------------------------------------------------------------

    def moved(self, side: Side, data: bytes) -> None:
        """Octets from one side are for the other."""
        other = side.other
        if other is None:
            side.held += data
            if side.transport is not None:
                side.transport.pause_reading()
            return
        if side is self.client:
            self._record.bytes_in += len(data)
        else:
            self._record.bytes_out += len(data)
        self._touch()
        if other.transport is not None:
            other.transport.write(data)

    def half_closed(self, side: Side) -> bool:
        """One side sends no more, and may still be sent to. Whether its connection stays open for that."""
        side.ended = True
        other = side.other
        if other is None:
            # A client that closes before there is an endpoint: it may wait for what the endpoint has to say.
            return not self._over
        if other.ended:
            self._finish()
            return False
        self._touch()
        if other.transport is not None and not other.transport.is_closing():
            _end_writing(other.transport)
        return True

    def _touch(self) -> None:
        """An octet moved: the idle time starts anew."""
        self._deadline.set(self._bound.clock() + self._bound.plane.timeouts.tunnel)

    def _idle(self) -> None:
        if self._closing:
            self._look_for_stalled()
        elif self._task is not None:
            self._task.cancel()  # no answer from the endpoint in time
        else:
            self.cut("idle_timeout", "UT")

    # --- ends --------------------------------------------------------------------------------

    def lost(self, side: Side, exc: Exception | None) -> None:
        """One of the connections is gone. What it sent before still goes out."""
        if self._over:
            return
        if self._closing:
            if exc is not None:
                self.cut("client_reset" if side is self.client else "upstream_reset", "")
            elif self.client.transport is None and (self.endpoint_side is None or self.endpoint_side.transport is None):
                self._end("ok", "")
        elif exc is None and side.ended:
            self._finish()
        elif side is self.client:
            self.cut("client_reset" if exc is not None else "client_closed", "DC")
        else:
            self.cut("upstream_reset" if exc is not None else "upstream_closed", "UC")

    def _finish(self) -> None:
        """Both have said all they had to say."""
        self._closing = True
        self._unsent = self._still_unsent()
        self._deadline.set(self._bound.clock() + WRITE_STALL)
        self.client.close()
        if self.endpoint_side is not None:
            self.endpoint_side.close()

    def _look_for_stalled(self) -> None:
        """A side that takes what is left, however slowly, has the time; one that takes nothing has not."""
        left = self._still_unsent()
        if left >= self._unsent:
            self.cut("write_stalled", "")
            return
        self._unsent = left
        self._deadline.set(self._bound.clock() + WRITE_STALL)

    def _still_unsent(self) -> int:
        sides = (side.transport for side in (self.client, self.endpoint_side) if side is not None)
        return sum(transport.get_write_buffer_size() for transport in sides if transport is not None)

    def cut(self, result: str, flags: str = "UC") -> None:
        """It cannot go on: neither side may take what it got for whole."""
        self._end(result, flags)
        self.client.abort()
        if self.endpoint_side is not None:
            self.endpoint_side.abort()

    def _end(self, result: str, flags: str) -> None:
        if self._over:
            return
        self._over = True
        self._deadline.drop()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        if self._endpoint is not None:
            self._endpoint.left()
        backend = self._record.backend
        if backend is not None and backend.upstream is not None and backend.upstream.naming is not None:
            backend.upstream.naming.forget(self)
        self._record.end(result, flags)
        for side in (self.client, self.endpoint_side):
            if side is not None:
                side.relay = side.other = None
        self._bound.relay_closed(self)

    # --- like every connection of a port -----------------------------------------------------

    def drain(self) -> None:
        """Only its ends know when it is over; at the end of the time to drain it is cut."""

    def close_if_idle(self, grace: float | None = None) -> None:
        """Whether it is idle nobody can tell."""

    def recheck(self, table: object, outdated: "Port") -> None:
        """How clients are checked matters to those who come."""

    def abort(self) -> None:
        self.cut("drained", "")


def _end_writing(transport: asyncio.Transport) -> None:
    """Say that no more is to come, and read on. TLS has a word for that of its own (tls.transport)."""
    if isinstance(transport, SecureTransport):
        transport.end_writing()
    elif transport.can_write_eof():
        transport.write_eof()
