"""TCPRoutes, TLSRoutes and UDPRoutes to the routes of each listener, in the order in which they are asked."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, cast

from proxy.resources.l4routes import TLSRoute
from proxy.routing.precedence import host_key
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.route import BackendRef
from proxy.translate.graph.age import seniority
from proxy.translate.graph.build import Graph
from proxy.translate.graph.nodes import BackendRefNode, L4RouteNode

Routes = dict[str, tuple[L4Route, ...]]
Kind = Literal["TCPRoute", "TLSRoute", "UDPRoute"]


def compile_l4(graph: Graph, previous: Mapping[str, tuple[L4Route, ...]]) -> Routes:
    """By listener key; what is as it was before is the same instance.

    The more specific hostname goes first, then the older route, then the one that sorts first by NAMESPACE/NAME
    (Gateway API, conflict resolution). Of those for one hostname only the first is ever asked.
    """
    found: dict[str, list[tuple[L4RouteNode, bytes]]] = {}
    for node, attachment in graph.l4.attached():
        for listener, hostname, _ in attachment.places:
            found.setdefault(listener, []).append((node, hostname))
    return {
        listener: _kept(tuple(_routes(places, passing=listener in graph.l4.passing)), previous.get(listener))
        for listener, places in found.items()
    }


def l4_upstreams(routes: Routes) -> Iterator[str]:
    """Keys of those that lead anywhere."""
    return (ref.upstream for listed in routes.values() for route in listed for ref in route.backends if ref.upstream)


def _kept(new: tuple[L4Route, ...], old: tuple[L4Route, ...] | None) -> tuple[L4Route, ...]:
    return old if old == new else new


def _routes(places: Iterable[tuple[L4RouteNode, bytes]], *, passing: bool) -> Iterator[L4Route]:
    for node, hostname in sorted(places, key=_order):
        refs = node.passed_on if passing and isinstance(node.resource, TLSRoute) else node.backends
        yield L4Route(
            route=str(node.resource.key),
            kind=cast(Kind, type(node.resource).__name__),
            hostname=hostname,
            name=node.name,
            backends=tuple(map(_backend, refs)),
        )


def _order(place: tuple[L4RouteNode, bytes]) -> tuple[object, ...]:
    node, hostname = place
    return host_key(hostname), hostname, seniority(node.resource)


def _backend(ref: BackendRefNode) -> BackendRef:
    broken = ref.target.broken
    return BackendRef(
        backend=ref.key.label,
        weight=ref.weight,
        upstream=ref.target.upstream,
        invalid=broken.reason if broken else "",
    )
