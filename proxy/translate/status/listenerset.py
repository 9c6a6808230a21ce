"""Status of ListenerSets. Its entries have the conditions of a Gateway's listeners."""

from collections.abc import Mapping

from proxy.translate.graph.conditions import ACCEPTED, PROGRAMMED, Finding, of_type, sentence
from proxy.translate.graph.nodes import ListenerSetNode
from proxy.translate.status.conditions import Condition, Status, condition, unless
from proxy.translate.status.gateway import NO_LISTENERS, NO_PORTS, listener_status
from proxy.translate.status.overlaps import Overlaps

NO_PARENT = "ParentNotProgrammed"


def listener_set_status(node: ListenerSetNode, attached: Mapping[str, int], overlaps: Overlaps) -> Status:
    """`attached`: listener key to number of routes. Generations are those of the set, never of its Gateway."""
    generation = node.resource.metadata.generation
    findings = of_type(node.findings, ACCEPTED)
    return {
        "conditions": [_accepted(node, findings, generation), _programmed(node, findings, generation)],
        "listeners": [
            listener_status(listener, node, attached.get(listener.key, 0), generation, overlaps)
            for listener in node.listeners
        ],
    }


def _accepted(node: ListenerSetNode, findings: list[Finding], generation: int) -> Condition:
    """True with reason ListenersNotValid as long as one entry is served (ListenerSetReasonListenersNotValid)."""
    bad = [listener.spec.name for listener in node.listeners if not listener.served]
    if findings or not bad:
        return unless(findings, ACCEPTED, "Accepted", "its listeners are added to the Gateway", generation)
    nothing = "" if node.sound else "nothing is served, "
    message = f"{nothing}refused: listener {', '.join(bad)} (see status.listeners)"
    return condition(ACCEPTED, node.sound, NO_LISTENERS, message, generation)


def _programmed(node: ListenerSetNode, findings: list[Finding], generation: int) -> Condition:
    """What keeps the set from being accepted keeps it from being programmed, each in the word for it."""
    if findings:
        reason = NO_PARENT if findings[0].reason == "ParentNotAccepted" else findings[0].reason
        return condition(PROGRAMMED, False, reason, sentence(findings), generation)
    if not node.sound:
        return condition(PROGRAMMED, False, NO_LISTENERS, "none of its listeners can be served", generation)
    lacking = of_type(node.gateway.findings, PROGRAMMED)
    if lacking:
        return condition(PROGRAMMED, False, NO_PARENT, sentence(lacking), generation)
    if not any(map(node.is_served, node.listeners)):
        return condition(PROGRAMMED, False, "Pending", NO_PORTS, generation)
    return condition(PROGRAMMED, True, "Programmed", "its listeners are handed to the data plane", generation)
