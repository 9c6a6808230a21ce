"""Routes to listeners: parentRefs, allowedRoutes, hostnames.

The order of the reasons is that of the Gateway API: is there such a listener, does it allow the route,
do hostnames meet. Each step looks only at the listeners that the one before has left.
"""

from collections.abc import Iterable, Iterator, Mapping

from proxy.resources.core import Namespace
from proxy.resources.gateway import GROUP, Gateway
from proxy.resources.httproute import ParentReference
from proxy.resources.meta import LabelSelector, LabelSelectorRequirement, ObjectKey
from proxy.resources.store import ResourceSet
from proxy.routing.precedence import host_key
from proxy.translate.graph import conditions as c
from proxy.translate.graph.backends import same_objects
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.hostnames import intersect
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.nodes import AttachmentNode, GatewayNode, ListenerNode, ParentNode, Place, RouteNode

NAME_LABEL = "kubernetes.io/metadata.name"
"""Kubernetes puts it on every namespace, so that selectors can name one."""


class Admission:
    """Who may attach where: the Gateways and the labels of namespaces."""

    def __init__(self, resources: ResourceSet, gateways: Mapping[ObjectKey, GatewayNode]) -> None:
        self.gateways = gateways
        self._namespaces = resources.by_kind(Namespace)
        self._declared = resources.by_kind(Gateway)
        self._selected: dict[tuple[str, str], bool] = {}
        self._names: Names | None = None

    def equals(self, other: "Admission") -> bool:
        """Every route attaches to what it attached to."""
        return (
            self.gateways == other.gateways
            and same_objects(self._namespaces, other._namespaces)
            and self._declared.keys() == other._declared.keys()
        )

    def declares(self, gateway: ObjectKey) -> bool:
        return gateway in self._declared

    def gateway_hint(self, gateway: ObjectKey) -> str:
        if self._names is None:
            self._names = Names(map(str, self._declared))
        return self._names.hint(str(gateway), "Gateways")

    def allows_namespace(self, listener: ListenerNode, namespace: str) -> bool:
        """allowedRoutes.namespaces, relative to the Gateway's own."""
        allowed = listener.spec.allowed_routes.namespaces
        if allowed.from_ == "All":
            return True
        if allowed.from_ == "Same":
            return namespace == listener.gateway.namespace
        if allowed.selector is None:
            return False
        at = (listener.key, namespace)
        if at not in self._selected:
            self._selected[at] = selects(allowed.selector, self._labels(namespace))
        return self._selected[at]

    def _labels(self, namespace: str) -> dict[str, str]:
        """A namespace that only files speak of has its name's label alone."""
        declared = self._namespaces.get(ObjectKey("", namespace))
        return {NAME_LABEL: namespace, **(declared.metadata.labels if declared else {})}


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """All of matchLabels and matchExpressions hold; an empty selector selects everything."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions
    )


def _holds(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    """NotIn holds for an object without the label (Kubernetes, LabelSelectorRequirement)."""
    match requirement.operator:
        case "In":
            return labels.get(requirement.key) in requirement.values
        case "NotIn":
            return labels.get(requirement.key) not in requirement.values
        case "Exists":
            return requirement.key in labels
        case _:
            return requirement.key not in labels


# --- one route --------------------------------------------------------------------------------


def attach(route: RouteNode, admission: Admission, *, advise: bool) -> AttachmentNode:
    """`advise`: a Gateway that is nowhere is worth a word, as no other controller could have it."""
    parents: list[ParentNode] = []
    advice: list[Finding] = []
    places: dict[tuple[str, bytes], bytes] = {}
    for i, ref in enumerate(route.resource.spec.parent_refs):
        if (ref.group, ref.kind) != (GROUP, "Gateway"):
            continue
        key = ObjectKey(ref.namespace or route.resource.metadata.namespace, ref.name)
        gateway = admission.gateways.get(key)
        if gateway is None:
            if advise and not admission.declares(key):
                advice.append(c.unknown_parent(f"spec.parentRefs[{i}].name", str(key), admission.gateway_hint(key)))
            continue
        found = _attach_to(route, f"spec.parentRefs[{i}]", ref, gateway, admission)
        if isinstance(found, Finding):
            parents.append(ParentNode(ref, i, (), found))
        elif not route.accepted:
            parents.append(ParentNode(ref, i, ()))
        else:
            parents.append(ParentNode(ref, i, tuple(listener.key for listener in found)))
            _add_places(places, route, gateway, found)
    return AttachmentNode(tuple(parents), tuple(Place(*at, own) for at, own in places.items()), tuple(advice))


def _attach_to(
    route: RouteNode, field: str, ref: ParentReference, gateway: GatewayNode, admission: Admission
) -> list[ListenerNode] | Finding:
    """The listeners that take the route, else why none does."""
    named = [listener for listener in gateway.listeners if _is_named(ref, listener)]
    if not named:
        return _no_such_listener(field, ref, gateway)
    allowed = [listener for listener in named if _allows(listener, route, admission)]
    if not allowed:
        return _why_not_allowed(field, named, route)
    meeting = [listener for listener in allowed if any(_meet(listener, route))]
    if not meeting:
        return _no_hostname(allowed, route)
    return meeting


def _is_named(ref: ParentReference, listener: ListenerNode) -> bool:
    return ref.section_name in (None, listener.spec.name) and ref.port in (None, listener.spec.port)


def _allows(listener: ListenerNode, route: RouteNode, admission: Admission) -> bool:
    return _allows_kind(listener) and admission.allows_namespace(listener, route.resource.metadata.namespace)


def _allows_kind(listener: ListenerNode) -> bool:
    return any(kind.kind == "HTTPRoute" for kind in listener.kinds)


def _meet(listener: ListenerNode, route: RouteNode) -> Iterator[tuple[bytes, bytes]]:
    """(common hostname, the route's own) for each of the route's own that meets the listener's."""
    wanted = listener.hostname.encode()
    for own in route.hostnames or (b"",):
        common = intersect(wanted, own)
        if common is not None:
            yield common, own


def _add_places(
    places: dict[tuple[str, bytes], bytes], route: RouteNode, gateway: GatewayNode, listeners: Iterable[ListenerNode]
) -> None:
    """Of several own hostnames that lead to one place the most specific counts."""
    for listener in listeners:
        if not gateway.binds(listener):
            continue
        for common, own in _meet(listener, route):
            at = (listener.key, common)
            if at not in places or host_key(own) < host_key(places[at]):
                places[at] = own


# --- why not ----------------------------------------------------------------------------------


def _no_such_listener(field: str, ref: ParentReference, gateway: GatewayNode) -> Finding:
    wanted = " and ".join(
        part for part in (
            f"name {ref.section_name!r}" if ref.section_name is not None else "",
            f"port {ref.port}" if ref.port is not None else "",
        ) if part
    )  # fmt: skip
    listed = Names(f"{listener.spec.name} (port {listener.spec.port})" for listener in gateway.listeners)
    near = Names(listener.spec.name for listener in gateway.listeners).nearest(ref.section_name or "")
    hint = f"did you mean {near!r}?" if near and near != ref.section_name else listed.hint("", "listeners")
    part = "port" if ref.section_name is None or ref.section_name == near else "sectionName"
    return c.no_matching_parent(f"{field}.{part}", str(gateway.resource.key), wanted or "any name", hint)


def _why_not_allowed(field: str, named: list[ListenerNode], route: RouteNode) -> Finding:
    gateway = named[0].gateway
    if not any(map(_allows_kind, named)):
        listed = ", ".join(f"{listener.spec.name} ({listener.spec.protocol})" for listener in named)
        return c.not_allowed(
            field, f"no listener of Gateway {gateway} takes HTTPRoutes: {listed}", "use an HTTP or HTTPS listener"
        )
    namespace = route.resource.metadata.namespace
    rules = "; ".join(_namespace_rule(listener) for listener in named if _allows_kind(listener))
    return c.not_allowed(
        field,
        f"Gateway {gateway} does not let routes of namespace {namespace} attach ({rules})",
        f"set allowedRoutes.namespaces.from: All on the listener, or move the route to namespace {gateway.namespace}",
    )


def _namespace_rule(listener: ListenerNode) -> str:
    allowed = listener.spec.allowed_routes.namespaces
    return f"listener {listener.spec.name} allows {allowed.from_}"


def _no_hostname(allowed: list[ListenerNode], route: RouteNode) -> Finding:
    wanted = ", ".join(name.decode() for name in route.hostnames)
    listed = ", ".join(f"{listener.spec.name} ({listener.hostname})" for listener in allowed)
    return c.no_matching_hostname("spec.hostnames", wanted, listed)
