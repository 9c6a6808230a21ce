"""Server side of one HTTP/2 connection: each stream that a client opens is a request, and is given to an exchange.

preface -> open -> draining (two GOAWAYs, RFC 9113 section 6.8) -> closed
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from proxy.errors import ProxyError
from proxy.protocol.grpc import says_call
from proxy.protocol.http2.carrier import ServerCarrier
from proxy.protocol.http2.engine import (
    EngineError,
    Event,
    PingAcknowledged,
    RequestReceived,
    StreamClosed,
    TrailersReceived,
    server_engine,
)
from proxy.protocol.http2.request_head import RequestReader, read_trailers
from proxy.protocol.http2.server_stream import ServerStream
from proxy.protocol.http2.session import Session
from proxy.protocol.http2.stream import ENHANCE_YOUR_CALM, PROTOCOL_ERROR
from proxy.protocol.limits import Limits
from proxy.protocol.message import Request
from proxy.protocol.stream import DownstreamStream, RequestSink

_DRAIN = b"draining"
"""Opaque data of the PING that follows the first GOAWAY: its answer comes behind every request that was under way."""
_PROBE = b"anybody?"
"""Opaque data of the PING to a client that has ended its half. Who has is none that would answer it in words."""
_LAST_WORDS = {
    reason: bytes((0, 0, 8, 7, 0, 0, 0, 0, 0)) + b"\x7f\xff\xff\xff" + code.to_bytes(4, "big")
    for reason, code in (
        ("protocol_error", PROTOCOL_ERROR),
        ("flood", ENHANCE_YOUR_CALM),
        ("reset_flood", ENHANCE_YOUR_CALM),
    )
}
"""GOAWAY (RFC 9113 section 6.8) that the engine has no part in. Any stream may have been acted on."""


class Starter(Protocol):
    """Begins an exchange for a request; `end` says that it has no body."""

    def __call__(self, stream: DownstreamStream, request: Request, end: bool) -> RequestSink: ...


Refuser = Callable[[DownstreamStream, ProxyError, bool], None]
"""Answers a request that was refused before there was one: a reply through the stream, nothing else. The last says that
it was a call of gRPC."""


class ServerCodec(Session[ServerStream]):
    """RFC 9113, server role."""

    __slots__ = ("_allowance", "_counted", "_draining", "_limits", "_reader", "_refuse", "_said_goodbye", "_silent",
                 "_start")  # fmt: skip

    carrier: ServerCarrier

    def __init__(self, carrier: ServerCarrier, start: Starter, refuse: Refuser, limits: Limits) -> None:
        super().__init__(server_engine(limits))
        self.carrier = carrier
        self._start = start
        self._refuse = refuse
        self._limits = limits
        self._reader = RequestReader(limits)
        self._draining = False
        self._said_goodbye = False
        self._silent = False
        """The client has ended its half."""
        self._allowance = float(limits.resets[0])
        """How many requests more may end before their answer, as of `_counted`."""
        self._counted = carrier.clock()
        self._handlers[RequestReceived] = self._on_request
        self._handlers[TrailersReceived] = self._on_trailers
        self._handlers[PingAcknowledged] = self._on_ping
        self.schedule()

    @property
    def idle(self) -> bool:
        """The client knows that no request will be taken, and none is in flight."""
        return self._said_goodbye and not self._streams

    @property
    def tunnels(self) -> bool:
        """Streams delimit what goes through them: the connection's end never does."""
        return False

    # --- requests ----------------------------------------------------------------------------

    def _worth_it(self, events: list[Event]) -> list[Event]:
        """A request that is taken back in the same breath goes nowhere: so a flood of resets costs no endpoint
        anything (CVE-2023-44487), and what the engine finds wrong with a body is never begun."""
        ended = {event.stream_id for event in events if type(event) is StreamClosed}
        if not ended:
            return events
        return [event for event in events if type(event) is not RequestReceived or event.stream_id not in ended]

    def _on_request(self, event: RequestReceived) -> None:
        stream = ServerStream(self, event.stream_id, event.end_stream)
        self._streams[event.stream_id] = stream
        try:
            request = self._reader.read(event.headers, event.end_stream)
        except ProxyError as error:
            self.carrier.refused(error.reason)
            self._refuse(stream, error, says_call(event.headers))
            return
        stream.begin(request, self._start)
        if self._blocked:
            stream.hold_back()

    def _on_trailers(self, event: TrailersReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        try:
            trailers = read_trailers(event.headers, self._limits)
        except ProxyError as error:
            self.carrier.refused(error.reason)
            stream.broken(error)
            return
        stream.ended(trailers)

    def _never_begun(self, malformed: bool) -> None:
        self.carrier.refused("malformed" if malformed else "reset_at_once")
        self.taken_back()

    def taken_back(self) -> None:
        """A request has ended before its answer. Some do; who does it all the time makes work for nothing, by
        RST_STREAM (CVE-2023-44487) or by what makes us send it (CVE-2025-8671)."""
        most, rate = self._limits.resets
        now = self.carrier.clock()
        self._allowance = min(float(most), self._allowance + (now - self._counted) * rate) - 1.0
        self._counted = now
        if self._allowance < 0.0 and not self.closed:
            self.fail("reset_flood")

    def _empty(self) -> None:
        """Who does not answer the PING of a drain is not waited for longer than who is idle."""
        if self._said_goodbye:
            self._leave()
        else:
            self.carrier.await_head(False)

    # --- the connection ----------------------------------------------------------------------

    def eof(self) -> None:
        """The client sends no more. What it has asked for is answered; then there is nothing to stay for. Whether it is
        still there is found out by a PING: the machine of a client that is gone answers it with a reset."""
        self._draining = self._said_goodbye = self._silent = True
        for stream in tuple(self._streams.values()):
            stream.peer_is_silent()
        if not self._streams:
            self._leave()
        elif not self.closed:
            with suppress(EngineError):
                self.engine.ping(_PROBE)
            self.schedule()
            self.carrier.await_answer()

    def timed_out(self, error: ProxyError) -> None:
        """No request in time. With streams open it is theirs to say what is late."""
        if not self._streams:
            self.drain()
            self._say_goodbye()

    def drain(self) -> None:
        """Two GOAWAYs: the first says that no more is wanted, the second what was the last request taken."""
        if self._draining or self.closed:
            return
        self._draining = True
        try:
            self.engine.send_shutdown_notice()
            self.engine.ping(_DRAIN)
        except EngineError:
            return
        self.schedule()

    def serve_first(self) -> None:
        """The connection has begun within a drain, to be served: it is told once it has asked for something. A client
        that hears of the end before may ask for nothing at all (RFC 9113 section 6.8)."""
        self._handlers[RequestReceived] = self._on_first_request

    def _on_first_request(self, event: RequestReceived) -> None:
        self._handlers[RequestReceived] = self._on_request
        self.drain()
        self._on_request(event)

    def hurry(self) -> None:
        """The client has had its time to answer the PING. What it may have asked since is above the last stream."""
        if not self._streams:
            self._say_goodbye()

    def cut(self, error: ProxyError) -> None:
        """The time to drain is over: who has no head yet is told so, the rest is reset."""
        self._say_goodbye()
        for stream in tuple(self._streams.values()):
            stream.broken(error)

    def _on_ping(self, event: PingAcknowledged) -> None:
        if event.opaque_data == _DRAIN:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        if self._said_goodbye:
            return
        self._draining = self._said_goodbye = True
        try:
            self.engine.send_goaway()
        except EngineError:
            return
        self.schedule()
        if not self._streams:
            self._leave()

    def _leave(self) -> None:
        """No stream is left, and no other may come. The last word goes out, also where the transport has enough."""
        if self._said_goodbye and not self.closed:
            self._blocked = False
            self.flush()
            self.over("connection_closed")

    def over(self, reason: str) -> None:
        if self.closed:
            return
        if reason != "connection_closed":
            self.carrier.refused(reason)
        self.lost(reason)
        # Frames of the client's may be under way, of its windows and settings: to close on them would reset the
        # connection, and take the end of the last answers with it.
        self.carrier.finish(linger=not self._silent and reason != "flood")

    def fail(self, reason: str) -> None:
        """The engine can say nothing any more, or is not to, so the last word is ours. What follows from the client is
        dropped: read for a while, so that it gets to see the word, but not from who floods us."""
        self.carrier.refused(reason)
        if not self.closed:
            self.lost(reason)
            self.carrier.write(_LAST_WORDS[reason])
            self.carrier.finish(linger=reason == "protocol_error")
