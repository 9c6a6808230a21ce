"""Backends to upstreams: those that a served rule leads to, and no others; and what secures them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from proxy.snapshot.certificate import CABundle
from proxy.snapshot.snapshot import Upstream
from proxy.snapshot.upstream_tls import UpstreamTLS
from proxy.translate.compile.routes import CompiledRoute
from proxy.translate.compile.sessions import seats
from proxy.translate.graph.backends import BackendNode, Backends
from proxy.translate.graph.upstream_tls import SecurityNode


def used_backends(upstreams: Iterable[Iterable[str]], backends: Backends) -> list[BackendNode]:
    """Those that any route leads to, sorted by key."""
    used = set[str]().union(*upstreams)
    return [backends.node(key) for key in sorted(used)]


class SeatedUpstream(NamedTuple):
    """An upstream with its seats, and what it was made of."""

    node: BackendNode
    upstream: Upstream


Seated = Mapping[str, SeatedUpstream]


def build_upstreams(nodes: Iterable[BackendNode], seated: Seated) -> dict[str, Upstream]:
    return {node.key: seated[node.key].upstream if node.key in seated else _upstream(node) for node in nodes}


def seat_upstreams(
    routes: Iterable[CompiledRoute], nodes: Iterable[BackendNode], key: bytes, known: Seated
) -> dict[str, SeatedUpstream]:
    """Those that rules with session persistence lead to. `known`: those made before, by the same key."""
    wanted = set[str]().union(*(route.seated for route in routes))
    return {node.key: _seated(node, key, known.get(node.key)) for node in nodes if node.key in wanted}


def _seated(node: BackendNode, key: bytes, known: SeatedUpstream | None) -> SeatedUpstream:
    if known is not None and (known.node is node or known.node == node):
        return known
    upstream = _upstream(node)
    return SeatedUpstream(node, upstream if upstream.invalid else replace(upstream, seats=seats(node, key)))


def build_upstream_tls(nodes: Sequence[BackendNode]) -> dict[str, UpstreamTLS]:
    return {security.key: security.tls for security in _secured(nodes) if security.tls is not None}


def build_bundles(nodes: Sequence[BackendNode]) -> dict[str, CABundle]:
    return {item.key: item.bundle for security in _secured(nodes) for item in security.bundles}


def _secured(nodes: Iterable[BackendNode]) -> Iterator[SecurityNode]:
    return (node.security for node in nodes if node.security is not None)


def _upstream(node: BackendNode) -> Upstream:
    """Without endpoints where TLS is wanted and cannot be had: then there is nothing that could be spoken to."""
    security = node.security
    if security is not None and security.tls is None:
        return Upstream(node.key, (), node.protocol, invalid="backend_tls_invalid")
    return Upstream(
        node.key,
        node.endpoints,
        node.protocol,
        tls="" if security is None else security.key,
        names=node.names,
        external=node.external,
        retry_budget=node.retry_budget,
        proxy_protocol=node.proxy_protocol,
    )
