"""One of the two connections of a relay: towards the client, or towards the endpoint."""

import asyncio
from typing import TYPE_CHECKING, cast

from proxy.downstream.sockets import reset
from proxy.protocol.proxy_protocol import Addresses
from proxy.tls.engine import TLSFailure
from proxy.tls.transport import SecureTransport

if TYPE_CHECKING:
    from proxy.downstream.l4.relay import Relay


class Side(asyncio.Protocol):
    """One of the two connections. Carried by TCP, or by TLS over it (tls.transport.Carried)."""

    __slots__ = ("ended", "held", "other", "relay", "transport")

    def __init__(self, relay: "Relay") -> None:
        self.relay: Relay | None = relay
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.held = b""
        """What came before there was another side: no more than one read."""
        self.ended = False
        """It sends no more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.relay is not None:
            self.relay.made(self)

    def data_received(self, data: bytes) -> None:
        if self.relay is not None:
            self.relay.moved(self, data)

    def eof_received(self) -> bool:
        if self.relay is None:
            return False
        return self.relay.half_closed(self)

    def truncated(self) -> bool:
        """TLS ended without saying so: the end is not to be believed, so it is passed on as a reset."""
        if self.relay is not None:
            self.relay.cut("truncated", "DC" if self is self.relay.client else "UC")
        return False

    def broken(self, failure: TLSFailure) -> None:
        """TLS to an endpoint failed after its handshake."""
        if self.relay is not None:
            self.relay.cut(failure.reason)

    def pause_writing(self) -> None:
        if (source := self._source()) is not None:
            source.pause_reading()

    def resume_writing(self) -> None:
        if (source := self._source()) is not None:
            source.resume_reading()

    def _source(self) -> asyncio.Transport | None:
        """From where comes what is written here. One that is closing is read no more (uvloop would raise)."""
        source = None if self.other is None else self.other.transport
        return None if source is None or source.is_closing() else source

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        relay, self.relay = self.relay, None
        if relay is not None:
            relay.lost(self, exc)

    @property
    def addresses(self) -> Addresses | None:
        """From the peer to us, IPv4 as such on sockets of IPv6, too; None when it is not connected."""
        peer = None if self.transport is None else self.transport.get_extra_info("peername")
        ours = None if self.transport is None else self.transport.get_extra_info("sockname")
        if not peer or not ours:
            return None
        return Addresses(*((host.removeprefix("::ffff:"), port) for host, port in (peer[:2], ours[:2])))

    def abort(self) -> None:
        """Close at once; the peer sees a reset where one is possible."""
        if self.transport is not None:
            reset(self.transport)

    def end_writing(self) -> None:
        """Say that no more is to come, and read on. TLS has a word for that of its own (tls.transport)."""
        transport = self.transport
        if isinstance(transport, SecureTransport):
            transport.end_writing()
        elif transport is not None and transport.can_write_eof():
            transport.write_eof()

    def close(self) -> None:
        """What was written goes out."""
        if self.transport is not None:
            self.transport.close()
