"""The snapshot come alive: rules, backends and upstreams with their balance, pools and counters bound.

Made by prepare, used by every exchange. What must outlive a reload (turns of weighted backends, pools)
is not kept here but looked up by identity in the Registry.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from proxy.filters import build_chain
from proxy.filters.base import NO_FILTERS, FilterChain
from proxy.forward.counters import LazyHistogram, RequestCounters
from proxy.forward.tries import Policy
from proxy.observe.metrics import WorkerMetrics
from proxy.routing.table import ListenerTable
from proxy.snapshot.route import BackendRef, ExternalAuth, Mirror, Rule
from proxy.snapshot.snapshot import Listener
from proxy.upstream.balance import WeightedTurns
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.live import LiveUpstream
from proxy.upstream.session import Sessions

if TYPE_CHECKING:
    from proxy.forward.l4 import L4Table

UpstreamOf = Callable[[str, str], LiveUpstream[Any]]
"""Of the key of an upstream, and of the certificate that the listener's Gateway shows to its endpoints."""
TurnsOf = Callable[[tuple[object, ...], list[int]], WeightedTurns]


class LiveBackend:
    """One backendRef of a rule."""

    __slots__ = ("chain", "invalid", "name", "requests", "upstream")

    def __init__(
        self, spec: BackendRef, upstream: LiveUpstream[EndpointPool] | None, requests: RequestCounters
    ) -> None:
        self.name = spec.backend
        self.upstream = upstream
        self.invalid = spec.invalid
        self.chain = build_chain(spec.filters) if spec.filters else NO_FILTERS
        self.requests = requests


class LiveListener:
    """One listener: its table, and what is counted under its name."""

    __slots__ = ("certificates", "clients", "gateway", "key", "l4", "name", "no_rule", "no_rule_duration", "port",
                 "table")  # fmt: skip

    def __init__(
        self, spec: Listener, table: "ListenerTable[LiveRule]", metrics: WorkerMetrics, l4: "L4Table | None" = None
    ) -> None:
        self.key = spec.key
        self.gateway = spec.gateway
        self.name = spec.name
        self.certificates = spec.certificates
        self.clients = spec.clients
        self.port = spec.port
        self.table = table
        self.l4 = l4
        """Of a listener that is not one of HTTP: what comes is passed on by it."""
        labels = metrics.rule_labels(spec.gateway, spec.name, "", "")
        self.no_rule = RequestCounters(metrics, (*labels, ""))
        self.no_rule_duration = LazyHistogram(metrics, "penstock_http_request_duration_seconds", labels)


class LiveRule:
    """One rule of one route on one listener."""

    __slots__ = ("_turns", "asked", "backends", "chain", "duration", "index", "label", "mirrors", "no_backend", "only",
                 "policy", "route", "sessions")  # fmt: skip

    chain: FilterChain

    def __init__(self, spec: Rule, listener: Listener, metrics: WorkerMetrics, upstream: UpstreamOf, turns: TurnsOf):
        self.route = spec.route
        self.index = spec.index
        self.label = spec.label
        labels = metrics.rule_labels(listener.gateway, listener.name, spec.route, spec.label)
        self.chain = build_chain(spec.filters) if spec.filters else NO_FILTERS
        self.policy = Policy.of(spec)
        self.duration = LazyHistogram(metrics, "penstock_http_request_duration_seconds", labels)
        self.no_backend = RequestCounters(metrics, (*labels, ""))
        self.backends = [
            LiveBackend(
                ref,
                upstream(ref.upstream, listener.client_certificate) if ref.upstream else None,
                RequestCounters(metrics, (*labels, ref.backend)),
            )
            for ref in spec.backends
        ]
        self.sessions = Sessions(spec.session, [each.upstream for each in self.backends]) if spec.session else None
        filters = [*spec.filters, *(one for ref in spec.backends for one in ref.filters)]
        certificate = listener.client_certificate
        self.mirrors = {one.upstream: upstream(one.upstream, certificate) for one in filters if isinstance(one, Mirror)}
        """By key: where the filters of the rule and of its backends send copies."""
        self.asked = {
            one.upstream: upstream(one.upstream, certificate) for one in filters if isinstance(one, ExternalAuth)
        }
        """By key: whom they ask."""
        weighted = [backend for backend, ref in zip(self.backends, spec.backends, strict=True) if ref.weight]
        self.only = weighted[0] if len(weighted) == 1 else None
        """The one backend that takes all, so that choosing costs nothing."""
        self._turns: WeightedTurns | None = None
        if len(weighted) > 1:
            shares = tuple((ref.backend, ref.weight) for ref in spec.backends)
            self._turns = turns((spec.kind, spec.route, spec.index, shares), [ref.weight for ref in spec.backends])

    def choose(self) -> LiveBackend | None:
        """The backend whose turn it is; None when the rule has none with a weight."""
        if self.only is not None or self._turns is None:
            return self.only
        return self.backends[self._turns.next()]
