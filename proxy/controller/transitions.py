"""What to tell people about a status that was written: what went wrong with it, and what is well again.

Read from what the object held before and holds now, so a restart or a new leader tells nothing twice.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from proxy.controller.conditions import Condition
from proxy.controller.merge import is_ours

Status = Mapping[str, Any]

BAD_WHEN_FALSE = ("Accepted", "ResolvedRefs", "Programmed", "SupportedVersion")
BAD_WHEN_TRUE = ("Conflicted", "PartiallyInvalid", "OverlappingTLSConfig", "InsecureFrontendValidationMode")
"""In the order in which one is the cause of those after it."""


class Notice(Struct, frozen=True):
    """Something that happened to an object."""

    type: str
    """Warning or Normal, as Events have it."""
    reason: str
    message: str
    field: str = ""
    """Such as `spec.listeners{http}`, as Events name a part of an object."""


Place = tuple[str, str]
"""(field, words before the message)."""


def transitions(before: Status, after: Status, controller: str) -> Iterator[Notice]:
    """One for each place and condition that became bad, is bad for another reason, or is good again."""
    known = dict(_places(before, controller))
    for place, conditions in _places(after, controller):
        was = known.get(place, {})
        for kind, now in _causes(conditions):
            old = was.get(kind)
            if old is None or not _is_bad(old) or (old["reason"], old["message"]) != (now["reason"], now["message"]):
                yield Notice("Warning", now["reason"], f"{place[1]}{now['message']}", place[0])
        for kind, now in conditions.items():
            if not _is_bad(now) and kind in was and _is_bad(was[kind]):
                yield Notice("Normal", now["reason"], f"{place[1]}{kind} again: {now['message']}", place[0])


def _causes(conditions: Mapping[str, Condition]) -> Iterator[tuple[str, Condition]]:
    """What is bad, without what only follows from it: not accepted, hence not programmed, hence in conflict."""
    said: set[str] = set()
    for kind in (*BAD_WHEN_FALSE, *BAD_WHEN_TRUE):
        found = conditions.get(kind)
        if found is None or not _is_bad(found) or found["message"] in said:
            continue
        if kind != "Programmed" or not said:
            yield kind, found
        said.add(found["message"])


def _is_bad(condition: Condition) -> bool:
    """What is only on its way is nothing to tell."""
    bad = {"False": BAD_WHEN_FALSE, "True": BAD_WHEN_TRUE}.get(condition["status"], ())
    return condition["type"] in bad and condition["reason"] != "Pending"


def _places(status: Status, controller: str) -> Iterator[tuple[Place, Mapping[str, Condition]]]:
    yield ("", ""), _by_type(status)
    for entry in status.get("listeners", ()):
        yield (f"spec.listeners{{{entry['name']}}}", f"listener {entry['name']}: "), _by_type(entry)
    for field, reference in (("parents", "parentRef"), ("ancestors", "ancestorRef")):
        for entry in status.get(field, ()):
            if is_ours(entry, controller):
                yield ("", f"at {_name(entry[reference])}: "), _by_type(entry)


def _by_type(entry: Status) -> dict[str, Condition]:
    return {item["type"]: item for item in entry.get("conditions", ())}


def _name(reference: Mapping[str, Any]) -> str:
    """`Gateway infra/web, listener http, port 80`, as much of it as is given."""
    name = "/".join(part for part in (reference.get("namespace"), reference.get("name")) if part)
    parts = [f"{reference.get('kind', 'Gateway')} {name}"]
    parts += [f"listener {reference['sectionName']}"] if reference.get("sectionName") else []
    parts += [f"port {reference['port']}"] if reference.get("port") else []
    return ", ".join(parts)
