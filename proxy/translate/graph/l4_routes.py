"""TCPRoute, TLSRoute and UDPRoute by themselves: are hostnames and backends sound?

They have one rule, without matches or filters, so nothing of it can be dropped: a backend that cannot be used keeps its
share, and its connections and flows are refused.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from proxy.resources.l4routes import L4BackendRef, L4Resource, TCPRoute, TLSRoute, UDPRoute
from proxy.resources.meta import ObjectKey
from proxy.resources.store import ResourceSet
from proxy.translate.graph.backends import Backends
from proxy.translate.graph.conditions import Finding, advice, unsupported_value
from proxy.translate.graph.listeners import is_hostname
from proxy.translate.graph.nodes import BackendKey, BackendRefNode, L4RouteNode
from proxy.translate.graph.parents import wants_defaults
from proxy.translate.graph.routes import MAX_WEIGHT

L4_KINDS: Final[tuple[type[L4Resource], ...]] = (TCPRoute, TLSRoute, UDPRoute)

Key = tuple[str, ObjectKey]
"""Kind, namespace and name: routes of different kinds may have one name."""


def check_l4_routes(
    resources: ResourceSet, backends: Backends, previous: Mapping[Key, L4RouteNode]
) -> dict[Key, L4RouteNode]:
    """Checks a route again only when it or what its backendRefs lead to has changed."""
    routes: dict[Key, L4RouteNode] = {}
    for kind in L4_KINDS:
        for key, route in sorted(resources.by_kind(kind).items()):
            at = kind.__name__, key
            node = previous.get(at)
            if node is None or node.resource is not route or not (backends.unchanged or _still_holds(node, backends)):
                node = check_l4_route(route, backends)
            routes[at] = node
    return routes


def check_l4_route(route: L4Resource, backends: Backends) -> L4RouteNode:
    """Looks at nothing but the route and what its backendRefs lead to."""
    refs = [ref for rule in route.spec.rules for ref in rule.backend_refs]
    declared = route.spec.hostnames if isinstance(route, TLSRoute) else ()
    hostnames = tuple(name.lower().encode() for name in declared if _is_name(name.lower()))
    targets = tuple(_backend_ref(route, ref, backends, "udp" if isinstance(route, UDPRoute) else "tcp") for ref in refs)
    passed = tuple(_backend_ref(route, ref, backends, "raw") for ref in refs) if isinstance(route, TLSRoute) else ()
    return L4RouteNode(
        resource=route,
        name=next((rule.name or "" for rule in route.spec.rules), ""),
        hostnames=hostnames,
        backends=targets,
        passed_on=passed,
        findings=tuple(_findings(route, declared, targets)),
        accepted=bool(hostnames or not isinstance(route, TLSRoute)),
    )


def _still_holds(node: L4RouteNode, backends: Backends) -> bool:
    return all(backends.resolve(ref.key) == ref.target for ref in (*node.backends, *node.passed_on))


def _backend_ref(route: L4Resource, ref: L4BackendRef, backends: Backends, speaks: str) -> BackendRefNode:
    namespace, kind = route.metadata.namespace, type(route).__name__
    there = ref.namespace or namespace
    key = BackendKey(namespace, ref.group, ref.kind, there, ref.name, ref.port, kind, speaks)
    return BackendRefNode(key, ref.weight, backends.resolve(key), ())


def _is_name(text: str) -> bool:
    """The server name of TLS is never an address (RFC 6066 section 3), nor does a DNS name end in a number."""
    return is_hostname(text) and not text.rpartition(".")[2].isdigit()


def _findings(route: L4Resource, hostnames: tuple[str, ...], refs: tuple[BackendRefNode, ...]) -> Iterator[Finding]:
    for i, hostname in enumerate(hostnames):
        if not _is_name(hostname.lower()):
            yield unsupported_value(
                f"spec.hostnames[{i}]", f"{hostname!r} is not a server name", "write a DNS name or *.example.com"
            )
    if not route.spec.parent_refs and not wants_defaults(route):
        yield advice("spec.parentRefs", "the route names no parent, so nothing serves it", "name a Gateway")
    yield from _backend_findings(refs)


def _backend_findings(refs: tuple[BackendRefNode, ...]) -> Iterator[Finding]:
    field = "spec.rules[0].backendRefs"
    for i, ref in enumerate(refs):
        if ref.target.broken is not None:
            yield ref.target.broken.at(f"{field}[{i}]")
        if not 0 <= ref.weight <= MAX_WEIGHT:
            yield unsupported_value(f"{field}[{i}].weight", f"{ref.weight} is not a weight", f"use 0 to {MAX_WEIGHT}")
    if not any(ref.weight for ref in refs):
        why = "all weights are 0" if refs else "it has no backendRefs"
        yield advice(field, f"whatever comes is refused: {why}", "add a backendRef")
