"""What binding came to, in the statuses: the one thing that translation cannot know, laid over what it says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proxy.resources.meta import ObjectKey
from proxy.snapshot.snapshot import Bind
from proxy.translate.graph.address_conditions import NO_RESOURCES, NOT_USABLE
from proxy.translate.graph.conditions import PROGRAMMED
from proxy.translate.status.build import ObjectStatus
from proxy.translate.status.conditions import Condition, Status, condition
from proxy.translate.status.listenerset import NO_PARENT

Reason = Literal["AddressNotUsable", "PortUnavailable"]
REASONS_OF_SETS = {NOT_USABLE: NO_PARENT, NO_RESOURCES: "PortUnavailable"}
"""What a Gateway lacks, in the words for a ListenerSet (ListenerSetConditionProgrammed)."""


class BindFailure(Struct, frozen=True):
    """An address and port that could not be bound."""

    bind: Bind
    reason: Reason
    """AddressNotUsable: the machine does not have the address. PortUnavailable: anything else."""
    message: str
    hint: str = ""


class Declared(NamedTuple):
    """Who declares a listener, as its key says (snapshot.Listener.key)."""

    gateway: ObjectKey
    kind: Literal["Gateway", "ListenerSet"]
    key: ObjectKey
    listener: str


def declared_in(listener: str) -> Declared:
    """NAMESPACE/GATEWAY/LISTENER is the Gateway's own, NAMESPACE/GATEWAY/NAMESPACE/LISTENERSET/LISTENER a set's."""
    namespace, gateway, *owner, name = listener.split("/")
    own = ObjectKey(namespace, gateway)
    return Declared(own, "ListenerSet", ObjectKey(*owner), name) if owner else Declared(own, "Gateway", own, name)


class _Failed(NamedTuple):
    """What failed of one object."""

    gateway: ObjectKey
    by_listener: dict[str, list[BindFailure]]


def with_failures(statuses: Sequence[ObjectStatus], failures: Iterable[BindFailure]) -> Sequence[ObjectStatus]:
    """The statuses, those of objects with a failed bind mended; the very same where nothing failed."""
    failed = _by_owner(failures)
    if not failed:
        return statuses
    addresses = {item.key: item.status["addresses"] for item in statuses if item.kind == "Gateway"}
    return [
        replace(item, status=_mended(item, *failed[item.kind, item.key], addresses))
        if (item.kind, item.key) in failed
        else item
        for item in statuses
    ]


def _by_owner(failures: Iterable[BindFailure]) -> dict[tuple[str, ObjectKey], _Failed]:
    """Kind and key of the object that declares a listener, to what failed of it."""
    found: dict[tuple[str, ObjectKey], _Failed] = {}
    for failure in failures:
        for listener in failure.bind.listeners:
            gateway, kind, key, name = declared_in(listener)
            failed = found.setdefault((kind, key), _Failed(gateway, {}))
            failed.by_listener.setdefault(name, []).append(failure)
    return found


def _mended(
    item: ObjectStatus,
    gateway: ObjectKey,
    failed: Mapping[str, list[BindFailure]],
    addresses: Mapping[ObjectKey, list[dict[str, str]]],
) -> Status:
    """Only addresses that can be used are listed (Gateway.status.addresses)."""
    unusable = {failure.bind.address for each in failed.values() for failure in each if failure.reason == NOT_USABLE}
    usable = [each for each in addresses[gateway] if each["value"] not in unusable]
    status = item.status
    listeners = [_listener(entry, failed.get(entry["name"], []), bool(usable)) for entry in status["listeners"]]
    programmed = any(_programmed(entry)["status"] == "True" for entry in listeners)
    worst = _worst(failed, programmed=programmed)
    if item.kind == "ListenerSet":
        return {**status, "conditions": _with_worst(status, worst, REASONS_OF_SETS), "listeners": listeners}
    return {**status, "addresses": usable, "conditions": _with_worst(status, worst, {}), "listeners": listeners}


def _with_worst(status: Status, worst: tuple[str, str] | None, words: Mapping[str, str]) -> list[Condition]:
    if worst is None:
        return list(status["conditions"])
    reason, message = worst
    return _with_programmed(status["conditions"], words.get(reason, reason), message)


def _worst(failed: Mapping[str, list[BindFailure]], *, programmed: bool) -> tuple[str, str] | None:
    """Reason and message of what the whole Gateway lacks; None when it is enough that its listeners tell."""
    every = list({failure.message: failure for each in failed.values() for failure in each}.values())
    unusable = [failure for failure in every if failure.reason == NOT_USABLE]
    if unusable:
        return NOT_USABLE, "; ".join(failure.message for failure in unusable)
    return None if programmed else (NO_RESOURCES, "; ".join(failure.message for failure in every))


def _listener(item: dict[str, Any], failures: list[BindFailure], elsewhere: bool) -> dict[str, Any]:
    """A port that is taken anywhere is the listener's loss; an address that is not there is the Gateway's,
    and the listener's only when it has no other (`elsewhere`)."""
    telling = [failure for failure in failures if failure.reason != NOT_USABLE or not elsewhere]
    if not telling:
        return item
    message = "; ".join(failure.message for failure in telling)
    return {**item, "conditions": _with_programmed(item["conditions"], telling[0].reason, message)}


def _with_programmed(conditions: Iterable[Condition], reason: str, message: str) -> list[Condition]:
    """What is False already stays so, for the reason it has."""
    return [
        condition(PROGRAMMED, False, reason, message, item["observedGeneration"])
        if item["type"] == PROGRAMMED and item["status"] == "True"
        else item
        for item in conditions
    ]


def _programmed(item: Mapping[str, Any]) -> Condition:
    found: Condition = next(each for each in item["conditions"] if each["type"] == PROGRAMMED)
    return found
