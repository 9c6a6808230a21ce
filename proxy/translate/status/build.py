"""build_statuses: the status of every object of ours, as it would be written to the API server."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from proxy.resources.meta import ObjectKey
from proxy.translate.graph.build import Graph
from proxy.translate.graph.nodes import AnyRoute, AttachmentNode
from proxy.translate.status.conditions import Status
from proxy.translate.status.gateway import class_status, gateway_status
from proxy.translate.status.listenerset import listener_set_status
from proxy.translate.status.overlaps import NO_OVERLAPS, overlaps_of
from proxy.translate.status.policy import policy_status
from proxy.translate.status.route import route_status
from proxy.translate.status.xbackend import xbackend_status


class ObjectStatus(Struct, frozen=True):
    """The `status` of one object."""

    kind: str
    key: ObjectKey
    status: Status
    uid: str = ""
    """Of the object: one that was deleted and made again by the same name is another one, and holds no status yet."""


Key = tuple[str, ObjectKey]
"""Kind of a route, namespace and name."""


class Made(NamedTuple):
    """The status of a route, and what it was made of."""

    node: AnyRoute
    attachment: AttachmentNode
    status: ObjectStatus


class StatusMemory:
    """The statuses of routes that were made last: the same instance again for a route that did not change.

    Shared by a chain of translations, of which each need not make its own.
    """

    def __init__(self) -> None:
        self.made: Mapping[Key, Made] = {}


def build_statuses(graph: Graph, controller_name: str, memory: StatusMemory) -> Iterator[ObjectStatus]:
    """GatewayClasses, Gateways, ListenerSets, policies, XBackends, routes by kind, each sorted.

    Routes without a parent of ours, policies for what no Gateway of ours uses, and XBackends that none leads to, have
    none.
    """
    for name, owner in sorted(graph.declared.classes.items()):
        if owner.resource is not None:
            meta = owner.resource.metadata
            yield ObjectStatus("GatewayClass", ObjectKey("", name), class_status(owner, meta.generation), meta.uid)
    sets, overlaps = graph.listener_sets.nodes, overlaps_of(graph)
    sound = Counter(node.gateway.resource.key for node in sets.values() if node.sound)
    for key, gateway in sorted(graph.gateways.items()):
        status = gateway_status(gateway, graph.attached, sound[key], overlaps.get(key, NO_OVERLAPS))
        yield ObjectStatus("Gateway", key, status, gateway.resource.metadata.uid)
    for key, node in sorted(sets.items()):
        added = overlaps.get(node.gateway.resource.key, NO_OVERLAPS)
        status = listener_set_status(node, graph.attached, added)
        yield ObjectStatus("ListenerSet", key, status, node.resource.metadata.uid)
    yield from _policies(graph, controller_name)
    for key, gateways in sorted(graph.xbackend_users.items()):
        backend = graph.backends.xbackends.node(key)
        status = xbackend_status(backend, gateways, controller_name)
        yield ObjectStatus("XBackend", key, status, backend.resource.metadata.uid)
    memory.made = dict(_routes(graph, controller_name, memory.made))
    for made in memory.made.values():
        yield made.status


def _policies(graph: Graph, controller_name: str) -> Iterator[ObjectStatus]:
    for key, gateways in sorted(graph.policy_users.items()):
        policy = graph.policies[key]
        status = policy_status(policy.resource, policy.findings, gateways, controller_name, refers=True)
        yield ObjectStatus("BackendTLSPolicy", key, status, policy.resource.metadata.uid)
    for key, gateways in sorted(graph.traffic_policy_users.items()):
        traffic = graph.traffic_policies[key]
        status = policy_status(traffic.resource, traffic.findings, gateways, controller_name, refers=False)
        yield ObjectStatus("XBackendTrafficPolicy", key, status, traffic.resource.metadata.uid)


def _routes(graph: Graph, controller_name: str, known: Mapping[Key, Made]) -> Iterator[tuple[Key, Made]]:
    for node, attachment in _attached(graph):
        if not attachment.parents:
            continue
        kind = type(node.resource).__name__
        at = kind, node.resource.key
        made = known.get(at)
        if made is None or made.node is not node or made.attachment is not attachment:
            status = route_status(node, attachment, controller_name)
            made = Made(node, attachment, ObjectStatus(kind, node.resource.key, status, node.resource.metadata.uid))
        yield at, made


def _attached(graph: Graph) -> Iterator[tuple[AnyRoute, AttachmentNode]]:
    yield from ((node, graph.attachments[key]) for key, node in graph.routes.items())
    yield from graph.l4.attached()
