"""Gateways that ask for headers of the PROXY protocol, and clients at chosen addresses of the loopback."""

import asyncio
import socket

from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.snapshot import Bind, ProxyHeaders
from tests.e2e.gateway import Gateway
from tests.e2e.peers import Peer
from tests.e2e.secure import SecureGateway
from tests.e2e.test_l4 import L4Gateway

PROXY = "127.0.0.1"
"""A peer that is trusted."""
STRANGER = "127.0.0.2"
"""One that is not."""
TRUSTING = DataPlaneSettings(trusted_proxies=(f"{PROXY}/32",))


class Asking(Gateway):
    """One of HTTP."""

    headers: ProxyHeaders = "required"

    def _bind(self) -> Bind:
        return replace(super()._bind(), proxy_headers=self.headers)

    async def peer(self, source: str = PROXY) -> Peer:
        """A client; it is closed with the gateway."""
        self._clients.append(await connect_from(source, self.port))
        return self._clients[-1]

    def ask(self, headers: ProxyHeaders) -> None:
        self.headers = headers
        self.install(*self._rules)


class AskingSecure(Asking, SecureGateway):
    """One of HTTPS."""


class AskingL4(L4Gateway):
    """One of TCP or TLS."""

    headers: ProxyHeaders = "required"

    def _bind(self) -> Bind:
        return replace(super()._bind(), proxy_headers=self.headers)

    async def peer(self, source: str = PROXY) -> Peer:
        self._peers.append(await connect_from(source, self.port))
        return self._peers[-1]

    def ask(self, headers: ProxyHeaders) -> None:
        self.headers = headers
        self.install(*self._routes)


def counted(metrics: WorkerMetrics, result: str, listener: str = "default/gateway/l4") -> float:
    """Headers that were asked for, by what came of it."""
    return metrics.value("penstock_proxy_headers_total", (listener, result))


def waiting(metrics: WorkerMetrics, listener: str = "default/gateway/l4") -> float:
    """Connections whose header is not whole."""
    return metrics.value("penstock_open_connections", (listener, "proxy"))


async def connect_from(source: str, port: int) -> Peer:
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((source, 0))
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return Peer(*await asyncio.open_connection(sock=sock))
