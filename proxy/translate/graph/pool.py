"""Which Gateway has which address of a pool.

Nobody is moved for another's sake: what a Gateway had it keeps, whoever comes or goes. An address from
the pool is one Gateway's alone. An address that Gateways ask for by value they may share, as their
listeners then may or may not; but not one that another has from the pool.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Literal, NamedTuple

from proxy.resources.meta import ObjectKey
from proxy.resources.ranges import AddressRange

Memory = Mapping[ObjectKey, tuple[str, ...]]
"""Gateway to the addresses it had."""


def recall(first: Memory, before: Memory, told: Memory) -> Memory:
    """What each Gateway had: as `told` by whoever decides, else what it had `before`, else what was seen `first`.

    An address that one is told to have is not what another, of which nothing is told, had.
    """
    given = {canonical(address) for addresses in told.values() for address in addresses}
    had = {**first, **before}
    free = {key: tuple(each for each in addresses if each not in given) for key, addresses in had.items()}
    return {**free, **told}


class Claim(NamedTuple):
    """What one Gateway asks for."""

    gateway: ObjectKey
    wanted: tuple[str, ...]
    """In canonical spelling; "" for any address of the pool."""
    pool: tuple[AddressRange, ...]


class Given(NamedTuple):
    """What one place of Claim.wanted got: an address, or why none."""

    address: str
    refusal: Literal["", "taken", "exhausted"] = ""


class Allocation:
    """One round of giving out addresses. Claims are in order of seniority."""

    def __init__(self, claims: Sequence[Claim], memory: Memory, reserved: Iterable[str] = ()) -> None:
        self._claims = claims
        self._memory = {key: tuple(filter(None, map(canonical, had))) for key, had in memory.items()}
        self._by_value: set[str] = set()
        """Asked for by value, and given."""
        self._from_pool: set[str] = set()
        self._reserved = frozenset(reserved)
        self._given: dict[tuple[ObjectKey, int], Given] = {}

    def result(self) -> dict[ObjectKey, tuple[Given, ...]]:
        """For every claim one Given for each of its places."""
        for claim in self._claims:
            self._values(claim, known=True)
        for claim in self._claims:
            self._keep(claim)
        for claim in self._claims:
            self._values(claim, known=False)
        for claim in self._claims:
            self._fresh(claim)
        return {
            claim.gateway: tuple(self._given[claim.gateway, i] for i in range(len(claim.wanted)))
            for claim in self._claims
        }

    def _values(self, claim: Claim, *, known: bool) -> None:
        """Addresses by value, those that the Gateway had before (`known`) ahead of all that is new."""
        for i, address in enumerate(claim.wanted):
            if not address or (address in self._memory.get(claim.gateway, ())) != known:
                continue
            if address in self._from_pool:
                self._given[claim.gateway, i] = Given("", "taken")
            else:
                self._by_value.add(address)
                self._given[claim.gateway, i] = Given(address)

    def _keep(self, claim: Claim) -> None:
        """What it had from the pool, as far as the pool still holds it."""
        had = [each for each in self._memory.get(claim.gateway, ()) if each not in claim.wanted and _in(claim, each)]
        free = iter([each for each in had if each not in self._by_value and each not in self._from_pool])
        for i, address in enumerate(claim.wanted):
            if not address and (kept := next(free, None)) is not None:
                self._take(claim, i, kept)

    def _fresh(self, claim: Claim) -> None:
        for i, address in enumerate(claim.wanted):
            if address or (claim.gateway, i) in self._given:
                continue
            taken = self._by_value | self._from_pool | self._reserved
            found = next(filter(None, (part.lowest_but(taken) for part in claim.pool)), None)
            if found is None:
                self._given[claim.gateway, i] = Given("", "exhausted")
            else:
                self._take(claim, i, found)

    def _take(self, claim: Claim, index: int, address: str) -> None:
        self._from_pool.add(address)
        self._given[claim.gateway, index] = Given(address)


def canonical(address: str) -> str:
    """The one spelling of an IP address; "" for what is none."""
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def _in(claim: Claim, address: str) -> bool:
    return any(address in part for part in claim.pool)
