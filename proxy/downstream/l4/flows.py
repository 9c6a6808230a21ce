"""UDP: datagrams of one client address go to one endpoint, and what that sends goes back to it.

A flow begins with its first datagram and ends when none has passed for a while, since nobody says when it is over. Each
has a socket of its own towards its endpoint, so that answers are known by it. The table of flows is bounded: when it is
full the one that has been silent longest makes room, because addresses are easily made up.
"""

import asyncio
import socket
from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from proxy.downstream.l4.record import L4Record
from proxy.upstream.direct import DirectEndpoint
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.settings import DataPlaneSettings
    from proxy.forward.live import LiveListener
    from proxy.forward.origin import Port
    from proxy.forward.plane import Plane
    from proxy.snapshot.snapshot import Bind
    from proxy.wheel import Wheel

Address = tuple[str, int] | tuple[str, int, int, int]
_HELD = 16
"""Datagrams of a flow that wait for its socket; more are lost, as datagrams may be."""


class Flow(asyncio.DatagramProtocol):
    """One client address and its endpoint."""

    __slots__ = ("_held", "_record", "_table", "address", "endpoint", "last", "transport")

    def __init__(self, table: "FlowTable", address: Address, endpoint: DirectEndpoint, record: L4Record) -> None:
        self._table = table
        self.address = address
        self.endpoint = endpoint
        self._record = record
        self._held: list[bytes] = []
        self.transport: asyncio.DatagramTransport | None = None
        self.last = 0.0
        """When a datagram passed, either way."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        held, self._held = self._held, []
        for data in held:
            self.transport.sendto(data)

    def send(self, data: bytes) -> None:
        """To the endpoint."""
        self._record.bytes_in += len(data)
        if self.transport is not None:
            self.transport.sendto(data)
        elif len(self._held) < _HELD:
            self._held.append(data)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._record.bytes_out += len(data)
        self._table.answer(self, data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there, or no way leads there: the next datagram may go to another endpoint."""
        self.endpoint.refused("connection_refused" if isinstance(exc, ConnectionRefusedError) else "unreachable")
        self._table.end(self, "upstream_refused")

    def close(self, result: str) -> None:
        self._record.end(result)
        self.endpoint.left()
        if self.transport is not None:
            self.transport.close()


class FlowTable(asyncio.DatagramProtocol):
    """All flows through one socket of a port."""

    def __init__(self, port: "UdpPort") -> None:
        self._port = port
        self._transport: asyncio.DatagramTransport | None = None
        self._flows: OrderedDict[Address, Flow] = OrderedDict()
        """The one that has been silent longest first."""
        self._sweep = Deadline(port.wheel, self._end_silent)
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flows)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        flow = self._flows.get(addr)
        if flow is not None and flow.endpoint.retired:
            self.end(flow, "endpoint_gone")  # nobody would ever tell its client to come again
            flow = None
        if flow is None:
            flow = self._begin(addr)
            if flow is None:
                return
        self._touch(flow)
        flow.send(data)

    def answer(self, flow: Flow, data: bytes) -> None:
        """From the endpoint to the client."""
        if self._transport is not None and not self._transport.is_closing():
            self._touch(flow)
            self._transport.sendto(data, flow.address)

    def error_received(self, exc: Exception) -> None:
        """A client that is gone: its flow ends by its silence."""

    # --- flows -------------------------------------------------------------------------------

    def _begin(self, address: Address) -> Flow | None:
        """None: there is nobody to send it to, and the datagram is dropped."""
        port = self._port
        listener = port.listener
        if port.draining or listener is None:
            return None
        route = listener.l4.choose() if listener.l4 is not None else None
        record = L4Record(port.plane, listener, route, str(address[0]).removeprefix("::ffff:"))
        backend = record.backend = route.choose() if route is not None else None
        if backend is None or backend.upstream is None or backend.upstream.invalid:
            port.drop(record, "no_route" if route is None else (backend.invalid if backend else "") or "no_backend")
            return None
        endpoint = backend.upstream.pick()
        if endpoint is None:
            port.drop(record, "no_ready_endpoint")
            return None
        if len(self._flows) >= port.settings.max_flows:
            self.end(next(iter(self._flows.values())), "evicted")
        record.endpoint = endpoint.label
        endpoint.taken()
        flow = self._flows[address] = Flow(self, address, endpoint, record)
        port.opened()
        task = port.plane.loop.create_task(self._connect(flow))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flow

    async def _connect(self, flow: Flow) -> None:
        loop = self._port.plane.loop
        try:
            await loop.create_datagram_endpoint(lambda: flow, remote_addr=flow.endpoint.address)
        except OSError:
            flow.endpoint.refused("unreachable")
            self.end(flow, "upstream_refused")
            return
        if self._flows.get(flow.address) is not flow and flow.transport is not None:
            flow.transport.close()  # it ended meanwhile

    def _touch(self, flow: Flow) -> None:
        flow.last = now = self._port.plane.clock()
        self._flows.move_to_end(flow.address)
        if self._sweep.at == float("inf"):
            self._sweep.set(now + self._port.settings.udp_idle_timeout)

    def _end_silent(self) -> None:
        limit = self._port.plane.clock() - self._port.settings.udp_idle_timeout
        while self._flows:
            flow = next(iter(self._flows.values()))
            if flow.last > limit:
                self._sweep.set(flow.last + self._port.settings.udp_idle_timeout)
                return
            self.end(flow, "ok")

    def end(self, flow: Flow, result: str) -> None:
        if self._flows.get(flow.address) is flow:
            del self._flows[flow.address]
            flow.close(result)
            self._port.closed()

    def close(self) -> None:
        for flow in list(self._flows.values()):
            self.end(flow, "drained")
        self._sweep.drop()
        if self._transport is not None:
            self._transport.close()


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
        self.draining = False
        self._tables: list[FlowTable] = []
        self._values = plane.metrics.values
        self._open = plane.metrics.gauge("penstock_open_connections", (",".join(bind.listeners), "udp"))

    @property
    def listener(self) -> "LiveListener | None":
        """Of the snapshot in use. A UDP port has one."""
        return self.port.table.choose(b"")

    @property
    def flows(self) -> int:
        return sum(map(len, self._tables))

    async def serve(self, sock: socket.socket) -> None:
        """Take datagrams from a bound socket; it is ours from now on."""
        table = FlowTable(self)
        self._tables.append(table)
        await self.plane.loop.create_datagram_endpoint(lambda: table, sock=sock)

    def opened(self) -> None:
        self._values[self._open] += 1.0

    def closed(self) -> None:
        self._values[self._open] -= 1.0

    def drop(self, record: L4Record, reason: str) -> None:
        """A datagram with nowhere to go: counted, and logged as a flow that never was."""
        record.end(reason, "NR")

    def close(self) -> None:
        for table in self._tables:
            table.close()
        self._tables.clear()
