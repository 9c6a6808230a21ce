"""What the server codec needs from outside: something that carries its bytes, and somebody to answer."""

from collections.abc import Callable
from typing import Protocol

from proxy.errors import ProxyError
from proxy.protocol.message import Request
from proxy.protocol.stream import DownstreamStream, RequestSink


class Carrier(Protocol):
    """What carries the bytes: a TCP connection, or TLS over it; in tests a list."""

    def write(self, data: bytes) -> None: ...

    def writelines(self, pieces: list[bytes]) -> None: ...

    def finish(self, linger: bool) -> None:
        """Close after everything written has gone out.

        `linger`: the peer may still be sending. Say that no more is to come, read on and drop it for a while:
        closing with octets unread would reset the connection and take our answer with it (RFC 9112 section 9.6).
        """

    def abort(self) -> None:
        """Close at once; the peer sees a reset where one is possible."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def await_head(self, begun: bool) -> None:
        """The connection now waits for a request: a whole head must follow (`begun`), or it is idle."""

    def await_answer(self) -> None:
        """The client has ended its half while its answer is awaited: some of that must follow, or nobody is there."""

    def preface(self, data: bytes) -> bool:
        """Instead of a first request the client has sent the preface of HTTP/2 (RFC 9113 section 3.4): `data` and what
        follows is for another codec, and none for this one. False when that is not spoken here."""

    def await_body(self, received: int) -> None:
        """Octets of a request body must follow; `received` have come since this was last said."""


class Starter(Protocol):
    """Begins an exchange for a request; `end` says that it has no body."""

    def __call__(self, stream: DownstreamStream, request: Request, end: bool) -> RequestSink: ...


Refuser = Callable[[DownstreamStream, ProxyError], None]
"""Answers a request that was refused before there was one: a reply through the stream, nothing else."""
