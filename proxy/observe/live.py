"""LiveObjects: which objects a snapshot has, as far as labels name them.

Metrics of an object go a while after the object: without that, a cluster whose pods come and go would
grow /metrics for ever.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from proxy.observe.metrics import Detail
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.names import NameKey, Resolved
from proxy.snapshot.route import Rule
from proxy.snapshot.snapshot import Endpoint, Snapshot


class LiveObjects(NamedTuple):
    """Label values that stand for something that exists. "" stands for none and is always fine."""

    detail: Detail
    listeners: frozenset[str]
    """Names and NAMESPACE/GATEWAY/NAME."""
    gateways: frozenset[str]
    routes: frozenset[str]
    rules: frozenset[tuple[str, str]]
    """(route, rule label)."""
    backends: frozenset[str]
    endpoints: frozenset[tuple[str, str]]
    """(backend, endpoint)."""

    def leading_to(self, found: Iterable[tuple[str, str]]) -> "LiveObjects":
        """The same with endpoints that DNS names lead to, each with its backend."""
        return self._replace(endpoints=self.endpoints | frozenset(found))

    def includes(self, names: tuple[str, ...], values: tuple[str, ...]) -> bool:
        """True when all that the labels name exists, at the detail in use."""
        labels = dict(zip(names, values, strict=True))
        return (
            _known(labels.get("gateway", ""), self.gateways)
            and self._has_listener(labels.get("listener", ""))
            and _known(labels.get("backend", ""), self.backends)
            and self._has_rule(labels)
            and self._has_endpoint(labels)
        )

    def _has_listener(self, names: str) -> bool:
        """Connections to a port that several listeners share are counted under all of them, comma-separated."""
        return any(_known(name, self.listeners) for name in names.split(","))

    def _has_rule(self, labels: dict[str, str]) -> bool:
        route, rule = labels.get("route", ""), labels.get("rule", "")
        if not route:
            return True
        if "rule" not in labels:
            return route in self.routes  # below HTTP: a route has one rule, at any detail
        if self.detail == "rule":
            return (route, rule) in self.rules
        return self.detail == "route" and not rule and route in self.routes

    def _has_endpoint(self, labels: dict[str, str]) -> bool:
        endpoint = labels.get("endpoint", "")
        return not endpoint or (labels["backend"], endpoint) in self.endpoints


def _known(value: str, among: frozenset[str]) -> bool:
    return not value or value in among


def endpoint_label(endpoint: Endpoint) -> str:
    """HOST:PORT, IPv6 in brackets: the `endpoint` of metrics and logs."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"


def named_endpoints(snapshot: Snapshot, resolved: Iterable[Resolved]) -> Iterator[tuple[str, str]]:
    """(backend, endpoint) of every address that a DNS name of the snapshot leads to."""
    known: Mapping[NameKey, Resolved] = {item.name: item for item in resolved}
    for key, upstream in snapshot.upstreams.items():
        for name in upstream.names:
            found = known.get(NameKey(name.host, upstream.external))
            for address in found.addresses if found is not None else ():
                yield key, endpoint_label(Endpoint(address, name.port))


def live_objects(snapshot: Snapshot, detail: Detail) -> LiveObjects:
    """What this snapshot has."""
    listeners = snapshot.listeners.values()
    rules, below = list(all_rules(snapshot)), list(_below_http(snapshot))
    return LiveObjects(
        detail=detail,
        listeners=frozenset(name for item in listeners for name in (item.name, item.key)),
        gateways=frozenset(item.gateway for item in listeners),
        routes=frozenset(rule.route for rule in rules) | {route.route for route in below},
        rules=frozenset((rule.route, rule.label) for rule in rules),
        backends=frozenset(ref.backend for rule in rules for ref in rule.backends)
        | {ref.backend for route in below for ref in route.backends}
        | snapshot.upstreams.keys(),
        endpoints=frozenset(
            (key, endpoint_label(item)) for key, up in snapshot.upstreams.items() for item in up.endpoints
        ),
    )


def all_rules(snapshot: Snapshot) -> Iterator[Rule]:
    """Every rule of every bucket; one that serves several hostnames comes several times."""
    for bucket in snapshot.buckets.values():
        yield from bucket.rules


def _below_http(snapshot: Snapshot) -> Iterator[L4Route]:
    """Every TCPRoute, TLSRoute and UDPRoute; one that serves several listeners or hostnames comes several times."""
    for routes in snapshot.l4.values():
        yield from routes


def count_rules(snapshot: Snapshot) -> int:
    """Rules, each counted once. Routes below HTTP have one."""
    below = {(route.kind, route.route) for route in _below_http(snapshot)}
    return len({(rule.route, rule.index) for rule in all_rules(snapshot)}) + len(below)
