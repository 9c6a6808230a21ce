"""One client connection: bytes in, bytes out, and the time it may take.

The event loop's protocol around a codec. Entry is byte-level: `data_received` is whatever takes the next bytes, the
codec of HTTP/1 until the preface of HTTP/2 comes instead of a request, or TLS has agreed on that.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from proxy.downstream.pace import BodyPace
from proxy.downstream.sockets import has_unread, reset, was_reset
from proxy.errors import Drained, ProxyError, RequestTimeout
from proxy.forward.exchange import Exchange
from proxy.forward.finish import finish_refused
from proxy.forward.live import LiveListener
from proxy.forward.origin import Origin, Port, SecurePort
from proxy.forward.reply import error_reply, send_reply
from proxy.protocol.grpc import as_status
from proxy.protocol.http1.server import ServerCodec
from proxy.protocol.http2 import server as http2
from proxy.protocol.message import Request
from proxy.protocol.proxy_protocol import Addresses
from proxy.protocol.stream import DownstreamStream, RequestSink
from proxy.routing.listeners import PortTable
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.listeners import BoundPort


LINGER = 2.0
"""Seconds to read on after a refusal, so that the client gets to see it."""
HALF_CLOSED = 2.0
"""Seconds in which a client that has ended its half must be sent some of its answer: few read on, most are gone.
And how often it is looked whether it is there."""
WRITE_STALL = 30.0
"""Seconds in which a client must take some of what is left for it when its connection is to close."""


class ClientConnection(asyncio.Protocol):
    """Carries a server codec (protocol.http1.carrier, protocol.http2.carrier)."""

    __slots__ = ("_awaiting_body", "_batch", "_bound", "_codec", "_deadline", "_finishing", "_half_closed",
                 "_lingering", "_origin", "_patience", "_proxied", "_secure", "_transport", "_unsent",
                 "data_received")  # fmt: skip

    def __init__(self, bound: "BoundPort", secure: SecurePort | None = None, proxied: Addresses | None = None) -> None:
        """`secure`: carried by TLS, and its port as it is seen from there. `proxied`: whose a proxy says it is."""
        self._bound = bound
        self._secure = secure
        self._proxied = proxied
        self._batch = bound.plane.batch
        self._transport: asyncio.Transport | None = None
        self._codec: ServerCodec | http2.ServerCodec = ServerCodec(self, self._start, self._refuse, bound.limits)
        self._deadline = Deadline(bound.wheel, self._timed_out)
        self._awaiting_body = False
        self._patience = 0.0
        """When a request body is too slow: moved on by every octet of it."""
        self._finishing = False
        self._half_closed = False
        """The client has sent all that it will, and waits for answers, or is gone."""
        self._lingering = False
        self._unsent = 0
        """Octets the client had not taken when the last write stall began."""
        # What is called most goes straight through: received data to the codec.
        self.data_received = self._codec.feed  # type: ignore[method-assign]  # a slot of that name

    # --- event loop --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        bound = self._bound
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") if self._proxied is None else self._proxied.source
        secure = self._secure
        scheme = "http" if secure is None else "https"
        client = bound.plane.forwarding.client(peer[0] if peer else "", scheme, bound.port.declared)
        self._origin = Origin(bound.plane, secure or bound.port, client, "" if secure is None else secure.version)
        self._deadline.set(bound.clock() + bound.header_timeout)
        bound.opened(self)
        if secure is not None and secure.protocol == b"h2":
            self._speak_http2()
        elif bound.draining:
            self._codec.drain()
        if bound.plane.open_connections > bound.settings.max_connections:
            self.abort()

    def preface(self, data: bytes) -> bool:
        if self._secure is not None:
            return False
        self._speak_http2()
        assert self._transport is not None
        self._transport.set_protocol(self)  # event loops remember where data goes
        self.data_received(data)
        return True

    def _speak_http2(self) -> None:
        """By preface or by ALPN."""
        self._codec = codec = http2.ServerCodec(self, self._start, self._refuse, self._bound.limits)
        self.data_received = self._codec.feed  # type: ignore[method-assign]  # a slot of that name
        self._bound.speaks_http2(self)
        if self._bound.draining:
            codec.serve_first()

    def eof_received(self) -> bool:
        if self._lingering:
            return False
        self._codec.eof()
        return True

    def truncated(self) -> bool:
        """The same when TLS ended without saying so: what only its end delimits is not whole."""
        if self._codec.tunnels:
            self.abort()
            return False
        return self.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        # Nothing may keep a closed connection, nor its place in the wheel.
        self._transport = None
        self._deadline.drop()
        self._bound.closed(self)
        self._codec.lost("client_reset" if exc is not None else "client_closed")
        # Freed by reference counts alone: a cycle that was there when a snapshot was committed would stay for
        # ever, because the collector does not look at what was frozen then (runtime.worker).
        del self._codec, self.data_received

    def pause_writing(self) -> None:
        self._codec.blocked()

    def resume_writing(self) -> None:
        self._codec.writable()

    # --- exchanges ---------------------------------------------------------------------------

    def _start(self, stream: DownstreamStream, request: Request, end: bool) -> RequestSink:
        exchange = Exchange(self._origin, stream, request)
        exchange.begin(end)
        return exchange

    def _refuse(self, stream: DownstreamStream, error: ProxyError, call: bool = False) -> None:
        reply = error_reply(error)
        if call:
            reply = as_status(reply)
        sent = send_reply(stream, reply, b"", [])
        finish_refused(self._origin, error, reply.status, sent)

    # --- Carrier -----------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._batch.add(self._transport, data)

    def writelines(self, pieces: list[bytes]) -> None:
        if self._transport is not None:
            self._batch.flush()
            self._transport.writelines(pieces)

    def later(self, callback: Callable[[], None]) -> None:
        self._batch.later(callback)

    def deadline(self, callback: Callable[[], None]) -> Deadline:
        return Deadline(self._bound.wheel, callback)

    def clock(self) -> float:
        return self._bound.clock()

    def pace(self, late: Callable[[], None]) -> BodyPace:
        return BodyPace(self._bound, late)

    def refused(self, reason: str) -> None:
        self._bound.refused_http2(reason)

    def finish(self, linger: bool) -> None:
        transport = self._transport
        if transport is None:
            return
        self._batch.flush()
        self._finishing = True
        self._unsent = transport.get_write_buffer_size()
        if not linger or transport.is_closing():
            # The event loop closes when all is sent: never, for a client that reads nothing.
            transport.close()
            self._deadline.set(self._bound.clock() + WRITE_STALL)
            return
        self._lingering = True
        transport.write_eof()
        transport.resume_reading()
        self._deadline.set(self._bound.clock() + (WRITE_STALL if self._unsent else LINGER))

    def abort(self) -> None:
        if self._transport is not None:
            reset(self._transport)

    def pause_reading(self) -> None:
        if self._awaiting_body:
            # The time that we hold the client back is not its own.
            self._deadline.clear()
            self._patience -= self._bound.clock()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._awaiting_body:
            self._patience += self._bound.clock()
            self.await_body(0)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def await_head(self, begun: bool) -> None:
        self._awaiting_body = False
        bound = self._bound
        self._deadline.set(bound.clock() + (bound.header_timeout if begun else bound.idle_timeout))

    def await_answer(self) -> None:
        self._awaiting_body = False
        self._half_closed = True
        self._deadline.set(self._bound.clock() + HALF_CLOSED)

    def await_body(self, received: int) -> None:
        """The next octets within the body timeout, and all of them at the lowest rate at least."""
        bound = self._bound
        settings = bound.settings
        now = bound.clock()
        if not self._awaiting_body:
            self._awaiting_body = True
            self._patience = now + settings.body_timeout
        self._patience += received / settings.body_rate
        self._deadline.set(min(now + settings.body_timeout, self._patience))

    def _timed_out(self) -> None:
        """Also called for a deadline that a request has met: moving it is not worth a call per request."""
        if self._finishing:
            self._see_out()
            return
        if self._half_closed:
            if self._transport is not None and was_reset(self._transport):
                self.abort()
                return
            self._deadline.set(self._bound.clock() + HALF_CLOSED)
        what = "body" if self._awaiting_body else "header"
        self._codec.timed_out(RequestTimeout(f"request_{what}_timeout", f"the request {what} did not come in time"))

    def _see_out(self) -> None:
        """The time to finish is over, but not for a client that is still taking its answer."""
        left = 0 if self._transport is None else self._transport.get_write_buffer_size()
        if 0 < left < self._unsent:
            self._unsent = left
            self._deadline.set(self._bound.clock() + WRITE_STALL)
        else:
            self.abort()

    # --- drain -------------------------------------------------------------------------------

    def drain(self) -> None:
        """The next answer is the last."""
        self._codec.drain()

    def recheck(self, table: PortTable[LiveListener], outdated: Port) -> None:
        """`table` is to come. Where it has this client checked otherwise than it was, the end comes, at `outdated`."""
        if self._secure is not None and not self._secure.suffices(table):
            self._secure.port = outdated
            self.drain()
            self.close_if_idle()

    def close_if_idle(self, grace: float | None = None) -> None:
        """Close when no request is begun or in flight, or waits in the socket to be read. At the end of a drain only
        when none was for `grace` seconds: who had a head before the drain began does not know, and may ask once more.
        """
        if self._transport is None or self._finishing or has_unread(self._transport):
            return
        if grace is not None:
            bound = self._bound
            if self._deadline.at - bound.idle_timeout + grace > bound.clock():
                return  # the time to the next request runs: it began when the last was over
            if isinstance(self._codec, http2.ServerCodec):
                self._codec.hurry()
        if self._codec.idle and not self._finishing:
            self.finish(linger=False)

    def cut(self) -> None:
        """What is under way ends, so that its client sees that it is not whole."""
        self._codec.cut(Drained("drained", "the gateway stops"))
