"""Status of BackendTLSPolicies: one entry for each Gateway of ours that uses what they are for (PolicyStatus)."""

from collections.abc import Iterable

from proxy.resources.gateway import GROUP
from proxy.resources.meta import ObjectKey
from proxy.translate.graph.backendtls import PolicyNode
from proxy.translate.graph.conditions import ACCEPTED, RESOLVED_REFS, of_type
from proxy.translate.status.conditions import Condition, Status, unless


def backend_tls_status(node: PolicyNode, gateways: Iterable[ObjectKey], controller_name: str) -> Status:
    """`gateways`: in the order in which they are listed. Of more than 16 whoever writes leaves out the last."""
    return {
        "ancestors": [
            {
                "ancestorRef": gateway_reference(gateway),
                "controllerName": controller_name,
                "conditions": _conditions(node),
            }
            for gateway in gateways
        ]
    }


def gateway_reference(gateway: ObjectKey) -> dict[str, str]:
    return {"group": GROUP, "kind": "Gateway", "namespace": gateway.namespace, "name": gateway.name}


def _conditions(node: PolicyNode) -> list[Condition]:
    generation = node.resource.metadata.generation
    refused, unresolved = of_type(node.findings, ACCEPTED), of_type(node.findings, RESOLVED_REFS)
    return [
        unless(refused, ACCEPTED, "Accepted", "the policy is followed", generation),
        unless(unresolved, RESOLVED_REFS, "ResolvedRefs", "all references are resolved", generation),
    ]
