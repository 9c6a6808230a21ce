"""Client side of one HTTP/2 connection: as many requests at a time as the endpoint takes.

Nothing is sent before the endpoint's SETTINGS are there: only they say how many (RFC 9113 section 5.1.2). From a GOAWAY
on no stream is begun, and those that the endpoint has not looked at are given back as such.
"""

from math import inf
from typing import Protocol

from proxy.protocol.http2.carrier import Carrier
from proxy.protocol.http2.client_stream import ClientStream
from proxy.protocol.http2.engine import (
    ENABLE_CONNECT_PROTOCOL,
    MAX_CONCURRENT_STREAMS,
    GoAwayReceived,
    InformationalResponseReceived,
    ResponseReceived,
    SettingsReceived,
    StreamClosed,
    TrailersReceived,
    client_engine,
)
from proxy.protocol.http2.response_head import ResponseReader
from proxy.protocol.http2.session import Session
from proxy.protocol.limits import Limits

_UNKNOWN = -1
"""Nothing has been said yet. 0 is something else: an endpoint may take no requests for a while."""
_UNSAID = 1 << 31
"""No limit has been said: the endpoint takes any number (RFC 9113 section 6.5.2)."""
SILENCE = 1.0
"""Seconds without an octet of the endpoint, in which requests were given up, that make its connection doubtful."""


class ClientCarrier(Carrier, Protocol):
    """Below a client's session."""

    def ready(self) -> None:
        """Requests can be sent, or their number has changed."""

    def leaving(self) -> None:
        """No further request can be sent here; those under way go on."""

    def close(self) -> None:
        """Close after everything written has gone out."""


class ClientCodec(Session[ClientStream]):
    """RFC 9113, client role."""

    __slots__ = ("_going", "_silent_since", "capacity", "limits", "reader", "scheme", "tunnels")

    carrier: ClientCarrier

    def __init__(self, carrier: ClientCarrier, limits: Limits, scheme: bytes) -> None:
        super().__init__(client_engine(limits))
        self.scheme = scheme
        self.tunnels = False
        """The endpoint takes extended CONNECT (RFC 8441)."""
        self.carrier = carrier
        self.limits = limits
        self.reader = ResponseReader(limits)
        self.capacity = _UNKNOWN
        """How many requests the endpoint takes at a time; 0 when it takes no further one."""
        self._going = False
        self._silent_since = inf
        """When a request was given up, if nothing has come since."""
        self._handlers |= {
            SettingsReceived: self._on_settings,
            ResponseReceived: self._on_response,
            InformationalResponseReceived: self._on_informational,
            TrailersReceived: self._on_trailers,
            GoAwayReceived: self._on_goaway,
        }

    # --- requests ----------------------------------------------------------------------------

    @property
    def streams(self) -> int:
        """Those that the engine has not closed."""
        return len(self._streams)

    def register(self, stream: ClientStream) -> None:
        """A stream has got its number."""
        self._streams[stream.id] = stream

    def given_up(self) -> None:
        """A request was, before it was answered whole. An endpoint that is silent from one of these to another may be
        gone without a word, as when its machine is: who comes next had better have a connection of its own."""
        now = self.carrier.clock()
        if self._silent_since == inf:
            self._silent_since = now
        elif now - self._silent_since >= SILENCE and not self._going:
            self.carrier.leaving()
            self.go()

    # --- responses ---------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        self._silent_since = inf
        super().feed(data)

    def _on_response(self, event: ResponseReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.head(event.headers, event.end_stream)

    def _on_informational(self, event: InformationalResponseReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.informational(event.headers)

    def _on_trailers(self, event: TrailersReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.trailers(event.headers)

    # --- the connection ----------------------------------------------------------------------

    def _on_settings(self, event: SettingsReceived) -> None:
        if self._going:
            return
        if MAX_CONCURRENT_STREAMS in event.settings:
            self.capacity = event.settings[MAX_CONCURRENT_STREAMS]
        elif self.capacity == _UNKNOWN:
            self.capacity = _UNSAID
        self.tunnels = bool(event.settings.get(ENABLE_CONNECT_PROTOCOL, self.tunnels))
        self.capacity = min(self.capacity, self.limits.streams)
        self.carrier.ready()

    def _on_goaway(self, event: GoAwayReceived) -> None:
        self._take_no_more()
        for stream_id, stream in tuple(self._streams.items()):
            if stream_id > event.last_stream_id:
                stream.refused("goaway")
        self.carrier.leaving()
        if not self._streams:
            self._empty()

    def look_for_goodbye(self) -> None:
        """A request could not be begun. A GOAWAY in the octets just fed may still be behind what had it begun: whoever
        asks again must not come here."""
        if not self.engine.can_send_request:
            self._take_no_more()
            self.carrier.leaving()

    def _on_closed(self, event: StreamClosed) -> None:
        super()._on_closed(event)
        if not self.closed:
            self.carrier.ready()

    def _never_begun(self, malformed: bool) -> None:
        """Streams of an endpoint are pushes, and we have said that we take none."""

    def _empty(self) -> None:
        if self._going and not self.closed:
            self.flush()
            self.over("connection_closed")

    def go(self) -> None:
        """No further request: close when those under way are over."""
        self._take_no_more()
        if not self._streams:
            self._empty()

    def _take_no_more(self) -> None:
        self._going = True
        self.capacity = 0

    def lost(self, reason: str) -> None:
        self._take_no_more()  # before exchanges hear of it, which then ask for another connection
        super().lost(reason)

    def eof(self) -> None:
        """The endpoint sends no more."""
        self.over("upstream_closed")

    def over(self, reason: str) -> None:
        if not self.closed:
            self.lost(reason)
            self.carrier.close()

    def fail(self, reason: str) -> None:
        if not self.closed:
            self.lost(reason)
            self.carrier.close()
