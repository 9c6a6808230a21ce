"""What passed through a connection or flow, counted while it is open; and how it ended, counted and logged."""

import time
from typing import TYPE_CHECKING

from proxy.observe.access_log import AccessRecord, timestamp

if TYPE_CHECKING:
    from proxy.forward.l4 import L4Backend, LiveL4Route
    from proxy.forward.live import LiveListener
    from proxy.forward.plane import Plane

PROTOCOLS = {"TCPRoute": "TCP", "TLSRoute": "TLS", "UDPRoute": "UDP"}


class L4Record:
    """What is known of one connection or flow."""

    __slots__ = ("_counted_in", "_counted_out", "_ended", "_listener", "_plane", "_protocol", "_route", "_started",
                 "backend", "bytes_in", "bytes_out", "client", "endpoint", "retries", "tls")  # fmt: skip

    def __init__(
        self,
        plane: "Plane",
        listener: "LiveListener",
        route: "LiveL4Route | None",
        client: str,
        protocol: str = "TCP",
    ) -> None:
        """`protocol`: where there is no route to tell."""
        self._plane = plane
        self._listener = listener
        self._route = route
        self._started = plane.clock()
        self._ended = False
        self._protocol = PROTOCOLS[route.kind] if route is not None else protocol
        self.client = client
        self.backend: L4Backend | None = None
        self.endpoint = ""
        self.retries = 0
        self.tls = ""
        self.bytes_in = 0
        self.bytes_out = 0
        self._counted_in = self._counted_out = 0

    def passes(self) -> None:
        """There is somebody at the other end: what passes from now on is counted while it does, until the end."""
        self._plane.ongoing.begin(self)

    def count(self) -> None:
        """What has passed since the last time."""
        backend, values = self.backend, self._plane.metrics.values
        if backend is None:
            return
        if self.bytes_in != self._counted_in:
            values[backend.bytes_in] += self.bytes_in - self._counted_in
            self._counted_in = self.bytes_in
        if self.bytes_out != self._counted_out:
            values[backend.bytes_out] += self.bytes_out - self._counted_out
            self._counted_out = self.bytes_out

    def end(self, result: str, flags: str = "", *, quiet: bool = False) -> None:
        """Once. `result` is "ok", or why it could not be or did not end well. `quiet`: counted, not logged."""
        if self._ended:
            return
        self._ended = True
        plane, backend = self._plane, self.backend
        plane.ongoing.end(self)
        self.count()
        if backend is not None:
            backend.count(result)
        else:
            names = (self._listener.gateway, self._listener.name, self._route.route if self._route else "", "", result)
            plane.metrics.values[plane.metrics.counter("penstock_l4_connections_total", names)] += 1.0
        if plane.access_log is not None and not quiet:
            plane.access_log.write(self._line(result, flags))

    def _line(self, result: str, flags: str) -> AccessRecord:
        duration = self._plane.clock() - self._started
        route, listener = self._route, self._listener
        return AccessRecord(
            ts=timestamp(time.time() - duration),
            method="",
            host="",
            path="",
            protocol=self._protocol,
            status=0,
            flags=flags,
            reason="" if result == "ok" else result,
            duration_ms=round(duration * 1000, 3),
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            client=self.client,
            generation=self._plane.generation,
            gateway=listener.gateway,
            listener=listener.name,
            route=route.route if route is not None else "",
            rule=route.label if route is not None else "",
            backend=self.backend.name if self.backend is not None else "",
            endpoint=self.endpoint,
            retries=self.retries,
            tls=self.tls,
        )
