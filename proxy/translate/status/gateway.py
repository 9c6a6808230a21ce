"""Status of GatewayClasses, Gateways and their listeners."""

from collections.abc import Mapping

from proxy.translate.features import SUPPORTED_FEATURES
from proxy.translate.graph.client_conditions import INSECURE
from proxy.translate.graph.clients import insecure_modes
from proxy.translate.graph.conditions import (
    ACCEPTED,
    CONFLICTED,
    PROGRAMMED,
    RESOLVED_REFS,
    Finding,
    of_type,
    sentence,
)
from proxy.translate.graph.nodes import ClassNode, GatewayNode, ListenerNode, ListenerSetNode, Published
from proxy.translate.graph.parents import SCOPE, is_default
from proxy.translate.status.conditions import Condition, Status, condition, unless
from proxy.translate.status.overlaps import Overlaps

DEFAULT_GATEWAY = "DefaultGateway"
NO_LISTENERS = "ListenersNotValid"
NO_ADDRESS = "its Gateway has nowhere to listen yet"
NO_PORTS = "the Gateway's Service does not lead to it yet"


def class_status(node: ClassNode, generation: int) -> Status:
    return {
        "conditions": [
            unless(of_type(node.findings, ACCEPTED), ACCEPTED, "Accepted", "Penstock serves this class", generation)
        ],
        "supportedFeatures": [{"name": name} for name in SUPPORTED_FEATURES],
    }


def gateway_status(node: GatewayNode, attached: Mapping[str, int], listener_sets: int, overlaps: Overlaps) -> Status:
    """`attached`: listener key to number of routes. `listener_sets`: how many are attached and accepted.

    Conditions are those of the Gateway's own listeners, whatever ListenerSets add (GEP-1713).
    """
    generation = node.resource.metadata.generation
    return {
        "addresses": [{"type": kind, "value": value} for kind, value in _addresses(node)],
        "conditions": [
            _accepted(node, generation),
            _programmed(node, generation),
            _resolved(node, generation),
            *_insecure(insecure_modes(node.resource), generation),
            *_default(node, generation),
        ],
        "listeners": [
            listener_status(listener, node, attached.get(listener.key, 0), generation, overlaps)
            for listener in node.listeners
        ],
        "attachedListenerSets": listener_sets,
    }


def _addresses(node: GatewayNode) -> list[Published]:
    """What is bound (GatewayStatus.addresses): of a Gateway that is refused nothing is."""
    if node.published is not None:
        return list(node.published)
    return [Published("IPAddress", address) for address in node.addresses if address] if node.accepted else []


def _accepted(node: GatewayNode, generation: int) -> Condition:
    """True with reason ListenersNotValid as long as one listener is sound (GatewayReasonListenersNotValid)."""
    findings = of_type(node.findings, ACCEPTED)
    bad = [listener.spec.name for listener in node.listeners if not listener.accepted]
    if findings or (not bad and node.listeners):
        return unless(findings, ACCEPTED, "Accepted", "the Gateway is served by Penstock", generation)
    if not node.listeners:
        return condition(ACCEPTED, False, NO_LISTENERS, "the Gateway has no listeners", generation)
    some = len(bad) < len(node.listeners)
    message = f"{'' if some else 'nothing is served, '}refused: listener {', '.join(bad)} (see status.listeners)"
    return condition(ACCEPTED, some, NO_LISTENERS, message, generation)


def _programmed(node: GatewayNode, generation: int) -> Condition:
    if not node.accepted:
        return condition(PROGRAMMED, False, "Invalid", "the Gateway is not accepted", generation)
    if not any(listener.served for listener in node.listeners):
        return condition(PROGRAMMED, False, "Invalid", "none of its listeners can be served", generation)
    lacking = of_type(node.findings, PROGRAMMED)
    if not lacking and not any(map(node.is_served, node.listeners)):
        return condition(PROGRAMMED, False, "Pending", NO_PORTS, generation)
    return unless(lacking, PROGRAMMED, "Programmed", "its listeners are handed to the data plane", generation)


