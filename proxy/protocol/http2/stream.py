"""One stream: the half of it that both roles have in common, a body each way."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from proxy.protocol.http2.engine import EngineError
from proxy.protocol.message import Headers

if TYPE_CHECKING:
    from proxy.protocol.http2.session import Session

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 2, 7, 8, 11
"""Error codes (RFC 9113 section 7)."""
HIGH, LOW = 64 * 1024, 32 * 1024
"""Octets queued for one stream from which its sender is to wait, and at which it may go on."""
MUCH = 256 * 1024
"""Octets of bodies that a connection sends before the turn is over."""
UNMOVED = 16 * 1024
"""The first of them as long as nothing goes out: a peer whose window never opens, or that does not read, may have asked
for very many answers."""


class Stream(ABC):
    """Known to its session from its first octet until the engine says that it is closed."""

    __slots__ = ("_held", "_paused", "_session", "_unacknowledged", "id", "seen", "sent")

    _session: "Session[Any]"
    id: int
    """0 as long as the engine does not know of it, and for ever where it would not have it."""
    _paused: bool
    _held: bool
    """Our sender was told to wait."""
    _unacknowledged: int
    """Octets delivered while paused: the peer learns of them when we go on."""
    sent: int
    """Octets of our body handed to the engine."""
    seen: int
    """How many of them had gone out when a stall was last looked for; -1 before the first look."""

    # --- receiving ---------------------------------------------------------------------------

    @abstractmethod
    def received(self, data: bytes, end: bool) -> None:
        """Octets of the peer's body."""

    @abstractmethod
    def idle(self) -> None:
        """All that has arrived was delivered."""

    def _take(self, size: int) -> None:
        """Octets have been delivered."""
        if self._paused:
            self._unacknowledged += size
        else:
            self._session.acknowledge(self.id, size)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            size, self._unacknowledged = self._unacknowledged, 0
            self._session.acknowledge(self.id, size)

    @abstractmethod
    def over(self, error_code: int, malformed: bool) -> None:
        """The engine has closed the stream: nothing can be sent or will come. `malformed`: by itself, since what came
        is no message (RFC 9113 section 8.1.1)."""

    @abstractmethod
    def lost(self, reason: str) -> None:
        """The connection is gone."""

    # --- sending -----------------------------------------------------------------------------

    def send_data(self, chunk: bytes) -> None:
        session = self._session
        if session.closed or not chunk or not self.id:
            return
        try:
            session.engine.send_data(self.id, chunk)
        except EngineError:
            return  # closed meanwhile: the event says so
        self.sent += len(chunk)
        session.unsent += len(chunk)
        if not session.scheduled:
            session.schedule()
        if session.unsent > MUCH:
            session.push()
        if self.sent > UNMOVED and not self._held and session.is_full(self):
            self.hold_back()

    def hold_back(self) -> None:
        """Our sender is to wait, if it does not yet."""
        if not self._held:
            self._held = True
            self._session.hold(self)
            self._tell_blocked()

    def _send_end(self, trailers: Headers | None) -> None:
        session = self._session
        if session.closed or not self.id:
            return
        try:
            if trailers:
                session.engine.send_trailers(self.id, trailers)
            else:
                session.engine.end_stream(self.id)
        except EngineError:
            return
        if not session.scheduled:
            session.schedule()

    def flush(self) -> None:
        """All that is sent leaves at the end of the turn."""
        self._session.schedule()

    def writable(self) -> None:
        """What was queued has gone out for the most part."""
        self._held = False
        self._tell_writable()

    @abstractmethod
    def stalled(self) -> None:
        """The peer has not taken an octet of what waits for it, for longer than we wait."""

    @abstractmethod
    def _tell_blocked(self) -> None: ...

    @abstractmethod
    def _tell_writable(self) -> None: ...
