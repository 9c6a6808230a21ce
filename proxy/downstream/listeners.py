"""Bound sockets: connections accepted on each, and how a port stops without losing one."""

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial

from proxy.downstream.connection import ClientConnection
from proxy.downstream.l4.relay import Relay
from proxy.downstream.l4.side import Side
from proxy.downstream.proxied import HeaderDesk, Proxied
from proxy.downstream.settings import DataPlaneSettings
from proxy.downstream.tls.contexts import Contexts
from proxy.downstream.tls.handshake import Handshake
from proxy.forward.live import LiveListener
from proxy.forward.origin import Port
from proxy.forward.plane import Plane
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.limits import Limits
from proxy.protocol.proxy_protocol import Addresses
from proxy.protocol.tls.client_hello import ClientHello
from proxy.routing.listeners import PortTable
from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.snapshot import Bind, ProxyHeaders
from proxy.tls.engine import Engine, TLSFailure
from proxy.wheel import Wheel

log = logging.getLogger("penstock.tls")


class BoundPort:
    """One bind of the snapshot on this worker: its socket, its table, its open connections."""

    def __init__(
        self, bind: Bind, port: Port, plane: Plane, wheel: Wheel, limits: Limits, settings: DataPlaneSettings
    ) -> None:
        self.bind = bind
        self.port = port
        self.plane = plane
        self.wheel = wheel
        self.limits = limits
        self.settings = settings
        self.clock = wheel.clock
        self.header_timeout = settings.header_timeout
        self.idle_timeout = settings.idle_timeout
        self.draining = False
        self.connections: set[ClientConnection | Handshake | Proxied | Relay] = set()
        self._servers: list[asyncio.Server] = []
        self._values = plane.metrics.values
        self._names = ",".join(bind.listeners)
        self._open = plane.metrics.gauge("penstock_open_connections", (self._names, "http/1.1"))
        self._open_http2 = plane.metrics.gauge("penstock_open_connections", (self._names, "http/2"))
        self.http2_connections: set[ClientConnection] = set()
        """Those of `connections` that speak HTTP/2."""
        self._shaking = 0
        """The slot of connections in their handshake; where there are any."""
        self._contexts: Contexts | None = None
        """Not None where connections speak TLS."""
        self._relayed = plane.metrics.gauge("penstock_open_connections", (self._names, "tcp"))
        self._tcp: LiveListener | None = None
        """The one listener of a port of TCP: what it is told is passed on as it is."""
        self._find_tcp()
        self._failures: dict[str, Callable[[TLSFailure], None]] = {}
        """What counts them, by listener: for all of its connections, as most never need it."""
        self._desk: HeaderDesk | None = None
        """Not None where trusted peers are asked whose connection it is."""
        self._told: set[tuple[str, str]] = set()
        """What was said of listeners without a usable certificate, since the last change: clients come often."""

    async def serve(self, sock: socket.socket) -> None:
        """Accept on a socket that is bound already; it is ours from now on."""
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(self.accept, sock=sock, backlog=4096))

    def accept(
        self, proxied: Addresses | None = None, *, asked: bool = False
    ) -> ClientConnection | Handshake | Proxied | Side:
        """The protocol of a new connection. `asked`: its peer has been, where peers are, and said `proxied`."""
        if self._desk is not None and not asked:
            return Proxied(self, self._desk)
        if self._contexts is not None:
            return Handshake(self, proxied)
        if self._tcp is not None:
            route = self._tcp.l4.choose() if self._tcp.l4 is not None else None
            return Relay(self, self._tcp, route, proxied=proxied).client
        return ClientConnection(self, None, proxied)

    def ask_for_headers(self, headers: ProxyHeaders) -> None:
        """Of those who come from now on."""
        required = headers == "required"
        self._desk = HeaderDesk(self.plane.metrics, self._names, required=required) if headers else None

    def opened(self, connection: ClientConnection) -> None:
        self.connections.add(connection)
        self.plane.open_connections += 1
        self._values[self._open] += 1.0

    def closed(self, connection: ClientConnection) -> None:
        self.connections.discard(connection)
        self.plane.open_connections -= 1
        if connection in self.http2_connections:
            self.http2_connections.discard(connection)
            self._values[self._open_http2] -= 1.0
        else:
            self._values[self._open] -= 1.0

    def speaks_http2(self, connection: ClientConnection) -> None:
        """The client has turned out to speak HTTP/2."""
        self.http2_connections.add(connection)
        self._values[self._open] -= 1.0
        self._values[self._open_http2] += 1.0

    def refused_http2(self, reason: str) -> None:
        """A stream or connection of HTTP/2 that was refused before there was a request."""
        metrics = self.plane.metrics
        self._values[metrics.counter("penstock_http2_refused_total", (self._names, reason))] += 1.0

    # --- what is passed on as it is ----------------------------------------------------------

    def _find_tcp(self) -> None:
        alone = self.port.table.choose(b"")
        self._tcp = alone if alone is not None and alone.l4 is not None else None

    def relay_opened(self, relay: Relay) -> None:
        self.connections.add(relay)
        self.plane.open_connections += 1
        self._values[self._relayed] += 1.0

    def relay_closed(self, relay: Relay) -> None:
        if relay in self.connections:
            self.connections.discard(relay)
            self.plane.open_connections -= 1
            self._values[self._relayed] -= 1.0

    # --- TLS ---------------------------------------------------------------------------------

    def secure_by(self, contexts: Contexts | None) -> None:
        """From now on connections speak TLS, or clear text when None.

        Those that spoke otherwise keep the table they had and end with their next answer: what is declared for TLS
        is not for clear text.
        """
        if (contexts is None) != (self._contexts is None):
            self.port = Port(self.port.declared, self.port.table)
            for connection in list(self.connections):
                connection.drain()
                connection.close_if_idle()
        self._contexts = contexts
        self._told.clear()
        if contexts is not None:
            self._shaking = self.plane.metrics.gauge("penstock_open_connections", (self._names, "tls"))

    def turn_to(self, table: PortTable[LiveListener]) -> None:
        """Route by another table: also the requests of connections that are there, but not of those whose client
        was not checked as is now declared. They keep the table they had and end with their next answer.
        """
        if self._contexts is not None and _checks(self.port.table) != _checks(table):
            outdated = Port(self.port.declared, self.port.table)
            for connection in list(self.connections):
                connection.recheck(table, outdated)
        self.port.table = table
        self._failures.clear()
        self._find_tcp()

    def engine(self, listener: LiveListener, hello: ClientHello) -> Engine:
        """What ends the TLS of a new connection. Raises TLSFailure when there is no certificate for it."""
        if self._contexts is None:
            raise TLSFailure("no_certificate", "the port has turned to clear text")
        speaks_http = listener.l4 is None
        return self._contexts.engine(listener.certificates, hello.server_name, listener.clients, alpn=speaks_http)

    def arrived(self, handshake: Handshake) -> None:
        self.connections.add(handshake)
        self.plane.open_connections += 1
        self._values[self._shaking] += 1.0

    def left(self, handshake: Handshake) -> None:
        """Its connection has closed or is carried on by another."""
        if handshake in self.connections:
            self.connections.discard(handshake)
            self.plane.open_connections -= 1
            self._values[self._shaking] -= 1.0

    def shook_hands(self, listener: str, result: str, detail: str = "") -> None:
        """Count how a handshake ended; without a listener under all of the port."""
        metrics = self.plane.metrics
        self._values[metrics.counter("penstock_tls_handshakes_total", (listener or self._names, result))] += 1.0
        if result == "no_certificate" and (listener, detail) not in self._told:
            self._told.add((listener, detail))
            log.error("listener %s: no handshake is possible: %s", listener, detail)
        elif result != "ok":
            log.debug("listener %s: handshake ended: %s %s", listener or self._names, result, detail)

    def let_in(self, listener: str, reason: str) -> None:
        """Count a client that was let in although it has no valid certificate."""
        metrics = self.plane.metrics
        self._values[metrics.counter("penstock_tls_insecure_fallbacks_total", (listener, reason))] += 1.0

    def secure_failures(self, listener: str) -> Callable[[TLSFailure], None]:
        """Counts what breaks connections after their handshake."""
        count = self._failures.get(listener)
        if count is None:
            count = self._failures[listener] = partial(_broke, self.plane.metrics, listener)
        return count

    # --- stop --------------------------------------------------------------------------------

    def begin_drain(self) -> None:
        """Every answer from now on says `Connection: close`; accepting goes on."""
        self.draining = True
        for connection in self.connections:
            connection.drain()

    def stop_accepting(self) -> None:
        """Close the sockets. Whoever calls has seen to it that their queues are empty."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    def close_idle(self, grace: float | None = None) -> None:
        """At the end of a drain those that have been idle for `grace` seconds."""
        for connection in list(self.connections):
            connection.close_if_idle(grace)

    def cut(self) -> None:
        """End what is under way in words, where there are any."""
        for connection in list(self.connections):
            if isinstance(connection, ClientConnection):
                connection.cut()

    def abort(self) -> None:
        for connection in list(self.connections):
            connection.abort()


def _broke(metrics: WorkerMetrics, listener: str, failure: TLSFailure) -> None:
    """Not of the port, which keeps what calls it: there would be a cycle."""
    metrics.values[metrics.counter("penstock_tls_failures_total", (listener, failure.reason))] += 1.0
    log.debug("listener %s: TLS connection broken: %s", listener, failure.detail)


def _checks(table: PortTable[LiveListener]) -> dict[bytes, ClientValidation | None]:
    """How clients are checked, by hostname: nothing where none are, so that clear text and most TLS ask no further."""
    found = {hostname: each.clients for hostname, each in table.items()}
    return found if any(found.values()) else {}
