"""Bound sockets: connections accepted on each, and how a port stops without losing one."""

import asyncio
import socket

from proxy.downstream.connection import ClientConnection
from proxy.downstream.settings import DataPlaneSettings
from proxy.forward.origin import Port
from proxy.forward.plane import Plane
from proxy.protocol.limits import Limits
from proxy.snapshot.snapshot import Bind
from proxy.wheel import Wheel


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
        self.scheme = "http"
        self.draining = False
        self.connections: set[ClientConnection] = set()
        self._servers: list[asyncio.Server] = []
        self._values = plane.metrics.values
        self._open = plane.metrics.gauge("penstock_open_connections", (",".join(bind.listeners), "http/1.1"))

    async def serve(self, sock: socket.socket) -> None:
        """Accept on a socket that is bound already; it is ours from now on."""
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(lambda: ClientConnection(self), sock=sock, backlog=4096))

    def opened(self, connection: ClientConnection) -> None:
        self.connections.add(connection)
        self.plane.open_connections += 1
        self._values[self._open] += 1.0

    def closed(self, connection: ClientConnection) -> None:
        self.connections.discard(connection)
        self.plane.open_connections -= 1
        self._values[self._open] -= 1.0

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

    def close_idle(self) -> None:
        for connection in list(self.connections):
            connection.close_if_idle()

    def abort(self) -> None:
        for connection in list(self.connections):
            connection.abort()
