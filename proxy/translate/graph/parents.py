"""Which parents a route has: those that its parentRefs name, and the default Gateways if it asks for them (GEP-3793).

A default Gateway is a parent as if `parentRefs` named it whole: the same rules say whether it takes the route.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from proxy.resources.grpcroute import GRPCRoute
from proxy.resources.httproute import HTTPRoute, ParentReference
from proxy.resources.l4routes import L4Resource
from proxy.resources.meta import ObjectKey
from proxy.translate.graph.conditions import Finding, advice
from proxy.translate.graph.nodes import GatewayNode

SCOPE = "All"
"""The only scope there is; `None` stands for no default Gateway."""
FIELD = "spec.useDefaultGateways"


class Reference(NamedTuple):
    """One parent that a route wants."""

    field: str
    """Of the route, where it says so."""
    ref: ParentReference
    key: ObjectKey
    is_default: bool = False
    """Not named: it is a default Gateway."""


def is_default(gateway: GatewayNode) -> bool:
    return gateway.resource.spec.default_scope == SCOPE


def wants_defaults(route: HTTPRoute | GRPCRoute | L4Resource) -> bool:
    return route.spec.use_default_gateways == SCOPE


def references(route: HTTPRoute | GRPCRoute | L4Resource, defaults: Iterable[ObjectKey]) -> Iterator[Reference]:
    """In the order declared, then the default Gateways; of those none that is named whole already."""
    namespace = route.metadata.namespace
    named = [
        Reference(f"spec.parentRefs[{i}]", ref, ObjectKey(ref.namespace or namespace, ref.name))
        for i, ref in enumerate(route.spec.parent_refs)
    ]
    yield from named
    if wants_defaults(route):
        whole = {one.key for one in named if _names_whole(one.ref)}
        for key in defaults:
            if key not in whole:
                ref = ParentReference(key.name, namespace=key.namespace)
                yield Reference(FIELD, ref, key, is_default=True)


def default_gateways(gateways: Mapping[ObjectKey, GatewayNode]) -> tuple[ObjectKey, ...]:
    """The most senior first, as `gateways` are. All of them count: there may be several (GEP-3793)."""
    return tuple(key for key, gateway in gateways.items() if is_default(gateway))


def no_defaults() -> Finding:
    """No default Gateway is as if the route had not asked; a Gateway may become one later."""
    return advice(
        FIELD,
        "there is no default Gateway, so it has no effect",
        "set spec.defaultScope: All on a Gateway, or name one in parentRefs",
    )


def _names_whole(ref: ParentReference) -> bool:
    """A reference to a Gateway that says nothing of sections and ports, as those to default Gateways do."""
    return ref == ParentReference(ref.name, namespace=ref.namespace)
