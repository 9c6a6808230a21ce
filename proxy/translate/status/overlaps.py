"""Listeners of one port whose TLS overlaps: one hostname, or one name in certificates, can be meant for either.

A client that has a connection to one of them may take it for hosts of the other (RFC 9113 section 9.1.1), and is
answered with 421 there. A Gateway's own listeners and those of its ListenerSets are looked at together, since they
share the port. Names are looked up and not compared pair by pair: a Gateway may have thousands of listeners.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from proxy.resources.meta import ObjectKey
from proxy.translate.graph.build import Graph
from proxy.translate.graph.listenersets import named_to
from proxy.translate.graph.nodes import ListenerNode
from proxy.translate.status.conditions import Condition, condition

OVERLAPPING_TLS = "OverlappingTLSConfig"
_LISTED = 5

_At = tuple[int, str]
"""Port and name."""


class Overlaps:
    """Of the listeners of one Gateway. Those that are refused take no part: nothing is served there."""

    def __init__(self, listeners: Iterable[ListenerNode]) -> None:
        self._hostnames: defaultdict[_At, list[ListenerNode]] = defaultdict(list)
        self._below: defaultdict[_At, list[ListenerNode]] = defaultdict(list)
        self._names: defaultdict[_At, list[ListenerNode]] = defaultdict(list)
        self._one_label_below: defaultdict[_At, list[ListenerNode]] = defaultdict(list)
        self._parties: set[str] = set()
        for node in listeners:
            if node.secure and node.accepted:
                self._add(node)

    def _add(self, node: ListenerNode) -> None:
        port = node.spec.port
        self._parties.add(node.key)
        self._hostnames[port, node.hostname].append(node)
        for wildcard in _wildcards_above(node.hostname):
            self._below[port, wildcard].append(node)
        for name in _certified(node):
            self._names[port, name].append(node)
            self._one_label_below[port, _wildcard_of(name)].append(node)

    def conditions(self, node: ListenerNode, generation: int) -> list[Condition]:
        """OverlappingTLSConfig, which is only ever True; of both reasons certificates are to be told."""
        if node.key not in self._parties:
            return []
        hostnames, certificates = _others(self._by_hostname(node), node), _others(self._by_certificate(node), node)
        if not hostnames and not certificates:
            return []
        said = [f"the hostname overlaps with that of {hostnames}"] if hostnames else []
        said += [f"the certificates name hosts that those of {certificates} name, too"] if certificates else []
        message = f"{', and '.join(said)}: a connection that is used for the other's hosts gets 421"
        reason = "OverlappingCertificates" if certificates else "OverlappingHostnames"
        return [condition(OVERLAPPING_TLS, True, reason, message, generation)]

    def _by_hostname(self, node: ListenerNode) -> Iterator[ListenerNode]:
        port = node.spec.port
        yield from self._below.get((port, node.hostname), ())
        for wildcard in _wildcards_above(node.hostname):
            yield from self._hostnames.get((port, wildcard), ())

    def _by_certificate(self, node: ListenerNode) -> Iterator[ListenerNode]:
        """A wildcard in a certificate stands for one label (RFC 9525 section 6.3)."""
        port = node.spec.port
        for name in _certified(node):
            yield from self._names[port, name]
            yield from self._names.get((port, _wildcard_of(name)), ())
            yield from self._one_label_below.get((port, name), ())


NO_OVERLAPS = Overlaps(())


def overlaps_of(graph: Graph) -> Mapping[ObjectKey, Overlaps]:
    """Of every Gateway on which TLS ends; of what ListenerSets add only what is attached."""
    listeners = {key: list(gateway.listeners) for key, gateway in graph.gateways.items()}
    for item in graph.listener_sets.nodes.values():
        if item.accepted:
            listeners[item.gateway.resource.key] += item.listeners
    return {key: Overlaps(each) for key, each in listeners.items() if any(node.secure for node in each)}


def _wildcards_above(hostname: str) -> Iterator[str]:
    """All that cover it, itself not; "" covers everything."""
    if hostname:
        yield ""
        _, *labels = hostname.removeprefix("*.").split(".")
        for i in range(len(labels)):
            yield "*." + ".".join(labels[i:])


def _wildcard_of(name: str) -> str:
    """The one in a certificate that stands for this name; of a wildcard none, which "" is."""
    return "" if name.startswith("*.") else f"*.{name.partition('.')[2]}"


def _certified(node: ListenerNode) -> Iterator[str]:
    for each in node.certificates:
        for name in each.certificate.names:
            yield name.decode()


def _others(found: Iterable[ListenerNode], node: ListenerNode) -> str:
    """The first few but `node`, as far as its owner may know them; "" for none."""
    others: dict[str, ListenerNode] = {}
    for other in found:
        if other.key != node.key:
            others.setdefault(other.key, other)
        if len(others) > _LISTED:
            break
    listed = list(dict.fromkeys(_named(other, node) for other in others.values()))
    return ", ".join(listed[:_LISTED]) + (" and others" if len(listed) > _LISTED else "")


def _named(other: ListenerNode, node: ListenerNode) -> str:
    if other.owner == node.owner and other.listener_set == node.listener_set:
        return f"listener {other.spec.name}"
    owner = named_to(other, node)
    return f"a listener of {owner}" if owner.startswith("another") else f"listener {other.spec.name} of {owner}"
