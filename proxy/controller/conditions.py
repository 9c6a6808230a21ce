"""Lists of conditions: ours into those that an object holds, within the limits of the CRDs."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

Condition = dict[str, Any]

OURS = frozenset({
    "Accepted", "Programmed", "ResolvedRefs", "Conflicted", "PartiallyInvalid", "SupportedVersion",
    "OverlappingTLSConfig", "InsecureFrontendValidationMode", "DefaultGateway",
})  # fmt: skip
"""Types that a controller of the Gateway API writes: one that we no longer mean is removed, any other stays."""

MAX_CONDITIONS = 8
MAX_MESSAGE = 32768
"""Characters, metav1.Condition."""
MAX_REASON = 1024
_REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?\Z")
_CUT = "… (cut: the API takes no longer message)"


def merge_conditions(held: Iterable[Condition], desired: Iterable[Condition], now: str) -> list[Condition]:
    """By type (listType=map). The order is that of `held`; what is new comes last.

    lastTransitionTime moves to `now` (RFC 3339) where the status does, and nowhere else.
    """
    wanted = {item["type"]: item for item in desired}
    merged: list[Condition] = []
    for old in held:
        new = wanted.pop(old["type"], None)
        if new is not None:
            merged.append(_settled(new, old, now))
        elif old["type"] not in OURS:
            merged.append(old)
    merged += [_settled(new, {}, now) for new in wanted.values()]
    return within(merged, MAX_CONDITIONS, [item["type"] in OURS for item in merged])


def _settled(new: Condition, old: Condition, now: str) -> Condition:
    same = old.get("status") == new["status"] and old.get("lastTransitionTime")
    return {
        **new,
        "reason": _reason(new["reason"]),
        "message": clipped(new["message"], MAX_MESSAGE),
        "lastTransitionTime": old["lastTransitionTime"] if same else now,
    }


def clipped(message: str, limit: int) -> str:
    """At most so many characters, and a word about it."""
    return message if len(message) <= limit else message[: limit - len(_CUT)] + _CUT


def _reason(reason: str) -> str:
    """One that the API would refuse loses what is wrong with it, not the whole status."""
    if len(reason) <= MAX_REASON and _REASON.match(reason):
        return reason
    sound = re.sub(r"[^A-Za-z0-9_]", "", reason).lstrip("0123456789_")
    return sound[:MAX_REASON] or "Invalid"


def within(items: list[Any], limit: int, ours: Sequence[bool]) -> list[Any]:
    """At most `limit` of them: what is somebody else's stays, the last of ours go."""
    room = limit - (len(items) - sum(ours))
    kept = []
    for item, is_ours in zip(items, ours, strict=True):
        room -= is_ours
        if not is_ours or room >= 0:
            kept.append(item)
    return kept
