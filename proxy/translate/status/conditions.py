"""Conditions as the API writes them. Without lastTransitionTime: whoever writes them has the clock."""

from typing import Any

from proxy.translate.graph.conditions import Finding, sentence

Condition = dict[str, Any]
Status = dict[str, Any]


def condition(kind: str, good: bool, reason: str, message: str, generation: int) -> Condition:
    return {
        "type": kind,
        "status": "True" if good else "False",
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
    }


def unless(findings: list[Finding], kind: str, reason: str, message: str, generation: int) -> Condition:
    """True with this reason and message, or False because of the findings; the first gives the reason."""
    if findings:
        return condition(kind, False, findings[0].reason, sentence(findings), generation)
    return condition(kind, True, reason, message, generation)
