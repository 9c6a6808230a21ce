"""One connection to an endpoint, TCP or TLS over it: the event loop's protocol around the HTTP/1 client codec."""

import asyncio
from typing import TYPE_CHECKING, cast

from proxy.batch import WriteBatch
from proxy.errors import UpstreamClosed, UpstreamTLSFailed
from proxy.protocol.http1.client import ClientCodec
from proxy.protocol.limits import Limits
from proxy.tls.engine import TLSFailure
from proxy.wheel import Deadline, Wheel

if TYPE_CHECKING:
    from proxy.upstream.pool import Pool


NEW, ACTIVE, IDLE, LEAVING, STRUCK = range(5)
"""Where a connection stands in its pool's books."""


class UpstreamConnection(asyncio.Protocol):
    """Carries a ClientCodec. Belongs to one pool from its first byte to its last."""

    __slots__ = ("_batch", "_full", "codec", "data_received", "deadline", "idle_since", "place", "pool",
                 "reused", "transport")  # fmt: skip

    def __init__(self, pool: "Pool", limits: Limits, wheel: Wheel, batch: WriteBatch) -> None:
        self.pool = pool
        self._batch = batch
        self.codec = ClientCodec(self, limits, pool.repeated)
        self.deadline = Deadline(wheel, self.codec.timed_out)
        # What is called most goes straight through: received data to the codec.
        self.data_received = self.codec.feed  # type: ignore[method-assign]  # a slot of that name
        self.transport: asyncio.Transport | None = None
        self.place = NEW
        self.reused = False
        """It has carried an exchange before, so the endpoint may be closing it just now."""
        self.idle_since = 0.0
        self._full = False
        """The endpoint reads slower than we write. It is said once, so no other exchange may begin here."""

    # --- event loop --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def eof_received(self) -> bool:
        self.codec.eof()
        return False

    def truncated(self) -> bool:
        """TLS ended without saying so."""
        self.codec.cut()
        return False

    def broken(self, failure: TLSFailure) -> None:
        """TLS failed after its handshake: with TLS 1.3 that is where an endpoint refuses our certificate."""
        if not self.reused and not self.codec.answered:
            self.pool.refused(failure.reason)
        self.codec.broken(UpstreamTLSFailed(failure.reason, f"{self.pool.label}: {failure.detail}"))

    def connection_lost(self, exc: Exception | None) -> None:
        # Nothing may keep a closed connection, nor its place in the wheel.
        self.transport = None
        self.deadline.drop()
        reset = UpstreamClosed("upstream_reset", str(exc)) if exc is not None and not self.codec.answered else None
        self.pool.closed(self)
        self.codec.lost(reset)
        del self.codec, self.data_received  # no cycles: see downstream.connection

    def pause_writing(self) -> None:
        self._full = True
        self.codec.blocked()

    def resume_writing(self) -> None:
        self._full = False
        self.codec.writable()

    # --- UpstreamCarrier ---------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self.transport is not None:
            self._batch.add(self.transport, data)

    def writelines(self, pieces: list[bytes]) -> None:
        if self.transport is not None:
            self._batch.flush()
            self.transport.writelines(pieces)

    def write_eof(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self._batch.flush()
            self.transport.write_eof()

    def abort(self) -> None:
        self.pool.leaving(self)
        if self.transport is not None:
            self.transport.abort()

    def pause_reading(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def released(self, reusable: bool) -> None:
        if reusable and not self._full and self.transport is not None and not self.transport.is_closing():
            self.reused = True
            self.pool.release(self)
        else:
            self.close()

    def close(self) -> None:
        """Nobody waits for what is unsent of a request that has its answer, and the endpoint may never take it."""
        self.abort()
