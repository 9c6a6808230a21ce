"""Target ports of Services in front of the shared data plane: which bound port stands for which declared port.

The state lives in the Services, so that every replica binds the same. One of them decides what is new;
until the Service that says so has come back from the API server, it remembers what it has decided.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from proxy.resources.core import Service
from proxy.resources.meta import ObjectKey
from proxy.resources.parameters import PortRange

Declared = tuple[int, str]
"""Declared port, and TCP or UDP."""
Ports = dict[Declared, int]
"""Declared to bound."""


class PortClaim(NamedTuple):
    """What one Gateway needs: a port of the range for each declared one."""

    gateway: ObjectKey
    declared: tuple[Declared, ...]
    allowed: PortRange
    service: Service | None
    """As it is now; None when there is none yet."""


def standing(claims: Sequence[PortClaim]) -> dict[ObjectKey, Ports]:
    """What the Services say, which is what is bound. Of two that say the same port the senior one counts."""
    used: set[int] = set()
    found: dict[ObjectKey, Ports] = {}
    for claim in claims:
        found[claim.gateway] = {}
        for declared, target in _said(claim.service).items():
            if declared in claim.declared and target not in used:
                used.add(target)
                found[claim.gateway][declared] = target
    return found


def _said(service: Service | None) -> Ports:
    ports = service.spec.ports if service else ()
    return {(port.port, port.protocol): port.target_port for port in ports if isinstance(port.target_port, int)}


def decide(
    claims: Sequence[PortClaim],
    now: Mapping[ObjectKey, Ports],
    before: Mapping[ObjectKey, Ports],
    reserved: Collection[int] = (),
) -> dict[ObjectKey, Ports]:
    """What the Services should say: what they say (`now`), what was decided `before`, else the lowest free port.

    Ports of one transport and of another are never the same, so that they read easily. A range that has no
    port left leaves the declared port out. `reserved`: where Services of no Gateway here still lead.
    """
    decided = {claim.gateway: _within(now[claim.gateway], claim.allowed) for claim in claims}
    used = {port for ports in (*now.values(), *decided.values()) for port in ports.values()} | set(reserved)
    for claim in claims:
        remembered = _within(before.get(claim.gateway, {}), claim.allowed)
        for declared in _missing(claim, decided):
            target = remembered.get(declared)
            if target is not None and target not in used:
                used.add(target)
                decided[claim.gateway][declared] = target
    for claim in claims:
        for declared in _missing(claim, decided):
            free = next((port for port in range(claim.allowed.first, claim.allowed.last + 1) if port not in used), None)
            if free is not None:
                used.add(free)
                decided[claim.gateway][declared] = free
    return decided


def _within(ports: Ports, allowed: PortRange) -> Ports:
    return {declared: port for declared, port in ports.items() if allowed.first <= port <= allowed.last}


def _missing(claim: PortClaim, decided: Mapping[ObjectKey, Ports]) -> Iterable[Declared]:
    return [declared for declared in claim.declared if declared not in decided[claim.gateway]]
