"""Backends to upstreams: those that a served rule leads to, and no others."""

from collections.abc import Iterable

from proxy.snapshot.snapshot import Upstream
from proxy.translate.compile.routes import CompiledRoute
from proxy.translate.graph.backends import Backends


def build_upstreams(routes: Iterable[CompiledRoute], backends: Backends) -> dict[str, Upstream]:
    """Sorted by key."""
    used = set[str]().union(*(route.upstreams for route in routes))
    return {key: _upstream(key, backends) for key in sorted(used)}


def _upstream(key: str, backends: Backends) -> Upstream:
    node = backends.node(key)
    return Upstream(key, node.endpoints, node.protocol)
