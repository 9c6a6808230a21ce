"""UDP: datagrams of one client address go to one endpoint, and what that sends goes back to it.

A flow begins with its first datagram and ends when none has passed for a while, since nobody says when it is over. Each
has a socket of its own towards its endpoint, so that answers are known by it. The table of flows is bounded: when it is
full the one that has been silent longest makes room, because addresses are easily made up; and before all others one
whose client has not written again after an answer, since who makes up an address does not get any.

When the process is to end no flow begins any more, and those that are under way go on: what has passed tells which.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.downstream.l4.datagrams import Address, DatagramSocket
from proxy.downstream.l4.flow import Flow, Key
from proxy.downstream.l4.record import L4Record
from proxy.upstream.direct import DirectEndpoint
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.l4.udp import UdpPort
    from proxy.forward.l4 import LiveL4Route


class FlowTable:
    """All flows through one socket of a port."""

    def __init__(self, port: "UdpPort", sock: socket.socket) -> None:
        self._port = port
        self._flows: dict[Key, Flow] = {}
        self._new: OrderedDict[Key, Flow] = OrderedDict()
        """Those whose client has not shown yet that it gets answers; the one that has been silent longest first."""
        self._proven: OrderedDict[Key, Flow] = OrderedDict()
        """The others: only when there is no new one does one of these make room."""
        self._refusing = False
        """Only clients that are known already are served."""
        self._sweep = Deadline(port.wheel, self._end_silent)
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket = DatagramSocket(sock, self._received)

    def __len__(self) -> int:
        return len(self._flows)

    def _received(self, data: bytes, address: Address, ours: bytes) -> None:
        key = (address, ours)
        flow = self._flows.get(key)
        known = flow is not None
        if flow is not None and flow.endpoint.retired:
            self.end(flow, "endpoint_gone")  # nobody would ever tell its client to come again
            flow = None
        if flow is None:
            flow = self._begin(key, known)
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

    def _begin(self, key: Key, known: bool) -> Flow | None:
        """None: there is nobody to send it to, and the datagram is dropped."""
        port = self._port
        listener = port.listener
        if listener is None:
            return None
        route = listener.l4.choose() if listener.l4 is not None else None
        record = L4Record(port.plane, listener, route, str(key[0][0]).removeprefix("::ffff:"), "UDP")
        if self._refusing and not known:
            port.drop(record, "draining", "")
            return None
        endpoint = self._endpoint(record, route)
        return None if endpoint is None else self._open(Flow(self, key, endpoint, record))

    def _endpoint(self, record: L4Record, route: "LiveL4Route | None") -> DirectEndpoint | None:
        """Whose turn it is; None when there is none, and that is told."""
        port = self._port
        backend = record.backend = route.choose() if route is not None else None
        if backend is None or backend.upstream is None or backend.upstream.invalid:
            reason = "no_route" if route is None else (backend.invalid if backend else "") or "no_backend"
            port.drop(record, reason, "NR" if route is None else "NB")
            return None
        endpoint = backend.upstream.pick()
        if endpoint is None:
            error = None if (naming := backend.upstream.naming) is None else naming.error()
            port.drop(record, *(("no_ready_endpoint", "NE") if error is None else (error.reason, error.flag)))
            return None
        record.endpoint = endpoint.label
        return endpoint

    def _open(self, flow: Flow) -> Flow:
        port = self._port
        if len(self._flows) >= port.settings.max_flows:
            self.end(next(iter((self._new or self._proven).values())), "evicted")
        flow.endpoint.taken()
        flow.record.passes()
        self._flows[flow.key] = self._new[flow.key] = flow
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

    # --- the end -----------------------------------------------------------------------------

    def refuse(self) -> None:
        """From now on no flow begins, but for what has come already."""
        if not self._refusing:
            self._socket.take_waiting()
            self._refusing = True

    def under_way(self) -> Iterator[Flow]:
        """Flows that are worth waiting for.

        Nobody says when a flow is over. One that has got an answer for all it has asked most probably is (DNS); a
        client that is owed one, or has gone on after one (QUIC, WireGuard), needs more silence to look like that.
        """
        now, settings = self._port.plane.clock(), self._port.settings
        for flows in (self._new, self._proven):
            for flow in reversed(flows.values()):
                silent = now - flow.last
                if silent >= settings.udp_settled:
                    break
                if flow.proven or flow.unanswered or silent < settings.udp_answered:
                    yield flow

    def close(self) -> None:
        cut = set(self.under_way())
        for flow in list(self._flows.values()):
            self.end(flow, "drained" if flow in cut else "ok")
        self._sweep.drop()
        self._socket.close()
