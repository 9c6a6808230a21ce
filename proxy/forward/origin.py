"""Origin: where exchanges come from - one client connection on one bound port."""

from proxy.forward.live import LiveListener
from proxy.forward.plane import Plane
from proxy.protocol.forwarding import Client
from proxy.routing.listeners import PortTable


class Port:
    """One bind. Connections keep the port; a reload replaces its `table`, so each request sees the newest."""

    __slots__ = ("declared", "table")

    def __init__(self, declared: int, table: PortTable[LiveListener]) -> None:
        self.declared = declared
        self.table = table


class Origin:
    """What all exchanges of a connection share; made once per connection."""

    __slots__ = ("client", "plane", "port")

    def __init__(self, plane: Plane, port: Port, client: Client) -> None:
        self.plane = plane
        self.port = port
        self.client = client
