"""One HTTP/2 connection to an endpoint, and the leases of its streams."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from proxy.batch import WriteBatch
from proxy.protocol.http2.client import ClientCodec
from proxy.protocol.http2.client_stream import ClientStream
from proxy.protocol.limits import Limits
from proxy.tls.engine import TLSFailure
from proxy.wheel import Deadline, Wheel

if TYPE_CHECKING:
    from proxy.upstream.http2_pool import Http2Pool


class StreamLease:
    """One stream for one exchange. Implements Lease."""

    __slots__ = ("_connection", "codec", "deadline", "pool", "reused")

    def __init__(self, connection: "Http2Connection") -> None:
        self._connection = connection
        self.pool = connection.pool
        self.reused = connection.reused
        self.codec = ClientStream(connection.codec, self.over)
        self.deadline = connection.timed(self.codec.timed_out)

    def over(self) -> None:
        """The exchange is over, or never was."""
        self._connection.released(self.deadline)


class Http2Connection(asyncio.Protocol):
    """Carries a ClientCodec (protocol.http2.client.ClientCarrier). Belongs to one pool from first byte to last."""

    __slots__ = ("_batch", "_deadlines", "_gone", "codec", "data_received", "idle_since", "leased", "pool", "reused",
                 "struck", "transport", "was_ready", "wheel")  # fmt: skip

    def __init__(self, pool: "Http2Pool", limits: Limits, wheel: Wheel, batch: WriteBatch, scheme: bytes) -> None:
        self.pool = pool
        self.wheel = wheel
        self._batch = batch
        self.transport: asyncio.Transport | None = None
        self.leased = 0
        """Exchanges under way."""
        self.reused = False
        self.was_ready = False
        """It has taken requests, so its pool counts it as idle or active."""
        self.struck = False
        """Its pool has given it up before it was made."""
        self.idle_since = 0.0
        self._deadlines: list[Deadline] = []
        """Of leases that are over."""
        self._gone = False
        """The pool has been told that nothing more can be sent here."""
        self.codec = ClientCodec(self, limits, scheme)
        self.data_received = self.codec.feed  # type: ignore[method-assign]  # a slot of that name

    @property
    def room(self) -> int:
        """How many exchanges more it takes. A lease is a stream that the codec knows of or will, and there are streams
        that are not over though their exchange is."""
        if self._gone or self.transport is None:
            return 0
        return self.codec.capacity - max(self.codec.streams, self.leased)

    def lease(self) -> StreamLease:
        self.leased += 1
        lease = StreamLease(self)
        self.reused = True
        return lease

    def go(self) -> None:
        """Close when nothing is under way any more."""
        self.leaving()
        self.codec.go()

    def timed(self, callback: Callable[[], None]) -> Deadline:
        """A deadline, one used before if there is: the wheel has an entry for it still."""
        if not self._deadlines:
            return Deadline(self.wheel, callback)
        deadline = self._deadlines.pop()
        deadline.reuse(callback)
        return deadline

    def released(self, deadline: Deadline) -> None:
        deadline.drop()
        self._deadlines.append(deadline)
        self.leased -= 1
        self.pool.returned(self)

    # --- event loop --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.codec.flush()

    def eof_received(self) -> bool:
        self.codec.eof()
        return False

    def truncated(self) -> bool:
        """TLS ended without saying so: streams say for themselves whether they are whole."""
        return self.eof_received()

    def broken(self, failure: TLSFailure) -> None:
        """TLS failed after its handshake."""
        if not self.reused:
            self.pool.refused(failure.reason)
        self.codec.fail(failure.reason)

    def connection_lost(self, exc: Exception | None) -> None:
        self.leaving()
        self.transport = None
        self.codec.lost("upstream_reset" if exc is not None else "upstream_closed")
        self.pool.closed(self)
        del self.codec, self.data_received  # no cycles: see downstream.connection

    def pause_writing(self) -> None:
        self.codec.blocked()

    def resume_writing(self) -> None:
        self.codec.writable()

    # --- ClientCarrier -----------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self.transport is not None:
            self._batch.add(self.transport, data)

    def later(self, callback: Callable[[], None]) -> None:
        self._batch.later(callback)

    def deadline(self, callback: Callable[[], None]) -> Deadline:
        return Deadline(self.wheel, callback)

    def clock(self) -> float:
        return self.wheel.clock()

    def ready(self) -> None:
        self.pool.ready(self)

    def leaving(self) -> None:
        if not self._gone:
            self._gone = True
            self.pool.leaving(self)

    def close(self) -> None:
        self.leaving()
        if self.transport is not None and not self.transport.is_closing():
            self._batch.flush()
            self.transport.close()

    def abort(self) -> None:
        self.leaving()
        if self.transport is not None:
            self.transport.abort()
