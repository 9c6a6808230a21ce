"""Status of XBackends: one entry for each Gateway of ours that leads there (BackendAncestorStatus, named parents)."""

from collections.abc import Iterable

from proxy.resources.meta import ObjectKey
from proxy.translate.graph.conditions import ACCEPTED, RESOLVED_REFS, of_type
from proxy.translate.graph.xbackends import XBackendNode
from proxy.translate.status.conditions import Condition, Status, unless
from proxy.translate.status.policy import gateway_reference


def xbackend_status(node: XBackendNode, gateways: Iterable[ObjectKey], controller_name: str) -> Status:
    """`gateways`: in the order in which they are listed. Of more than 32 whoever writes leaves out the last."""
    return {
        "parents": [
            {
                "parentRef": gateway_reference(gateway),
                "controllerName": controller_name,
                "conditions": _conditions(node),
            }
            for gateway in gateways
        ]
    }


def _conditions(node: XBackendNode) -> list[Condition]:
    """The API defines Accepted alone. References to certificates are told of as those of other kinds are."""
    generation = node.resource.metadata.generation
    unresolved = of_type(node.findings, RESOLVED_REFS)
    refused = of_type(node.findings, ACCEPTED) or (unresolved if node.silent else [])
    return [
        unless(refused, ACCEPTED, "Accepted", "requests are sent there", generation),
        unless(unresolved, RESOLVED_REFS, "ResolvedRefs", "all references are resolved", generation),
    ]
