"""A new connection on a port that asks for the PROXY protocol, until it is known whose it is.

    accepted -> is the peer trusted? -> its header -> what takes the first octet on other ports

Only peers in --trusted-proxies are asked. What anybody else sends is sent in their own name, a header included, and who
listens there takes it for what it is. Until a header is whole nothing else begins, not even a connection to an endpoint
(section 2 of the specification): a server that would speak first does not, before it is known to whom.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from proxy.downstream.sockets import has_unread
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.proxy_protocol import Addresses, Header, MalformedHeader, NoHeader, parse_header
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.listeners import BoundPort

log = logging.getLogger("penstock.proxy_protocol")


class HeaderDesk:
    """What one port asks of trusted peers, and what comes of it. Knows nothing of the port, so that this may go."""

    __slots__ = ("_metrics", "_names", "_waiting", "required")

    def __init__(self, metrics: WorkerMetrics, names: str, *, required: bool) -> None:
        """`names`: of the listeners of the port."""
        self.required = required
        """Whoever is trusted and begins otherwise is closed."""
        self._metrics = metrics
        self._names = names
        self._waiting = metrics.gauge("penstock_open_connections", (names, "proxy"))

    def waiting(self, more: float) -> None:
        """So many more wait for their header to be whole."""
        self._metrics.values[self._waiting] += more

    def count(self, result: str, detail: str = "") -> None:
        metrics = self._metrics
        metrics.values[metrics.counter("penstock_proxy_headers_total", (self._names, result))] += 1.0
        if detail:
            log.debug("listener %s: no header of the PROXY protocol: %s: %s", self._names, result, detail)


class Proxied(asyncio.Protocol):
    """The event loop's protocol until then, and then replaced on the same transport."""

    __slots__ = ("_bound", "_data", "_deadline", "_desk", "_done", "_enough", "_tcp")

    def __init__(self, bound: "BoundPort", desk: HeaderDesk) -> None:
        self._bound = bound
        self._desk = desk
        self._tcp: asyncio.Transport | None = None
        self._deadline = Deadline(bound.wheel, self._timed_out)
        self._data = b""
        self._enough = 1
        """Octets before which it is not worth looking."""
        self._done = False
        """It is counted how this ended."""

    # --- event loop --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        bound = self._bound
        self._tcp = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not bound.plane.forwarding.trusts(peer[0] if peer else ""):
            self._hand_over(None, b"")
            return
        self._deadline.set(bound.clock() + bound.header_timeout)
        self._arrived()
        if bound.plane.open_connections > bound.settings.max_connections:
            self._end("overload")
            self.abort()

    def data_received(self, data: bytes) -> None:
        if self._done:
            return
        self._data += data
        if len(self._data) >= self._enough:
            self._read()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("client_reset" if exc is not None else "client_closed")
        self._deadline.drop()
        self._tcp = None
        self._left()

    def _arrived(self) -> None:
        bound = self._bound
        bound.connections.add(self)
        bound.plane.open_connections += 1
        self._desk.waiting(1.0)

    def _left(self) -> None:
        """Its connection has closed or is carried on by another."""
        bound = self._bound
        if self in bound.connections:
            bound.connections.discard(self)
            bound.plane.open_connections -= 1
            self._desk.waiting(-1.0)

    # --- steps -------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            read = parse_header(self._data)
        except NoHeader as error:
            if self._desk.required:
                self._refuse("missing", str(error))
            else:
                self._accept("none", Header(0, None))
        except MalformedHeader as error:
            self._refuse(error.reason, str(error))
        else:
            if isinstance(read, Header):
                self._accept("ok" if read.addresses else "local", read)
            else:
                self._enough = read

    def _accept(self, result: str, header: Header) -> None:
        self._end(result)
        self._left()
        self._hand_over(header.addresses, self._data[header.size :])

    def _hand_over(self, proxied: Addresses | None, early: bytes) -> None:
        """To what the port carries. `early`: what came behind the header."""
        self._deadline.drop()
        tcp, self._tcp = self._tcp, None
        assert tcp is not None
        carried = self._bound.accept(proxied, asked=True)
        tcp.set_protocol(carried)
        carried.connection_made(tcp)
        if early and not tcp.is_closing():
            carried.data_received(early)

    # --- ends --------------------------------------------------------------------------------

    def _refuse(self, result: str, detail: str = "") -> None:
        """At once, and without a word: the peer is to notice, and would not understand what we could say."""
        self._end(result, detail)
        if self._tcp is not None:
            self._tcp.abort()

    def _end(self, result: str, detail: str = "") -> None:
        """Counted once."""
        if not self._done:
            self._done = True
            self._desk.count(result, detail)

    def _timed_out(self) -> None:
        self._refuse("timeout")

    def abort(self) -> None:
        """Also called when the time to drain is over."""
        self._refuse("drained")

    # --- drain -------------------------------------------------------------------------------

    def drain(self) -> None:
        """Nothing to say yet: what it will carry asks the port."""

    def recheck(self, table: object, outdated: object) -> None:
        """Nobody has been checked yet."""

    def close_if_idle(self, grace: float | None = None) -> None:
        """Close when not even the header has begun to come; a peer that has begun has its deadline."""
        if self._tcp is not None and not self._data and not has_unread(self._tcp):
            self._refuse("drained")
