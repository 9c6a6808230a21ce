"""A UDP port of one worker: the sockets bound for it, the listener that takes what comes, and all its flows."""

import socket
from typing import TYPE_CHECKING

from proxy.downstream.l4.flows import FlowTable
from proxy.downstream.l4.record import L4Record

if TYPE_CHECKING:
    from proxy.downstream.settings import DataPlaneSettings
    from proxy.forward.live import LiveListener
    from proxy.forward.origin import Port
    from proxy.forward.plane import Plane
    from proxy.snapshot.snapshot import Bind
    from proxy.wheel import Wheel


class UdpPort:
    """One UDP bind of the snapshot on this worker: its sockets, its listener, its flows."""

    def __init__(
        self, bind: "Bind", port: "Port", plane: "Plane", wheel: "Wheel", settings: "DataPlaneSettings"
    ) -> None:
        self.bind = bind
        self.port = port
        self.plane = plane
        self.wheel = wheel
        self.settings = settings
        self._tables: list[FlowTable] = []
        self._quiet_until = 0.0
        """When the next datagram that is dropped may be logged."""
        self._values = plane.metrics.values
        self._open = plane.metrics.gauge("penstock_open_connections", (",".join(bind.listeners), "udp"))

    @property
    def listener(self) -> "LiveListener | None":
        """Of the snapshot in use. A UDP port has one."""
        return self.port.table.choose(b"")

    @property
    def flows(self) -> int:
        return sum(map(len, self._tables))

    @property
    def under_way(self) -> int:
        """Of the flows those that are worth waiting for."""
        return sum(1 for table in self._tables for _ in table.under_way())

    async def serve(self, sock: socket.socket) -> None:
        """Take datagrams from a bound socket; it is ours from now on."""
        self._tables.append(FlowTable(self, sock))

    def opened(self) -> None:
        self._values[self._open] += 1.0

    def closed(self) -> None:
        self._values[self._open] -= 1.0

    def drop(self, record: L4Record, reason: str, flags: str) -> None:
        """A datagram with nowhere to go: counted, and logged as a flow that never was - one a second, as anybody may
        send as many as he likes.
        """
        now = self.plane.clock()
        quiet = now < self._quiet_until
        if not quiet:
            self._quiet_until = now + 1.0
        record.end(reason, flags, quiet=quiet)

    def stop_accepting(self) -> None:
        """Clients that have no flow yet are dropped from now on. The sockets stay: the flows have no others."""
        for table in self._tables:
            table.refuse()

    def close(self) -> None:
        for table in self._tables:
            table.close()
        self._tables.clear()
