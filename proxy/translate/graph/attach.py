"""Routes to listeners: parents, allowedRoutes, hostnames.

A Gateway and each of its ListenerSets are parents of their own, judged by themselves. The order of the
reasons is that of the Gateway API: is there such a listener, does it allow the route, do hostnames meet.
Each step looks only at the listeners that the one before has left.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from proxy.resources.gateway import GROUP, Gateway
from proxy.resources.httproute import ParentReference
from proxy.resources.listenerset import ListenerSet
from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.store import ResourceSet
from proxy.routing.precedence import host_key
from proxy.translate.graph import route_conditions as c
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.hostnames import intersect
from proxy.translate.graph.listenerset_conditions import set_not_attached
from proxy.translate.graph.namespaces import Namespaces
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.nodes import (
    AnyRoute,
    AttachmentNode,
    GatewayNode,
    ListenerNode,
    ListenerSetNode,
    ParentNode,
    Place,
)
from proxy.translate.graph.parents import default_gateways, no_defaults, references, wants_defaults

Parent = GatewayNode | ListenerSetNode
"""What a parentRef can name. Each is judged by itself: a Gateway's listeners are its own alone, and so are a set's."""


class Admission:
    """Who may attach where: Gateways, ListenerSets, and the labels of namespaces."""

    def __init__(
        self,
        resources: ResourceSet,
        gateways: Mapping[ObjectKey, GatewayNode],
        listener_sets: Mapping[ObjectKey, ListenerSetNode],
        namespaces: Namespaces,
    ) -> None:
        self._parents: dict[str, Mapping[ObjectKey, Parent]] = {"Gateway": gateways, "ListenerSet": listener_sets}
        self._declared: dict[str, Mapping[ObjectKey, Resource]] = {
            "Gateway": resources.by_kind(Gateway),
            "ListenerSet": resources.by_kind(ListenerSet),
        }
        self.defaults = default_gateways(gateways)
        """Gateways that routes attach to which ask for default Gateways."""
        self._namespaces = namespaces
        self._selected: dict[tuple[str, str], bool] = {}
        self._names: dict[str, Names] = {}

    def equals(self, other: "Admission") -> bool:
        """Every route attaches to what it attached to."""
        return (
            self._parents == other._parents
            and self._namespaces.equals(other._namespaces)
            and all(declared.keys() == other._declared[kind].keys() for kind, declared in self._declared.items())
        )

    def takes(self, ref: ParentReference) -> bool:
        """Its kind is one that routes attach to."""
        return ref.group == GROUP and ref.kind in self._parents

    def parent(self, kind: str, key: ObjectKey) -> Parent | None:
        """Only if it is ours."""
        return self._parents[kind].get(key)

    def declares(self, kind: str, key: ObjectKey) -> bool:
        return key in self._declared[kind]

    def hint(self, kind: str, key: ObjectKey) -> str:
        if kind not in self._names:
            self._names[kind] = Names(map(str, self._declared[kind]))
        return self._names[kind].hint(str(key), f"{kind}s")

    def allows_namespace(self, listener: ListenerNode, namespace: str) -> bool:
        """allowedRoutes.namespaces, relative to that of the Gateway or ListenerSet that declares the listener."""
        allowed = listener.spec.allowed_routes.namespaces
        if allowed.from_ == "All":
            return True
        if allowed.from_ == "Same":
            return namespace == listener.owner.namespace
        at = (listener.key, namespace)
        if at not in self._selected:
            self._selected[at] = self._namespaces.selected(allowed.selector, namespace)
        return self._selected[at]


# --- one route --------------------------------------------------------------------------------


def attach(route: AnyRoute, admission: Admission, *, advise: bool) -> AttachmentNode:
    """`advise`: a Gateway that is nowhere is worth a word, as no other controller could have it."""
    parents: list[ParentNode] = []
    advice: list[Finding] = []
    places: dict[tuple[str, bytes], bytes] = {}
    if advise and wants_defaults(route.resource) and not admission.defaults:
        advice.append(no_defaults())
    for wanted in references(route.resource, admission.defaults):
        ref, key, where = wanted.ref, wanted.key, (wanted.field, wanted.is_default)
        if not admission.takes(ref):
            if advise:
                advice.append(c.unknown_parent_kind(f"{wanted.field}.kind", ref.kind, ref.group))
            continue
        parent = admission.parent(ref.kind, key)
        if parent is None:
            if advise and not admission.declares(ref.kind, key):
                hint = admission.hint(ref.kind, key)
                advice.append(c.unknown_parent(f"{wanted.field}.name", ref.kind, str(key), hint))
            continue
        found = _attach_to(route, wanted.field, ref, parent, admission)
        if isinstance(found, Finding):
            parents.append(ParentNode(ref, (), found, *where))
        elif not route.accepted:
            parents.append(ParentNode(ref, (), None, *where))
        else:
            parents.append(ParentNode(ref, tuple(listener.key for listener in found), None, *where))
            _add_places(places, route, parent, found)
    return AttachmentNode(
        tuple(_softened(parents)), tuple(Place(*at, own) for at, own in places.items()), tuple(advice)
    )


def _softened(parents: list[ParentNode]) -> Iterator[ParentNode]:
    """That one of several default Gateways does not take a route, which named none, is no fault of the route."""
    attached = any(parent.listeners for parent in parents)
    for parent in parents:
        if attached and parent.is_default and parent.finding is not None:
            yield replace(parent, finding=replace(parent.finding, severity="warning"))
        else:
            yield parent


def _attach_to(
    route: AnyRoute, field: str, ref: ParentReference, parent: Parent, admission: Admission
) -> list[ListenerNode] | Finding:
    """The listeners of this very parent that take the route, else why none does."""
    if isinstance(parent, ListenerSetNode) and not parent.attached:
        return set_not_attached(field, str(parent.resource.key), str(parent.gateway.resource.key))
    named = [listener for listener in parent.listeners if _is_named(ref, listener)]
    if not named:
        return _no_such_listener(field, ref, parent)
    allowed = [listener for listener in named if _allows(listener, route, admission)]
    if not allowed:
        return _why_not_allowed(field, named, route, parent)
    meeting = [listener for listener in allowed if any(_meet(listener, route))]
    if not meeting:
        return _no_hostname(allowed, route)
    return meeting


def _is_named(ref: ParentReference, listener: ListenerNode) -> bool:
    return ref.section_name in (None, listener.spec.name) and ref.port in (None, listener.spec.port)


def _allows(listener: ListenerNode, route: AnyRoute, admission: Admission) -> bool:
    return _allows_kind(listener, route) and admission.allows_namespace(listener, route.resource.metadata.namespace)


def _allows_kind(listener: ListenerNode, route: AnyRoute) -> bool:
    wanted = type(route.resource).__name__
    return any(kind.kind == wanted for kind in listener.kinds)


def _meet(listener: ListenerNode, route: AnyRoute) -> Iterator[tuple[bytes, bytes]]:
    """(common hostname, the route's own) for each of the route's own that meets the listener's."""
    wanted = listener.hostname.encode()
    for own in route.hostnames or (b"",):
        common = intersect(wanted, own)
        if common is not None:
            yield common, own


def _add_places(
    places: dict[tuple[str, bytes], bytes], route: AnyRoute, parent: Parent, listeners: Iterable[ListenerNode]
) -> None:
    """Of several own hostnames that lead to one place the most specific counts."""
    for listener in listeners:
        if not parent.binds(listener):
            continue
        for common, own in _meet(listener, route):
            at = (listener.key, common)
            if at not in places or host_key(own) < host_key(places[at]):
                places[at] = own


# --- why not ----------------------------------------------------------------------------------

_LISTENERS = {
    "HTTPRoute": "use an HTTP or HTTPS listener",
    "GRPCRoute": "use an HTTP or HTTPS listener",
    "TCPRoute": "use a TCP listener",
    "TLSRoute": "use a TLS listener",
    "UDPRoute": "use a UDP listener",
}


def _no_such_listener(field: str, ref: ParentReference, parent: Parent) -> Finding:
    wanted = " and ".join(
        part for part in (
            f"name {ref.section_name!r}" if ref.section_name is not None else "",
            f"port {ref.port}" if ref.port is not None else "",
        ) if part
    )  # fmt: skip
    listed = Names(f"{listener.spec.name} (port {listener.spec.port})" for listener in parent.listeners)
    near = Names(listener.spec.name for listener in parent.listeners).nearest(ref.section_name or "")
    hint = f"did you mean {near!r}?" if near and near != ref.section_name else listed.hint("", "listeners")
    part = "port" if ref.section_name is None or ref.section_name == near else "sectionName"
    return c.no_matching_parent(f"{field}.{part}", _spoken(parent), wanted or "any name", hint)


def _spoken(parent: Parent) -> str:
    return f"{parent.resource.kind} {parent.resource.key}"


def _why_not_allowed(field: str, named: list[ListenerNode], route: AnyRoute, parent: Parent) -> Finding:
    kind = type(route.resource).__name__
    if not any(_allows_kind(listener, route) for listener in named):
        listed = ", ".join(f"{listener.spec.name} ({listener.spec.protocol})" for listener in named)
        return c.not_allowed(field, f"no listener of {_spoken(parent)} takes {kind}s: {listed}", _LISTENERS[kind])
    namespace, own = route.resource.metadata.namespace, parent.resource.metadata.namespace
    rules = "; ".join(_namespace_rule(listener) for listener in named if _allows_kind(listener, route))
    return c.not_allowed(
        field,
        f"{_spoken(parent)} does not let routes of namespace {namespace} attach ({rules})",
        f"set allowedRoutes.namespaces.from: All on the listener, or move the route to namespace {own}",
    )


def _namespace_rule(listener: ListenerNode) -> str:
    allowed = listener.spec.allowed_routes.namespaces
    return f"listener {listener.spec.name} allows {allowed.from_}"


def _no_hostname(allowed: list[ListenerNode], route: AnyRoute) -> Finding:
    wanted = ", ".join(name.decode() for name in route.hostnames)
    listed = ", ".join(f"{listener.spec.name} ({listener.hostname})" for listener in allowed)
    return c.no_matching_hostname("spec.hostnames", wanted, listed)
