"""UDP: datagrams of one client address go to one endpoint, and what that sends goes back to it.

A flow begins with its first datagram and ends when none has passed for a while, since nobody says when it is over. Each
has a socket of its own towards its endpoint, so that answers are known by it. The table of flows is bounded: when it is
full the one that has been silent longest makes room, because addresses are easily made up; and before all others one
whose client has not written again after an answer, since who makes up an address does not get any.
"""

import asyncio
import socket
from collections import OrderedDict
from typing import TYPE_CHECKING

from proxy.downstream.l4.datagrams import Address, DatagramSocket
from proxy.downstream.l4.flow import Flow, Key
from proxy.downstream.l4.record import L4Record
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.l4.udp import UdpPort


class FlowTable:
    """All flows through one socket of a port."""

    def __init__(self, port: "UdpPort", sock: socket.socket) -> None:
        self._port = port
        self._flows: dict[Key, Flow] = {}
        self._new: OrderedDict[Key, Flow] = OrderedDict()
        """Those whose client has not shown yet that it gets answers; the one that has been silent longest first."""
        self._proven: OrderedDict[Key, Flow] = OrderedDict()
        """The others: only when there is no new one does one of these make room."""
        self._sweep = Deadline(port.wheel, self._end_silent)
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket = DatagramSocket(sock, self._received)

    def __len__(self) -> int:
        return len(self._flows)

    def _received(self, data: bytes, address: Address, ours: bytes) -> None:
        key = (address, ours)
        flow = self._flows.get(key)
        if flow is not None and flow.endpoint.retired:
            self.end(flow, "endpoint_gone")  # nobody would ever tell its client to come again
            flow = None
        if flow is None:
            flow = self._begin(key)
            if flow is None:
                return
        elif flow.answered and not flow.proven:
            flow.proven = True
            self._proven[key] = self._new.pop(key)
        self._touch(flow)
        flow.send(data)

    def answer(self, flow: Flow, data: bytes) -> None:
        """From the endpoint to the client."""
        flow.answered = True
        self._touch(flow)
        self._socket.send(data, *flow.key)

    # --- flows -------------------------------------------------------------------------------

    def _begin(self, key: Key) -> Flow | None:
        """None: there is nobody to send it to, and the datagram is dropped."""
        port = self._port
        listener = port.listener
        if port.draining or listener is None:
            return None
        route = listener.l4.choose() if listener.l4 is not None else None
        record = L4Record(port.plane, listener, route, str(key[0][0]).removeprefix("::ffff:"), "UDP")
        backend = record.backend = route.choose() if route is not None else None
        if backend is None or backend.upstream is None or backend.upstream.invalid:
            port.drop(record, "no_route" if route is None else (backend.invalid if backend else "") or "no_backend")
            return None
        endpoint = backend.upstream.pick()
        if endpoint is None:
            naming = backend.upstream.naming
            port.drop(record, "no_ready_endpoint" if naming is None else naming.error().reason)
            return None
        if len(self._flows) >= port.settings.max_flows:
            self.end(next(iter((self._new or self._proven).values())), "evicted")
        record.endpoint = endpoint.label
        endpoint.taken()
        flow = self._flows[key] = self._new[key] = Flow(self, key, endpoint, record)
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
        if self._flows.get(flow.key) is not flow and flow.transport is not None:
            flow.transport.close()  # it ended meanwhile

    def _touch(self, flow: Flow) -> None:
        flow.last = now = self._port.plane.clock()
        (self._proven if flow.proven else self._new).move_to_end(flow.key)
        if self._sweep.at == float("inf"):
            self._sweep.set(now + self._port.settings.udp_idle_timeout)

    def _end_silent(self) -> None:
        patience = self._port.settings.udp_idle_timeout
        limit = self._port.plane.clock() - patience
        for flows in (self._new, self._proven):
            while flows and (oldest := next(iter(flows.values()))).last <= limit:
                self.end(oldest, "ok")
        left = [next(iter(flows.values())).last for flows in (self._new, self._proven) if flows]
        if left:
            self._sweep.set(min(left) + patience)

    def end(self, flow: Flow, result: str) -> None:
        if self._flows.get(flow.key) is flow:
            del self._flows[flow.key]
            del (self._proven if flow.proven else self._new)[flow.key]
            flow.close(result)
            self._port.closed()

    def close(self) -> None:
        for flow in list(self._flows.values()):
            self.end(flow, "drained")
        self._sweep.drop()
        self._socket.close()
