"""UDP from one bound address to a row of endpoints: each client address has an endpoint, and a socket towards it."""

import asyncio
from collections import OrderedDict
from typing import cast

from tests.conformance.node.forwarder import Endpoint

_MOST = 1024
"""Clients that are remembered; the one that has been silent longest is forgotten first."""

_Client = tuple[str, int]


class UdpForwarder(asyncio.DatagramProtocol):
    """`endpoints` may change at any time; it counts for new clients."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []
        self._turn = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._clients: OrderedDict[_Client, _Back] = OrderedDict()

    async def listen(self, ip: str, port: int) -> int:
        """Begin; returns the port, which the kernel has chosen if it was 0."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(ip, port))
        bound: int = self._transport.get_extra_info("sockname")[1]
        return bound

    def datagram_received(self, data: bytes, addr: _Client) -> None:
        """With nothing ready it is lost, as it would be anywhere."""
        back = self._clients.get(addr)
        if back is None or back.endpoint not in self.endpoints:
            if not self.endpoints:
                return
            back = self._begin(addr)
        self._clients.move_to_end(addr)
        back.send(data)

    def answer(self, data: bytes, client: _Client) -> None:
        """From an endpoint to its client."""
        if self._transport is not None:
            self._transport.sendto(data, client)

    def _begin(self, client: _Client) -> "_Back":
        if client in self._clients:
            self._clients.pop(client).close()
        elif len(self._clients) >= _MOST:
            self._clients.popitem(last=False)[1].close()
        endpoint = self.endpoints[self._turn % len(self.endpoints)]
        self._turn += 1
        back = self._clients[client] = _Back(self, client, endpoint)
        return back

    async def close(self) -> None:
        for back in self._clients.values():
            back.close()
        self._clients.clear()
        if self._transport is not None:
            self._transport.close()


class _Back(asyncio.DatagramProtocol):
    """One client's socket towards its endpoint."""

    def __init__(self, forwarder: UdpForwarder, client: _Client, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._forwarder = forwarder
        self._client = client
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: list[bytes] = []
        self._closed = False
        self._task = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=self.endpoint)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        if self._closed:
            self._transport.close()
        for data in self._waiting:
            self._transport.sendto(data)
        self._waiting.clear()

    def datagram_received(self, data: bytes, addr: _Client) -> None:
        self._forwarder.answer(data, self._client)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there by now: the client's next datagram may find another."""

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
        else:
            self._transport.sendto(data)

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()
