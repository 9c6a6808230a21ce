"""A new connection on a TLS port, until it is known what it carries.

    ClientHello -> listener by server name -> engine -> handshake -> ClientConnection over a SecureTransport

The hello is read before there is a TLS object: so a name that nobody serves ends without an alert, and what
is chosen by it can be anything, not only a certificate.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from proxy.downstream.connection import LINGER, ClientConnection
from proxy.downstream.l4.relay import Relay
from proxy.downstream.l4.side import Side
from proxy.downstream.sockets import has_unread
from proxy.forward.l4 import LiveL4Route
from proxy.forward.live import LiveListener
from proxy.forward.origin import Port, SecurePort
from proxy.protocol.proxy_protocol import Addresses
from proxy.protocol.tls.client_hello import ClientHello, HelloReader, MalformedHello, NotTLS
from proxy.routing.listeners import PortTable
from proxy.tls.engine import Engine, TLSFailure
from proxy.tls.transport import SecureTransport
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.listeners import BoundPort


class Handshake(asyncio.Protocol):
    """The event loop's protocol from accept to the end of the handshake, then replaced on the same transport."""

    __slots__ = ("_bound", "_deadline", "_done", "_engine", "_hello", "_listener", "_proxied", "_route",
                 "_secure", "_tcp")  # fmt: skip

    def __init__(self, bound: "BoundPort", proxied: Addresses | None = None) -> None:
        """`proxied`: whose connection a proxy says it is."""
        self._bound = bound
        self._proxied = proxied
        self._tcp: asyncio.Transport | None = None
        self._deadline = Deadline(bound.wheel, self._timed_out)
        self._hello = HelloReader()
        self._engine: Engine | None = None
        self._listener = ""
        """Key of the listener that the server name chose."""
        self._route: tuple[LiveListener, LiveL4Route | None] | None = None
        """Of a listener that is not one of HTTP: what takes the connection."""
        self._secure: SecurePort | None = None
        """The port as the connection will see it."""
        self._done = False
        """It is counted how this ended."""

    # --- event loop --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        bound = self._bound
        self._tcp = cast(asyncio.Transport, transport)
        self._deadline.set(bound.clock() + bound.settings.handshake_timeout)
        bound.arrived(self)
        if bound.plane.open_connections > bound.settings.max_connections:
            self._end("overload")
            self.abort()

    def data_received(self, data: bytes) -> None:
        if self._done:
            return
        if self._engine is None:
            self._read_hello(data)
        else:
            self._shake_hands(self._engine, data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("client_reset" if exc is not None else "client_closed")
        self._deadline.drop()
        self._tcp = self._engine = None
        self._bound.left(self)

    # --- steps -------------------------------------------------------------------------------

    def _read_hello(self, data: bytes) -> None:
        try:
            hello = self._hello.feed(data)
        except NotTLS:
            self._refuse("not_tls")
        except MalformedHello:
            self._refuse("malformed_hello")
        else:
            if hello is not None:
                self._choose(hello)

    def _choose(self, hello: ClientHello) -> None:
        listener = self._bound.port.table.choose(hello.server_name)
        if listener is None:
            self._refuse("unknown_server_name" if hello.server_name else "no_server_name")
            return
        self._listener = listener.key
        if listener.l4 is not None:
            self._route = listener, listener.l4.choose(hello.server_name)
            if self._route[1] is None:
                self._refuse("no_route")
                return
            if not listener.certificates:
                self._pass_on()
                return
        self._secure = SecurePort(self._bound.port, hello.server_name, "", listener.clients)
        try:
            self._engine = self._bound.engine(listener, hello)
        except TLSFailure as failure:
            self._refuse(failure.reason, failure.detail)
            return
        self._shake_hands(self._engine, self._hello.octets)

    def _shake_hands(self, engine: Engine, data: bytes) -> None:
        assert self._tcp is not None
        engine.feed(data)
        try:
            complete = engine.handshake()
        except TLSFailure as failure:
            self._say_why(engine.take(), failure)
            return
        if out := engine.take():
            self._tcp.write(out)
        if complete:
            self._hand_over(engine)

    def _hand_over(self, engine: Engine) -> None:
        """To a connection that speaks the application protocol agreed on: HTTP/1.1 where none was."""
        bound, tcp, secure = self._bound, self._tcp, self._secure
        assert tcp is not None
        assert secure is not None
        self._end("ok")
        self._deadline.drop()
        if engine.tolerated:
            bound.let_in(self._listener, engine.tolerated)
        self._tcp = self._engine = None
        bound.left(self)
        secure.version, secure.protocol = engine.version, engine.alpn
        carried: ClientConnection | Side
        if self._route is not None:
            carried = Relay(bound, *self._route, tls=engine.version, proxied=self._proxied).client
        else:
            carried = ClientConnection(bound, secure, self._proxied)
            if secure.port is not bound.port:
                carried.drain()  # something else is declared by now
        transport = SecureTransport(tcp, engine, carried, bound.secure_failures(self._listener))
        tcp.set_protocol(transport)
        transport.begin()

    def _pass_on(self) -> None:
        """TLS does not end here: the endpoint gets the hello that was read, and all that follows."""
        tcp, route = self._tcp, self._route
        assert tcp is not None
        assert route is not None
        self._end("passed_on")
        self._deadline.drop()
        self._tcp = None
        self._bound.left(self)
        side = Relay(self._bound, *route, early=self._hello.octets, proxied=self._proxied).client
        tcp.set_protocol(side)
        side.connection_made(tcp)

    # --- ends --------------------------------------------------------------------------------

    def _say_why(self, alert: bytes, failure: TLSFailure) -> None:
        """And read on for a while: a client of TLS 1.3 has sent its request by the time that its certificate is
        refused, and a reset for that could overtake the alert.
        """
        assert self._tcp is not None
        self._end(failure.reason, failure.detail)
        self._tcp.write(alert)
        self._tcp.write_eof()
        self._deadline.set(self._bound.clock() + LINGER)

    def _refuse(self, result: str, detail: str = "") -> None:
        """Close without a word of ours, at the deadline at the latest: the client may not take what was sent before."""
        self._end(result, detail)
        if self._tcp is not None:
            self._tcp.close()

    def _end(self, result: str, detail: str = "") -> None:
        """Counted once."""
        if not self._done:
            self._done = True
            self._bound.shook_hands(self._listener, result, detail)

    def _timed_out(self) -> None:
        self._end("timeout")
        self.abort()

    def abort(self) -> None:
        """Also called when the time to drain is over."""
        self._end("drained")
        if self._tcp is not None:
            self._tcp.abort()

    # --- drain -------------------------------------------------------------------------------

    def drain(self) -> None:
        """Nothing to say yet: what it will carry asks the port."""

    def recheck(self, table: PortTable[LiveListener], outdated: Port) -> None:
        """As for a connection (ClientConnection.recheck), which this will be."""
        if self._secure is not None and not self._secure.suffices(table):
            self._secure.port = outdated

    def close_if_idle(self, grace: float | None = None) -> None:
        """Close when not even the hello has begun to come; a client that has begun has its deadline."""
        if self._tcp is not None and not self._hello.begun and not has_unread(self._tcp):
            self._refuse("drained")
