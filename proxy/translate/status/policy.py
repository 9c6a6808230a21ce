"""Status of policies for backends: one entry for each Gateway of ours that uses what they are for (PolicyStatus)."""

from collections.abc import Iterable

from proxy.resources.gateway import GROUP
from proxy.resources.meta import ObjectKey, Resource
from proxy.translate.graph.conditions import ACCEPTED, RESOLVED_REFS, Findings, of_type
from proxy.translate.status.conditions import Condition, Status, unless


def policy_status(
    policy: Resource, findings: Findings, gateways: Iterable[ObjectKey], controller_name: str, *, refers: bool
) -> Status:
    """`gateways`: in the order in which they are listed. Of more than 16 whoever writes leaves out the last.

    `refers`: policies of this kind refer to other objects, so whether those are there is said, too.
    """
    generation = policy.metadata.generation
    return {
        "ancestors": [
            {
                "ancestorRef": gateway_reference(gateway),
                "controllerName": controller_name,
                "conditions": _conditions(generation, findings, refers),
            }
            for gateway in gateways
        ]
    }


def gateway_reference(gateway: ObjectKey) -> dict[str, str]:
    return {"group": GROUP, "kind": "Gateway", "namespace": gateway.namespace, "name": gateway.name}


def _conditions(generation: int, findings: Findings, refers: bool) -> list[Condition]:
    refused, unresolved = of_type(findings, ACCEPTED), of_type(findings, RESOLVED_REFS)
    accepted = unless(refused, ACCEPTED, "Accepted", "the policy is followed", generation)
    if not refers:
        return [accepted]
    return [accepted, unless(unresolved, RESOLVED_REFS, "ResolvedRefs", "all references are resolved", generation)]
