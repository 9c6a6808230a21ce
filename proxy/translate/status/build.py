"""build_statuses: the status of every object of ours, as it would be written to the API server."""

from collections.abc import Iterator

from msgspec import Struct

from proxy.resources.meta import ObjectKey
from proxy.translate.graph.build import Graph
from proxy.translate.status.conditions import Status
from proxy.translate.status.gateway import class_status, gateway_status
from proxy.translate.status.route import route_status


class ObjectStatus(Struct, frozen=True):
    """The `status` of one object."""

    kind: str
    key: ObjectKey
    status: Status


def build_statuses(graph: Graph, controller_name: str) -> Iterator[ObjectStatus]:
    """GatewayClasses, Gateways, HTTPRoutes, each sorted. Routes without a parent of ours have none."""
    for name, owner in sorted(graph.declared.classes.items()):
        if owner.resource is not None:
            generation = owner.resource.metadata.generation
            yield ObjectStatus("GatewayClass", ObjectKey("", name), class_status(owner, generation))
    for key, gateway in sorted(graph.gateways.items()):
        yield ObjectStatus("Gateway", key, gateway_status(gateway, graph.attached))
    for key, route in graph.routes.items():
        attachment = graph.attachments[key]
        if attachment.parents:
            yield ObjectStatus("HTTPRoute", key, route_status(route, attachment, controller_name))
