"""One connection passed on to an endpoint, octet for octet, each way as fast as the other side takes them.

    accepted (or its ClientHello read, or its handshake done) -> connecting -> relaying -> half closed -> over

The endpoint is connected to at once: in many protocols it is the server that speaks first. What cannot be passed on is
reset, never closed as if it had been served.
"""

from typing import TYPE_CHECKING

from proxy.downstream.l4.dial import Dial
from proxy.downstream.l4.record import L4Record
from proxy.downstream.l4.side import Side
from proxy.protocol.proxy_protocol import Addresses
from proxy.upstream.direct import DirectEndpoint
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.listeners import BoundPort
    from proxy.forward.l4 import LiveL4Route
    from proxy.forward.live import LiveListener
    from proxy.forward.origin import Port

WRITE_STALL = 30.0
"""Seconds in which a side must take some of what is left for it when all has been said."""


class Relay:
    """Both sides, and what becomes of them."""

    __slots__ = ("_bound", "_closing", "_deadline", "_dial", "_over", "_proxied", "_record", "_route", "_unsent",
                 "client", "endpoint_side")  # fmt: skip

    def __init__(
        self,
        bound: "BoundPort",
        listener: "LiveListener",
        route: "LiveL4Route | None",
        *,
        early: bytes = b"",
        tls: str = "",
        proxied: Addresses | None = None,
    ) -> None:
        """`early`: octets that came before, such as a ClientHello. `tls`: its version, where TLS ends here.
        `proxied`: whose connection a proxy says it is.
        """
        self._bound = bound
        self._route = route
        self._proxied = proxied
        self._dial: Dial | None = None
        """Where there is somebody to connect to."""
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
        peer = side.transport.get_extra_info("peername") if self._proxied is None else self._proxied.source
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
        self._dial = Dial(self, backend.upstream, self._bound.plane.loop)
        self._dial.begin()

    @property
    def addresses(self) -> Addresses | None:
        """From where to where the client's connection goes; None when it is gone."""
        return self._proxied or self.client.addresses

    def dialing(self, endpoint: DirectEndpoint, *, again: bool) -> None:
        """This endpoint is connected to. `again`: one was before, and was not there."""
        self._record.endpoint = endpoint.label
        self._record.retries += again
        self._deadline.set(self._bound.clock() + self._bound.settings.connect_timeout)

    def join(self, side: Side) -> None:
        """The endpoint is connected to."""
        client = self.client
        if client.transport is None or side.transport is None:
            self.cut("client_closed", "DC")
            return
        self.endpoint_side = side
        client.other, side.other = side, client
        self._record.passes()
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
                other.end_writing()  # it came before there was anybody to tell
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
            other.end_writing()
        return True

    def _touch(self) -> None:
        """An octet moved: the idle time starts anew."""
        self._deadline.set(self._bound.clock() + self._bound.plane.timeouts.tunnel)

    def _idle(self) -> None:
        if self._closing:
            self._look_for_stalled()
        elif self._dial is not None and self._dial.under_way:
            self._dial.give_up()
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
        dial, self._dial = self._dial, None
        if dial is not None:
            dial.end()
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
        self.cut("drained", "DR")
