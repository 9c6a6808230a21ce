"""A new TLS connection to an endpoint, until we know that it is the one we want.

    TCP -> handshake -> chain and names verified -> the connection over an EndpointTransport

With TLS 1.3 our last word of the handshake, and with it our certificate, is sent only when all has been verified. With
TLS 1.2 the last word is the endpoint's: when names are compared it has seen our certificate, but nothing of a request.
"""

import asyncio
from typing import cast

from proxy.tls.engine import MemoryEngine, TLSFailure
from proxy.tls.transport import SecureTransport
from proxy.upstream.contexts import Secured
from proxy.upstream.lease import Securable


class EndpointTransport(SecureTransport):
    """To an endpoint: who has sent all of an upgraded connection may still be answered."""

    __slots__ = ()

    def write_eof(self) -> None:
        self.end_writing()


class ClientHandshake(asyncio.Protocol):
    """The event loop's protocol until the handshake is over, then replaced on the same transport."""

    __slots__ = ("_done", "_engine", "_failure", "_opening", "_secured", "_tcp")

    def __init__(self, loop: asyncio.AbstractEventLoop, secured: Secured, opening: bytes) -> None:
        self._secured = secured
        self._opening = opening
        self._engine: MemoryEngine = secured.engine()
        self._done: asyncio.Future[None] = loop.create_future()
        self._failure: Exception | None = None
        self._tcp: asyncio.Transport | None = None

    async def over(self) -> None:
        """Until it has ended, one way or the other. Cancelled, it closes the connection."""
        try:
            await self._done
        except asyncio.CancelledError:
            self.abort()
            raise

    def hand_over(self, connection: Securable) -> None:
        """`connection` is made now, and carried by TLS. Raises what went wrong: TLSFailure or OSError."""
        tcp = self._tcp
        if self._failure is not None:
            raise self._failure
        assert tcp is not None
        try:
            self._hear_at_once()
        except Exception:
            tcp.abort()
            raise
        transport = EndpointTransport(tcp, self._engine, connection, connection.broken)
        tcp.set_protocol(transport)
        transport.begin()

    def _hear_at_once(self) -> None:
        """With TLS 1.3 an endpoint says only after the handshake that it does not want us."""
        engine = self._engine
        if engine.unread and (engine.read() or engine.ended):
            raise ConnectionResetError("the endpoint ended or spoke before it was asked")

    def abort(self) -> None:
        if self._tcp is not None:
            self._tcp.abort()

    # --- event loop --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._tcp = cast(asyncio.Transport, transport)
        if self._opening:
            self._tcp.write(self._opening)
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """What comes after the end of the handshake waits in the engine for who takes over."""
        self._engine.feed(data)
        if not self._done.done():
            self._go_on()

    def eof_received(self) -> bool:
        self._fail(ConnectionResetError("the endpoint closed within the handshake"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the endpoint closed within the handshake"))
        self._tcp = None

    # --- steps -------------------------------------------------------------------------------

    def _go_on(self) -> None:
        engine, tcp = self._engine, self._tcp
        assert tcp is not None
        try:
            complete = engine.handshake()
        except TLSFailure as failure:
            tcp.write(engine.take())  # the alert that says why
            self._fail(failure)
            return
        if complete:
            try:
                self._secured.check(engine)
            except TLSFailure as failure:
                self._fail(failure)
                return
        if out := engine.take():
            tcp.write(out)
        if complete:
            self._end()

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure
            if self._tcp is not None:
                self._tcp.close()
            self._end()

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)


async def connect(
    loop: asyncio.AbstractEventLoop,
    host: str,
    port: int,
    secured: Secured,
    connection: Securable,
    opening: bytes = b"",
) -> None:
    """Connects, shakes hands and verifies; then `connection` is made. Raises TLSFailure or OSError.

    `opening` goes out in clear text before the handshake, such as a header of the PROXY protocol.

    Between the end of the handshake and the new protocol nothing waits, so to be cancelled leaves nothing behind.
    """
    _, handshake = await loop.create_connection(lambda: ClientHandshake(loop, secured, opening), host, port)
    await handshake.over()
    handshake.hand_over(connection)
