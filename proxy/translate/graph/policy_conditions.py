"""What can be found about policies that are for a backend, whatever they say of it (PolicyConditionReason)."""

from proxy.translate.graph.conditions import ACCEPTED, Finding

CONFLICTED = "Conflicted"


def invalid(field: str, message: str, hint: str) -> Finding:
    """The policy is not followed."""
    return Finding(ACCEPTED, "Invalid", field, message, hint)


def target_kind(field: str, group: str, kind: str, possible: str) -> Finding:
    named = f"{kind}.{group}" if group else kind
    return invalid(f"{field}.kind", f"{named} is not a kind that policies can be for", f"use {possible}")


def target_missing(field: str, kind: str, name: str, hint: str) -> Finding:
    return Finding(ACCEPTED, "TargetNotFound", f"{field}.name", f"there is no {kind} {name}", hint)


def target_port_missing(field: str, service: str, section: str, ports: str) -> Finding:
    message = f"Service {service} has no port named {section!r}"
    return Finding(ACCEPTED, "TargetNotFound", f"{field}.sectionName", message, f"its ports are: {ports or 'unnamed'}")


def conflict(field: str, target: str, winner: str, hint: str) -> Finding:
    """`winner`: the kind and name of the policy that counts."""
    return Finding(ACCEPTED, CONFLICTED, field, f"{winner} is for {target}, too, and is older or first by name", hint)
