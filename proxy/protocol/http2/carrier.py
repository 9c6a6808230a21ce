"""What an HTTP/2 session needs of the connection below it."""

from collections.abc import Callable
from typing import Protocol


class Deadline(Protocol):
    """A moment at which something is called, unless it is moved before (proxy.wheel)."""

    at: float

    def set(self, at: float) -> None: ...

    def drop(self) -> None: ...


class Carrier(Protocol):
    """What carries the bytes: a TCP connection, or TLS over it; in tests a list."""

    def write(self, data: bytes) -> None: ...

    def later(self, callback: Callable[[], None]) -> None:
        """Have it called at the end of this turn of the event loop, when more may have come together."""

    def deadline(self, callback: Callable[[], None]) -> Deadline:
        """A deadline on the connection's wheel."""

    def clock(self) -> float: ...

    def abort(self) -> None:
        """Close at once; the peer sees a reset where one is possible."""


class Pace(Protocol):
    """How fast a request body must come."""

    def received(self, size: int) -> None:
        """So many octets have come since this was last said; more must follow."""

    def pause(self) -> None:
        """We hold the client back: the time is not its own."""

    def resume(self) -> None: ...

    def stop(self) -> None:
        """Nothing more is to come."""


class ServerCarrier(Carrier, Protocol):
    """Below a server's session."""

    def finish(self, linger: bool) -> None:
        """Close after everything written has gone out; `linger` as for HTTP/1."""

    def await_head(self, begun: bool) -> None:
        """No stream is open: a request must follow, or the connection is idle."""

    def await_answer(self) -> None:
        """The client has ended its half while answers are awaited; whether it is there is for the connection to see."""

    def pace(self, late: Callable[[], None]) -> Pace:
        """A request body must follow; `late` is called when it does not."""

    def refused(self, reason: str) -> None:
        """A stream or the connection was refused before there was a request: counted by reason."""
