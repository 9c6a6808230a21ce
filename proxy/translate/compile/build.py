"""compile_snapshot: graph to snapshot, keeping every part that did not change."""

from collections.abc import Iterable, Mapping
from operator import is_
from types import MappingProxyType

from msgspec import Struct

from proxy.snapshot.certificate import CABundle, Certificate, ClientValidation
from proxy.snapshot.snapshot import Bind, Listener, Snapshot
from proxy.translate.compile.buckets import Buckets, build_buckets
from proxy.translate.compile.l4 import compile_l4, l4_upstreams
from proxy.translate.compile.routes import CompiledRoute, compile_route
from proxy.translate.compile.upstreams import (
    Seated,
    build_bundles,
    build_upstream_tls,
    build_upstreams,
    seat_upstreams,
    used_backends,
)
from proxy.translate.graph.backends import BackendNode
from proxy.translate.graph.build import Graph
from proxy.translate.graph.nodes import BindNode, CertificateNode, ListenerNode, RouteKey


class Compiled(Struct, frozen=True):
    """The snapshot, and what the next one can be made from."""

    snapshot: Snapshot
    routes: Mapping[RouteKey, CompiledRoute]
    buckets: Buckets
    compiled_rules: int = 0
    """Rules of routes that could not be kept from the translation before."""
    seated: Seated = MappingProxyType({})


def compile_snapshot(graph: Graph, previous: Compiled | None, *, generation: int, session_key: bytes = b"") -> Compiled:
    """The very same snapshot as before when nothing in it changed, else one of this generation.

    `previous` must come from the same `session_key`.
    """
    routes = _compile_routes(graph, previous)
    buckets = build_buckets(routes, graph.attachments, previous.buckets if previous else None)
    l4 = compile_l4(graph, previous.snapshot.l4 if previous else {})
    nodes = used_backends((*(route.upstreams for route in routes.values()), l4_upstreams(l4)), graph.backends)
    seated = seat_upstreams(routes.values(), nodes, session_key, previous.seated if previous else {})
    snapshot = Snapshot(
        generation=generation,
        binds=tuple(map(_bind, graph.binds)),
        listeners=_listeners(graph),
        buckets=dict(buckets.compiled),
        upstreams=build_upstreams(nodes, seated),
        certificates=_certificates(graph, nodes),
        upstream_tls=build_upstream_tls(nodes),
        bundles={**_bundles(graph), **build_bundles(nodes)},
        l4=l4,
    )
    if previous is not None and _same(snapshot, previous.snapshot):
        snapshot = previous.snapshot
    return Compiled(snapshot, routes, buckets, _fresh_rules(routes, previous), seated)


def _compile_routes(graph: Graph, previous: Compiled | None) -> dict[RouteKey, CompiledRoute]:
    """Those that are served anywhere."""
    known = previous.routes if previous else {}
    routes = {}
    for key, node in graph.routes.items():
        if graph.attachments[key].places:
            old = known.get(key)
            routes[key] = old if old is not None and old.node is node else compile_route(node)
    return routes


def _fresh_rules(routes: Mapping[RouteKey, CompiledRoute], previous: Compiled | None) -> int:
    known = previous.routes if previous else {}
    return sum(len(route.rules) for key, route in routes.items() if known.get(key) is not route)


def _bind(node: BindNode) -> Bind:
    return Bind(node.address, node.port, node.listeners, node.transport, node.proxy_headers)


def _listeners(graph: Graph) -> dict[str, Listener]:
    return {node.key: _listener(node, _shown(node, graph)) for node in _bound(graph)}


def _certificates(graph: Graph, backends: Iterable[BackendNode]) -> dict[str, Certificate]:
    """What is shown to clients, then what is shown to endpoints."""
    bound = _bound(graph)
    served = [item for node in bound for item in node.certificates]
    shown = [_shown(node, graph) for node in bound]
    own = [node.security.certificate for node in backends if node.security is not None]
    return {item.key: item.certificate for item in (*served, *shown, *own) if item is not None}


def _shown(listener: ListenerNode, graph: Graph) -> CertificateNode | None:
    return graph.gateways[listener.gateway].client_certificate


def _bundles(graph: Graph) -> dict[str, CABundle]:
    return {item.key: item.bundle for node in _bound(graph) if node.clients for item in node.clients.bundles}


def _bound(graph: Graph) -> list[ListenerNode]:
    nodes = {node.key: node for node in graph.bound()}
    return [nodes[key] for bind in graph.binds for key in bind.listeners]


def _listener(node: ListenerNode, shown: CertificateNode | None) -> Listener:
    return Listener(
        gateway=str(node.gateway),
        name=node.name,
        protocol=node.spec.protocol,
        hostname=node.hostname.encode(),
        port=node.spec.port,
        certificates=tuple(item.key for item in node.certificates),
        client_certificate="" if shown is None else shown.key,
        clients=_clients(node),
    )


def _clients(node: ListenerNode) -> ClientValidation | None:
    if node.clients is None:
        return None
    return ClientValidation(tuple(item.key for item in node.clients.bundles), node.clients.insecure_fallback)


def _same(new: Snapshot, old: Snapshot) -> bool:
    """Buckets by identity: comparing them in depth would cost more than sending one in vain."""
    return (
        new.binds == old.binds
        and new.listeners == old.listeners
        and new.upstreams == old.upstreams
        and new.l4 == old.l4
        and new.certificates.keys() == old.certificates.keys()
        and new.upstream_tls.keys() == old.upstream_tls.keys()
        and new.bundles.keys() == old.bundles.keys()
        and new.buckets.keys() == old.buckets.keys()
        and all(map(is_, new.buckets.values(), (old.buckets[key] for key in new.buckets)))
    )
