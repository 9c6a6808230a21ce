"""ListenerSets: which attach to which Gateway, and what their entries lose to more senior owners.

The order is that of ListenerSetSpec.listeners: the Gateway's own listeners, then ListenerSets, the older
first, then by "namespace/name". What a senior owner declares is not to be had by a junior, whether it is
served or not: else a mistake in the Gateway would hand its hostname to whoever asked for it next.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from proxy.resources.gateway import GROUP, Gateway
from proxy.resources.listenerset import ListenerSet
from proxy.resources.meta import ObjectKey
from proxy.resources.store import ResourceSet
from proxy.translate.graph import listenerset_conditions as c
from proxy.translate.graph.age import seniority
from proxy.translate.graph.conditions import CONFLICTED, Finding
from proxy.translate.graph.listener_tls import ListenerTLS
from proxy.translate.graph.listeners import PROTOCOLS, build_listener, carrier, port_and_transport, settle
from proxy.translate.graph.namespaces import Namespaces
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.nodes import GatewayNode, ListenerNode, ListenerSetNode, has


class ListenerSets(Struct, frozen=True):
    """What came of all ListenerSets."""

    nodes: Mapping[ObjectKey, ListenerSetNode]
    """Those of our Gateways, the most senior first."""
    advice: tuple[tuple[ListenerSet, Finding], ...]
    """About sets that no Gateway answers to."""


def attach_listener_sets(
    resources: ResourceSet,
    gateways: Mapping[ObjectKey, GatewayNode],
    namespaces: Namespaces,
    tls: ListenerTLS,
    *,
    advise: bool,
) -> ListenerSets:
    """By what is declared alone: whether a Gateway is accepted in the end is not asked yet.

    `advise`: a Gateway that is nowhere is worth a word, as no other controller could have it.
    """
    claims: dict[ObjectKey, Claims] = {}
    nodes: dict[ObjectKey, ListenerSetNode] = {}
    orphans: list[ListenerSet] = []
    for item in sorted(resources.by_kind(ListenerSet).values(), key=seniority):
        parent = parent_of(item)
        if parent is None or parent not in gateways:
            orphans.append(item)
            continue
        if parent not in claims:
            claims[parent] = Claims(gateways[parent].listeners)
        gateway = gateways[parent]
        if _allows(gateway.resource, item.metadata.namespace, namespaces):
            nodes[item.key] = _attached(item, gateway, claims[parent], tls)
        else:
            nodes[item.key] = _not_attached(item, gateway)
    return ListenerSets(nodes, _advice(orphans, resources) if advise else ())


def parent_of(item: ListenerSet) -> ObjectKey | None:
    """The Gateway it refers to; None when it refers to something else."""
    ref = item.spec.parent_ref
    if (ref.group, ref.kind) != (GROUP, "Gateway"):
        return None
    return ObjectKey(ref.namespace or item.metadata.namespace, ref.name)


def _advice(orphans: list[ListenerSet], resources: ResourceSet) -> tuple[tuple[ListenerSet, Finding], ...]:
    declared = resources.by_kind(Gateway)
    names = Names(map(str, declared))
    advice: list[tuple[ListenerSet, Finding]] = []
    for item in orphans:
        parent, ref = parent_of(item), item.spec.parent_ref
        if parent is None:
            advice.append((item, c.not_a_gateway(ref.group, ref.kind)))
        elif parent not in declared:
            advice.append((item, c.unknown_gateway(str(parent), names.hint(str(parent), "Gateways"))))
    return tuple(advice)


def _attached(item: ListenerSet, gateway: GatewayNode, held: "Claims", tls: ListenerTLS) -> ListenerSetNode:
    entries = [held.yielding(i, node) for i, node in enumerate(_entries(item, gateway, tls))]
    held.add(node for node in entries if not has(node.findings, CONFLICTED))
    return ListenerSetNode(item, gateway, settle(entries))


def _not_attached(item: ListenerSet, gateway: GatewayNode) -> ListenerSetNode:
    listeners = settle(_entries(item, gateway, None))
    return ListenerSetNode(item, gateway, listeners, (_not_allowed(gateway.resource, item),), attached=False)


def _entries(item: ListenerSet, gateway: GatewayNode, tls: ListenerTLS | None) -> list[ListenerNode]:
    listeners = enumerate(item.spec.listeners)
    return [build_listener(item, gateway.resource, i, spec, tls) for i, spec in listeners]


def with_added_ports(
    gateways: Mapping[ObjectKey, GatewayNode], sets: Mapping[ObjectKey, ListenerSetNode]
) -> dict[ObjectKey, GatewayNode]:
    """The Gateways, each with the ports that its sets need beside its own."""
    added: dict[ObjectKey, list[tuple[int, str]]] = {}
    for item in sets.values():
        ports = [(node.spec.port, node.transport) for node in item.listeners if item.attached and node.served]
        added.setdefault(item.gateway.resource.key, []).extend(ports)
    return {
        key: replace(node, added_ports=tuple(dict.fromkeys(added[key]))) if key in added else node
        for key, node in gateways.items()
    }


def placed(
    sets: Mapping[ObjectKey, ListenerSetNode], gateways: Mapping[ObjectKey, GatewayNode]
) -> dict[ObjectKey, ListenerSetNode]:
    """The sets under their Gateways as those are in the end: refused, where the Gateway is refused."""
    return {key: _placed(item, gateways[item.gateway.resource.key]) for key, item in sets.items()}


def _placed(item: ListenerSetNode, gateway: GatewayNode) -> ListenerSetNode:
    refused = item.attached and not gateway.sound
    findings = (c.parent_not_accepted(str(gateway.resource.key)),) if refused else ()
    return replace(item, gateway=gateway, findings=(*item.findings, *findings))


def _allows(gateway: Gateway, namespace: str, namespaces: Namespaces) -> bool:
    """spec.allowedListeners, relative to the Gateway's namespace; without it, none."""
    allowed = gateway.spec.allowed_listeners.namespaces
    match allowed.from_:
        case "All":
            return True
        case "Same":
            return namespace == gateway.metadata.namespace
        case "Selector":
            return namespaces.selected(allowed.selector, namespace)
        case _:
            return False


