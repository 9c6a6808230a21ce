"""The routes of a listener below HTTP come alive: which of them takes a connection or flow, and which backend."""

from proxy.forward.live import TurnsOf, UpstreamOf
from proxy.observe.metrics import WorkerMetrics
from proxy.routing.hostname import HostIndex
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.route import BackendRef
from proxy.snapshot.snapshot import Listener
from proxy.upstream.direct import DirectEndpoint
from proxy.upstream.live import LiveUpstream


class L4Backend:
    """One backendRef of a route."""

    __slots__ = ("_metrics", "_names", "bytes_in", "bytes_out", "invalid", "name", "upstream")

    def __init__(
        self,
        spec: BackendRef,
        upstream: LiveUpstream[DirectEndpoint] | None,
        names: tuple[str, ...],
        metrics: WorkerMetrics,
    ) -> None:
        self.name = spec.backend
        self.upstream = upstream
        self.invalid = spec.invalid
        self._metrics = metrics
        self._names = (*names, spec.backend)
        self.bytes_in = metrics.counter("penstock_l4_bytes_total", (*self._names, "in"))
        """Slot of the octets from clients."""
        self.bytes_out = metrics.counter("penstock_l4_bytes_total", (*self._names, "out"))

    def count(self, result: str) -> None:
        """One connection or flow, and how it ended."""
        metrics = self._metrics
        metrics.values[metrics.counter("penstock_l4_connections_total", (*self._names, result))] += 1.0


class LiveL4Route:
    """One route on one listener."""

    __slots__ = ("_turns", "backends", "hostname", "kind", "label", "route")

    def __init__(
        self, spec: L4Route, listener: Listener, metrics: WorkerMetrics, upstream: UpstreamOf, turns: TurnsOf
    ) -> None:
        self.route = spec.route
        self.label = spec.label
        self.kind = spec.kind
        self.hostname = spec.hostname
        names = (listener.gateway, listener.name, spec.route)
        certificate = listener.client_certificate
        self.backends = [
            L4Backend(ref, upstream(ref.upstream, certificate) if ref.upstream else None, names, metrics)
            for ref in spec.backends
        ]
        shares = tuple((ref.backend, ref.weight) for ref in spec.backends)
        self._turns = turns((spec.kind, spec.route, 0, shares), [ref.weight for ref in spec.backends])

    def choose(self) -> L4Backend | None:
        """The backend whose turn it is; None when there is none with a weight."""
        at = self._turns.next() if self.backends else -1
        return self.backends[at] if at >= 0 else None


class L4Table:
    """The routes of one listener."""

    __slots__ = ("_by_name",)

    def __init__(self, routes: tuple[LiveL4Route, ...]) -> None:
        """In order of precedence: of those for one hostname the first has all."""
        self._by_name = HostIndex((route.hostname, route) for route in routes)

    def choose(self, server_name: bytes = b"") -> LiveL4Route | None:
        """The route with the most specific hostname for the server name; one without a hostname is for all."""
        return self._by_name.find(server_name)


def l4_table(
    specs: tuple[L4Route, ...], listener: Listener, metrics: WorkerMetrics, upstream: UpstreamOf, turns: TurnsOf
) -> L4Table:
    """The live table of a listener."""
    return L4Table(tuple(LiveL4Route(spec, listener, metrics, upstream, turns) for spec in specs))