def _resolved(node: GatewayNode, generation: int) -> Condition:
    """Its own references come first; what listeners refer to is told there (GatewayConditionResolvedRefs)."""
    unresolved = of_type(node.findings, RESOLVED_REFS)
    bad = [listener.spec.name for listener in node.listeners if of_type(listener.findings, RESOLVED_REFS)]
    if bad and not unresolved:
        message = f"a reference of listener {', '.join(bad)} is not resolved (see status.listeners)"
        return condition(RESOLVED_REFS, False, "ListenersNotResolved", message, generation)
    return unless(unresolved, RESOLVED_REFS, "ResolvedRefs", "all references are resolved", generation)


def _insecure(fields: list[str], generation: int) -> list[Condition]:
    """Is only ever True (GatewayConditionInsecureFrontendValidationMode)."""
    if not fields:
        return []
    message = f"clients without a valid certificate are let in: AllowInsecureFallback in {', '.join(fields)}"
    return [condition(INSECURE, True, "ConfigurationChanged", message, generation)]


def _default(node: GatewayNode, generation: int) -> list[Condition]:
    """Is only ever True, and missing on all others (GEP-3793); the API names no reason."""
    if not is_default(node):
        return []
    message = f"Gateway has default scope {SCOPE}"
    return [condition(DEFAULT_GATEWAY, True, "DefaultScope", message, generation)]


# --- listeners --------------------------------------------------------------------------------


def listener_status(
    node: ListenerNode, owner: GatewayNode | ListenerSetNode, attached: int, generation: int, overlaps: Overlaps
) -> Status:
    """One entry of status.listeners. `attached`: number of routes."""
    return {
        "name": node.spec.name,
        "supportedKinds": [{"group": kind.group, "kind": kind.kind} for kind in node.kinds],
        "attachedRoutes": attached,
        "conditions": [
            _listener_accepted(node, generation),
            _listener_programmed(node, owner, generation),
            unless(
                of_type(node.findings, RESOLVED_REFS),
                RESOLVED_REFS,
                "ResolvedRefs",
                "all references are resolved",
                generation,
            ),
            _listener_conflicted(of_type(node.findings, CONFLICTED), generation),
            *overlaps.conditions(node, generation),
        ],
    }


def _refusals(node: ListenerNode) -> list[Finding]:
    """A conflict gives the reason, as it does for Programmed, even where the protocol is not served yet."""
    return of_type(node.findings, CONFLICTED) + of_type(node.findings, ACCEPTED)


def _listener_accepted(node: ListenerNode, generation: int) -> Condition:
    return unless(_refusals(node), ACCEPTED, "Accepted", "the listener is sound", generation)


def _listener_programmed(node: ListenerNode, owner: GatewayNode | ListenerSetNode, generation: int) -> Condition:
    """A conflict is the reason itself; anything else that stops it is Invalid (ListenerConditionProgrammed)."""
    conflicts = of_type(node.findings, CONFLICTED)
    if conflicts:
        return condition(PROGRAMMED, False, conflicts[0].reason, sentence(conflicts), generation)
    if not node.served:
        return condition(PROGRAMMED, False, "Invalid", "the listener cannot be served", generation)
    if not owner.accepted:
        return condition(PROGRAMMED, False, "Invalid", f"its {owner.resource.kind} is not accepted", generation)
    if not owner.is_served(node):
        return condition(PROGRAMMED, False, "Pending", NO_PORTS if owner.addresses else NO_ADDRESS, generation)
    return condition(PROGRAMMED, True, "Programmed", "the listener is handed to the data plane", generation)


def _listener_conflicted(conflicts: list[Finding], generation: int) -> Condition:
    if conflicts:
        return condition(CONFLICTED, True, conflicts[0].reason, sentence(conflicts), generation)
    return condition(CONFLICTED, False, "NoConflicts", "no other listener is in its way", generation)
