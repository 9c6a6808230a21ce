"""One HTTP/2 connection between the engine and its streams: what both roles do alike.

    octets --> engine --> events --> streams          one call for each event, in order
    octets <-- engine <-- what streams send           once a turn of the event loop, together

A stream that sends faster than its peer takes is told so by what waits for it in the engine; where a sink is slower
than the peer, what it got is not acknowledged, so that the peer's window closes. Nothing is held twice.
"""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any, Generic, TypeVar

from proxy.protocol.http2.carrier import Carrier, Deadline
from proxy.protocol.http2.engine import (
    ConnectionClosed,
    DataReceived,
    Engine,
    EngineError,
    Event,
    StreamClosed,
    StreamReset,
    StreamUnavailableError,
)
from proxy.protocol.http2.stream import ENHANCE_YOUR_CALM, HIGH, LOW, NO_ERROR, PROTOCOL_ERROR, UNMOVED, Stream

_REASONS = {NO_ERROR: "connection_closed", ENHANCE_YOUR_CALM: "flood"}
"""By the code of the GOAWAY that the engine has sent, or the peer."""
PATIENCE = 15.0
"""Seconds between two looks at streams whose peer takes nothing: after the second they are reset."""


S = TypeVar("S", bound=Stream)


class Session(Generic[S]):
    """A connection with its streams; `feed` and `lost` are the carrier's calls."""

    __slots__ = ("_blocked", "_dispatching", "_full", "_handlers", "_leaving", "_reset", "_restless", "_stall",
                 "_streams", "_stuck", "carrier", "closed", "engine", "scheduled", "unsent")  # fmt: skip

    carrier: Carrier

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.closed = False
        """Nothing can be received or sent any more."""
        self._streams: dict[int, S] = {}
        self._full: set[S] = set()
        """Told to wait, because they have as much queued as they may."""
        self._leaving: set[S] = set()
        """Over for us, but not all of it has gone out."""
        self._restless: list[S] = []
        """Those that have got something, and may get more, in the octets just fed."""
        self._reset = 0
        """The last stream that its peer has reset."""
        self._blocked = False
        """The transport takes no more: what is sent waits in the engine."""
        self._stuck = False
        """And it did not at the last look, either."""
        self._dispatching = False
        self.unsent = 0
        """Octets of bodies since the last flush."""
        self.scheduled = False
        """`flush` will be called at the end of this turn."""
        self._stall: Deadline | None = None
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            DataReceived: self._on_data,
            StreamReset: self._on_reset,
            StreamClosed: self._on_closed,
            ConnectionClosed: self._on_connection_closed,
        }

    # --- receiving ---------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Octets from the peer, in order; any split is fine."""
        if self.closed:
            return
        try:
            self.engine.receive_data(data)
        except EngineError as error:
            self._dispatch()  # what came whole before the fault still counts, as in HTTP/1
            self.fail(_reason(error))
            return
        self._dispatch()
        if not self.scheduled:
            self.schedule()

    def _dispatch(self) -> None:
        """Hand events on until there are none: sending makes new ones. What handling one of them makes us send must not
        bring its own in between, since they belong behind what is still to be handed on."""
        if self._dispatching:
            return
        self._dispatching = True
        try:
            self._hand_on()
        finally:
            self._dispatching = False
        if self._restless:
            restless, self._restless = self._restless, []
            for stream in restless:
                stream.idle()

    def _hand_on(self) -> None:
        handlers = self._handlers
        while events := self.engine.events():
            for event in self._worth_it(events) if len(events) > 1 else events:
                handler = handlers.get(type(event))
                if handler is not None and not self.closed:
                    handler(event)

    def _worth_it(self, events: list[Event]) -> list[Event]:
        """Those of one batch that still mean something by its end."""
        return events

    def _on_data(self, event: DataReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            self.acknowledge(event.stream_id, len(event.data))  # else the connection's window would leak shut
        else:
            stream.received(event.data, event.end_stream)

    def restless(self, stream: S) -> None:
        """Something has been delivered, and it is not the last: its sink is told when there is no more for now."""
        if not self._restless or self._restless[-1] is not stream:
            self._restless.append(stream)

    def _on_reset(self, event: StreamReset) -> None:
        """That it is closed comes next, as it does alone where the engine will not have what came on a stream."""
        self._reset = event.stream_id

    def _on_closed(self, event: StreamClosed) -> None:
        malformed = event.error_code == PROTOCOL_ERROR and event.stream_id != self._reset
        stream = self._streams.pop(event.stream_id, None)
        if stream is None:
            self._never_begun(malformed)
            return
        if self._full:
            self._full.discard(stream)
        if self._leaving:
            self._leaving.discard(stream)
        stream.over(event.error_code, malformed)
        if not self._streams and not self.closed:
            self._empty()

    def _on_connection_closed(self, event: ConnectionClosed) -> None:
        """The last frame has gone either way."""
        self.over(_REASONS.get(event.error_code, "protocol_error"))

    @abstractmethod
    def _never_begun(self, malformed: bool) -> None:
        """A stream that the engine refused, or that its peer took back at once."""

    @abstractmethod
    def _empty(self) -> None:
        """No stream is open any more."""

    def acknowledge(self, stream_id: int, size: int) -> None:
        """`size` octets of a body are taken on."""
        if size and not self.closed:
            try:
                self.engine.acknowledge_received_data(size, stream_id)
            except EngineError:
                return
            if not self.scheduled:
                self.schedule()

    # --- sending -----------------------------------------------------------------------------

    def schedule(self) -> None:
        """Something is to be sent: together with what else comes in this turn of the event loop."""
        if not self.scheduled:
            self.scheduled = True
            self.carrier.later(self.flush)

    def push(self) -> None:
        """Much does not wait for the end of the turn: where there is no room for it, no more is to be read."""
        if not self._blocked:
            self.unsent = 0
            with suppress(EngineError):  # the flush meets it, too
                if data := self.engine.data_to_send():
                    self.carrier.write(data)

    def flush(self) -> None:
        self.scheduled = False
        self.unsent = 0
        if self._blocked or self.closed:
            return
        try:
            data = self.engine.data_to_send()
        except EngineError as error:
            self.fail(_reason(error))
            return
        if data:
            self.carrier.write(data)
        self._dispatch()  # also where nothing is sent: streams that never got to be end without an octet
        if self._full:
            self._release()
        if self._leaving:
            self._see_out()
        self._drained()

    def _drained(self) -> None:
        """All that could be written was."""

    def queued(self, stream: S) -> int:
        try:
            return self.engine.queued_body_size(stream.id)
        except EngineError:
            return 0

    def is_full(self, stream: S) -> bool:
        """Whether it has as much queued as it may."""
        queued = self.queued(stream)
        moves = queued < stream.sent and not self._blocked
        return queued > (HIGH if moves else UNMOVED)

    def hold(self, stream: S) -> None:
        """The stream has as much queued as it may."""
        self._full.add(stream)
        self.watch()

    def _release(self) -> None:
        """Those that have room again go on. They may fill up again at once."""
        for stream in tuple(self._full):
            queued = self.queued(stream)
            if queued <= LOW and (queued < stream.sent or not stream.sent):
                self._full.discard(stream)
                stream.writable()

    def leave(self, stream: S) -> None:
        """The stream has sent its last octet; the other direction is open still."""
        self._leaving.add(stream)
        self.watch()
        self.schedule()

    def _see_out(self) -> None:
        for stream in tuple(self._leaving):
            if not self.queued(stream):
                self._leaving.discard(stream)
                self.reset(stream, 0)

    def reset(self, stream: S, error_code: int) -> None:
        """End a stream both ways (RFC 9113 section 6.4)."""
        if not self.closed:
            try:
                self.engine.reset_stream(stream.id, error_code)
            except StreamUnavailableError:
                return
            self.schedule()

    # --- a peer that takes nothing -----------------------------------------------------------

    def watch(self) -> None:
        """Something is to go out that the peer may never take."""
        if self._stall is None:
            self._stall = self.carrier.deadline(self._look_for_stalled)
        if self._stall.at == inf:
            self._stall.set(self.carrier.clock() + PATIENCE)

    def _look_for_stalled(self) -> None:
        """A window or a transport that stays shut keeps our memory: what is behind it ends. On a transport that is shut
        not even a reset goes out, so that it is the connection."""
        if self._stuck:
            self.stuck()
            return
        self._stuck = waiting = self._blocked
        for stream in tuple(self._streams.values()):
            queued = self.queued(stream)
            if not queued:
                continue
            waiting = True
            sent = stream.sent - queued
            if stream.seen == sent:
                stream.stalled()
            else:
                stream.seen = sent
        if waiting and not self.closed:
            self.watch()

    # --- the connection ----------------------------------------------------------------------

    def blocked(self) -> None:
        """The transport takes no more for now, of no stream."""
        self._blocked = True
        if not self.closed:
            self.watch()
            for stream in tuple(self._streams.values()):
                stream.hold_back()

    def writable(self) -> None:
        self._blocked = self._stuck = False
        self.flush()

    def lost(self, reason: str) -> None:
        """The connection is gone."""
        self.closed = True
        if self._stall is not None:
            self._stall.drop()
        streams, self._streams = self._streams, {}
        self._full.clear()
        self._leaving.clear()
        for stream in streams.values():
            stream.lost(reason)
        self._handlers.clear()  # bound methods of ours: no cycle is to outlive the connection

    @abstractmethod
    def over(self, reason: str) -> None:
        """Both sides have said all. Streams that are still open end; what was written goes out."""

    def stuck(self) -> None:
        """The peer has not read for longer than we wait."""
        self.lost("write_stall")
        self.carrier.abort()

    @abstractmethod
    def fail(self, reason: str) -> None:
        """The connection is past saving. All of its streams end."""


def _reason(error: EngineError) -> str:
    """One word for logs and counters: DenialOfServiceError is flood, ConnectionProtocolError protocol_error."""
    return "flood" if type(error).__name__ == "DenialOfServiceError" else "protocol_error"
