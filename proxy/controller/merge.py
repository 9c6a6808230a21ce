"""merge: the status we mean into the one an object holds, so that nobody else's words are lost.

    conditions             by type, foreign types stay             (GatewayClass, Gateway, ListenerSet)
    listeners              ours as a whole; conditions by type, foreign types stay
    parents, ancestors     entries with our controllerName are ours, all others stay as and where they are;
                           ours that are no longer meant go, unless nothing is to be taken back
    anything else          ours as it is; what we do not mean at all stays

Pure: the time is an argument.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.controller.conditions import merge_conditions, within

Status = Mapping[str, Any]
Entry = dict[str, Any]

MAX_ENTRIES = {"parents": 32, "ancestors": 16}
"""RouteStatus.parents and PolicyStatus.ancestors."""
REFERENCE = {"parents": "parentRef", "ancestors": "ancestorRef"}


def merge(held: Status, desired: Status, controller: str, now: str, take_back: bool = True) -> dict[str, Any] | None:
    """The fields of the status to write, or None when `held` says all of it already.

    desired: as from translate/status, without lastTransitionTime. controller: our controllerName.
    now: RFC 3339. A field that is not there and an empty list are the same.
    """
    merged = {}
    for field, value in desired.items():
        there = held.get(field, ())
        if field in REFERENCE:
            merged[field] = _entries(field, there, value, controller, now, take_back)
        else:
            merged[field] = _field(field, there, value, now)
    changed = {field: value for field, value in merged.items() if held.get(field, []) != value}
    return changed or None


def _field(field: str, held: Any, desired: Any, now: str) -> Any:
    if field == "conditions":
        return merge_conditions(held, desired, now)
    if field == "listeners":
        return _listeners(held, desired, now)
    return desired


def _listeners(held: Iterable[Entry], desired: Iterable[Entry], now: str) -> list[Entry]:
    known = {entry["name"]: entry for entry in held}
    return [_entry(entry, known.get(entry["name"], {}), now) for entry in desired]


def _entries(
    field: str, held: Iterable[Entry], desired: Iterable[Entry], controller: str, now: str, take_back: bool
) -> list[Entry]:
    reference = REFERENCE[field]
    wanted = {_identity(entry[reference]): entry for entry in desired}
    merged: list[Entry] = []
    for old in held:
        if not is_ours(old, controller):
            merged.append(old)
        elif (new := wanted.pop(_identity(old[reference]), None)) is not None:
            merged.append(_entry(new, old, now))
        elif not take_back:
            merged.append(old)
    merged += [_entry(new, {}, now) for new in wanted.values()]
    return within(merged, MAX_ENTRIES[field], [is_ours(entry, controller) for entry in merged])


def _entry(new: Entry, old: Entry, now: str) -> Entry:
    return {**new, "conditions": merge_conditions(old.get("conditions", ()), new["conditions"], now)}


def is_ours(entry: Entry, controller: str) -> bool:
    return bool(entry.get("controllerName") == controller)


def _identity(reference: Entry) -> tuple[Any, ...]:
    """What tells two parentRefs or ancestorRefs apart, defaults filled in."""
    return (
        reference.get("group", "gateway.networking.k8s.io"),
        reference.get("kind", "Gateway"),
        reference.get("namespace"),
        reference.get("name"),
        reference.get("sectionName"),
        reference.get("port"),
    )


# --- reading statuses -------------------------------------------------------------------------


def observed_generation(status: Status) -> int | None:
    """Of which generation of its object a status of ours speaks; None when it has no condition."""
    entries = (status, *status.get("listeners", ()), *status.get("parents", ()), *status.get("ancestors", ()))
    found = (item["observedGeneration"] for entry in entries for item in entry.get("conditions", ()))
    return next(found, None)


def without_us(held: Status, controller: str) -> dict[str, Any] | None:
    """What to mean for an object that has nothing to do with us any more, or None when it holds nothing of ours."""
    fields = {field for field in REFERENCE for entry in held.get(field, ()) if is_ours(entry, controller)}
    return {field: [] for field in sorted(fields)} or None


COUNTS = ("attachedRoutes", "attachedListenerSets")


def only_counts(status: Status, changes: Mapping[str, Any]) -> bool:
    """Whether these changes to a status say nothing but how many routes or ListenerSets are attached."""
    return all(_uncounted(changes[field]) == _uncounted(status.get(field)) for field in changes.keys() - set(COUNTS))


def _uncounted(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [{name: each[name] for name in each if name not in COUNTS} for each in value if isinstance(each, dict)]
