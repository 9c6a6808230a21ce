"""What binding came to, in the statuses: the one thing that translation cannot know, laid over what it says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from proxy.resources.meta import ObjectKey
from proxy.snapshot.snapshot import Bind
from proxy.translate.graph.address_conditions import NO_RESOURCES, NOT_USABLE
from proxy.translate.graph.conditions import PROGRAMMED
from proxy.translate.status.build import ObjectStatus
from proxy.translate.status.conditions import Condition, Status, condition

Reason = Literal["AddressNotUsable", "PortUnavailable"]


class BindFailure(Struct, frozen=True):
    """An address and port that could not be bound."""

    bind: Bind
    reason: Reason
    """AddressNotUsable: the machine does not have the address. PortUnavailable: anything else."""
    message: str
    hint: str = ""


def with_failures(statuses: Sequence[ObjectStatus], failures: Iterable[BindFailure]) -> Sequence[ObjectStatus]:
    """The statuses, those of Gateways with a failed bind mended; the very same where nothing failed."""
    failed = _by_gateway(failures)
    if not failed:
        return statuses
    return [
        replace(item, status=_mended(item.status, failed[item.key]))
        if item.kind == "Gateway" and item.key in failed
        else item
        for item in statuses
    ]


def _by_gateway(failures: Iterable[BindFailure]) -> dict[ObjectKey, dict[str, list[BindFailure]]]:
    """Gateway to name of listener to what failed of it."""
    found: dict[ObjectKey, dict[str, list[BindFailure]]] = {}
    for failure in failures:
        for listener in failure.bind.listeners:
            gateway, _, name = listener.rpartition("/")
            namespace, _, gateway_name = gateway.partition("/")
            found.setdefault(ObjectKey(namespace, gateway_name), {}).setdefault(name, []).append(failure)
    return found


def _mended(status: Status, failed: Mapping[str, list[BindFailure]]) -> Status:
    """Only addresses that can be used are listed (Gateway.status.addresses)."""
    unusable = {failure.bind.address for each in failed.values() for failure in each if failure.reason == NOT_USABLE}
    addresses = [each for each in status["addresses"] if each["value"] not in unusable]
    listeners = [_listener(item, failed.get(item["name"], []), bool(addresses)) for item in status["listeners"]]
    programmed = any(_programmed(item)["status"] == "True" for item in listeners)
    worst = _worst(failed, programmed=programmed)
    conditions = _with_programmed(status["conditions"], *worst) if worst else status["conditions"]
    return {**status, "addresses": addresses, "conditions": conditions, "listeners": listeners}


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
