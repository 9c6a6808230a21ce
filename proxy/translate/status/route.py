"""Status of routes: one entry for each parent that is ours."""

from typing import Any

from proxy.resources.httproute import ParentReference
from proxy.translate.graph.conditions import ACCEPTED, PARTIALLY_INVALID, RESOLVED_REFS, of_type, sentence
from proxy.translate.graph.nodes import AnyRoute, AttachmentNode, ParentNode, RouteNode
from proxy.translate.status.conditions import Condition, Status, condition, unless


def route_status(node: AnyRoute, attachment: AttachmentNode, controller_name: str) -> Status:
    return {
        "parents": [
            {
                "parentRef": _parent_ref(parent.ref),
                "controllerName": controller_name,
                "conditions": _conditions(node, parent),
            }
            for parent in attachment.parents
        ]
    }


def _parent_ref(ref: ParentReference) -> dict[str, Any]:
    """As the route has it, group and kind filled in as the API server would."""
    given = {"namespace": ref.namespace, "sectionName": ref.section_name, "port": ref.port}
    return {
        "group": ref.group,
        "kind": ref.kind,
        "name": ref.name,
        **{field: value for field, value in given.items() if value is not None},
    }


def _conditions(node: AnyRoute, parent: ParentNode) -> list[Condition]:
    generation = node.resource.metadata.generation
    unresolved = of_type(node.findings, RESOLVED_REFS)
    conditions = [
        _accepted(node, parent, generation),
        unless(unresolved, RESOLVED_REFS, "ResolvedRefs", "all references are resolved", generation),
    ]
    refused = of_type(node.findings, ACCEPTED)
    if parent.listeners and refused:
        conditions.append(_partially_invalid(node, generation))
    return conditions


def _accepted(node: AnyRoute, parent: ParentNode, generation: int) -> Condition:
    if parent.finding is not None:
        return unless([parent.finding], ACCEPTED, "", "", generation)
    if not parent.listeners:
        return unless(of_type(node.findings, ACCEPTED), ACCEPTED, "", "", generation)
    names = ", ".join(key.rpartition("/")[2] for key in parent.listeners)
    of = " of this default Gateway" if parent.is_default else ""
    return condition(ACCEPTED, True, "Accepted", f"attached to listener {names}{of}", generation)


def _partially_invalid(node: AnyRoute, generation: int) -> Condition:
    """Is only ever True, and its message starts with "Dropped Rule" where rules are (GEP-1364)."""
    rules = node.rules if isinstance(node, RouteNode) else ()
    dropped = [str(rule.index) for rule in rules if not rule.valid]
    reasons = sentence(of_type(node.findings, ACCEPTED))
    if not dropped:
        return condition(PARTIALLY_INVALID, True, "UnsupportedValue", f"Dropped hostnames: {reasons}", generation)
    message = f"Dropped Rule(s) {', '.join(dropped)} (requests that reach what is left of them get 500): {reasons}"
    return condition(PARTIALLY_INVALID, True, "UnsupportedValue", message, generation)
