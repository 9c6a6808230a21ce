"""Origin: where exchanges come from - one client connection on one bound port."""

from proxy.errors import Misdirected
from proxy.forward.live import LiveListener
from proxy.forward.plane import Plane
from proxy.protocol.forwarding import Client
from proxy.routing.listeners import PortTable
from proxy.snapshot.certificate import ClientValidation


class Port:
    """One bind. Connections keep the port; a reload replaces its `table`, so each request sees the newest."""

    __slots__ = ("declared", "table")

    def __init__(self, declared: int, table: PortTable[LiveListener]) -> None:
        self.declared = declared
        self.table = table


class SecurePort:
    """A port as seen through one TLS connection, whose certificate was that of one listener.

    A request for a host of another listener must not be answered here: the client was shown, and may have been
    asked for, the wrong certificate (RFC 9110 section 7.4; Gateway API, listeners[].hostname).
    """

    __slots__ = ("_clients", "_server_name", "port", "protocol", "version")

    def __init__(self, port: Port, server_name: bytes, version: str, clients: ClientValidation | None = None) -> None:
        """`clients`: how this client was checked."""
        self.port = port
        self._server_name = server_name
        self.version = version
        """Of TLS: "TLSv1.3"."""
        self.protocol = b""
        """That of the application, as client and we agreed (ALPN); b"" when nothing was said."""
        self._clients = clients

    def suffices(self, table: PortTable[LiveListener]) -> bool:
        """Whether the client was checked as the listener of a new table wants it, to which its server name leads."""
        chosen = table.choose(self._server_name)
        return chosen is None or chosen.clients in (None, self._clients)

    @property
    def table(self) -> "SecurePort":
        """Like Port.table, of the snapshot in use."""
        return self

    def choose(self, host: bytes) -> LiveListener | None:
        """The listener for a host. Raises Misdirected when it is not the one that the server name chooses."""
        table = self.port.table
        chosen = table.choose(host)
        if host != self._server_name and chosen is not None and chosen is not table.choose(self._server_name):
            raise Misdirected("misdirected", "this host belongs to another listener than the TLS server name")
        return chosen


class Origin:
    """What all exchanges of a connection share; made once per connection."""

    __slots__ = ("client", "plane", "port", "tls")

    def __init__(self, plane: Plane, port: Port | SecurePort, client: Client, tls: str = "") -> None:
        self.plane = plane
        self.port = port
        self.client = client
        self.tls = tls
        """Its version, "" for clear text."""