def _not_allowed(gateway: Gateway, item: ListenerSet) -> Finding:
    rule = gateway.spec.allowed_listeners.namespaces.from_
    return c.not_allowed(str(gateway.key), item.metadata.namespace, rule)


# --- conflicts between owners -----------------------------------------------------------------


class Claims:
    """Who has which port, and there which hostname, of one Gateway: its own listeners and what came after."""

    __slots__ = ("_carriers", "_hostnames")

    def __init__(self, own: Iterable[ListenerNode]) -> None:
        self._carriers: dict[tuple[int, str], dict[str, ListenerNode]] = {}
        self._hostnames: dict[tuple[int, str, str], ListenerNode] = {}
        self.add(own)

    def add(self, listeners: Iterable[ListenerNode]) -> None:
        """Those of one owner, but for what it has lost to others. Of an unknown protocol nothing is ever bound."""
        for node in listeners:
            if node.spec.protocol in PROTOCOLS:
                at = port_and_transport(node.spec)
                self._carriers.setdefault(at, {}).setdefault(carrier(node.spec), node)
                self._hostnames.setdefault((*at, node.hostname), node)

    def yielding(self, index: int, node: ListenerNode) -> ListenerNode:
        """The entry, refused when a senior owner has its place."""
        finding = self._taken(f"spec.listeners[{index}]", node) if node.spec.protocol in PROTOCOLS else None
        return node if finding is None else replace(node, findings=(*node.findings, finding))

    def _taken(self, field: str, node: ListenerNode) -> Finding | None:
        at = port_and_transport(node.spec)
        for carried, holder in self._carriers.get(at, {}).items():
            if carried != carrier(node.spec) or not PROTOCOLS[node.spec.protocol].by_hostname:
                protocols = " and ".join(dict.fromkeys((holder.spec.protocol, node.spec.protocol)))
                return c.port_taken(f"{field}.port", node.spec.port, protocols, named_to(holder, node))
        same = self._hostnames.get((*at, node.hostname))
        if same is None:
            return None
        return c.hostname_taken(f"{field}.hostname", node.spec.port, node.hostname, named_to(same, node))


def named_to(holder: ListenerNode, node: ListenerNode) -> str:
    """The holder's owner, as far as the owner of `node` may know it."""
    if holder.listener_set is None:
        return f"Gateway {holder.gateway}"
    if holder.owner.namespace == node.owner.namespace:
        return f"ListenerSet {holder.owner}"
    return "another ListenerSet"
