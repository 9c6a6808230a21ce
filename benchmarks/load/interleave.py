"""The order of slots, and ratios of adjacent slots: what makes figures of a noisy machine usable.

What the neighbours on the machine do changes over seconds and moves everything by tens of per cent. So
the proxy compared with (the base) runs before and after every one or two slots of the others, and each
slot is divided by the mean of the base slots on its two sides. The median of those quotients repeats
where absolute figures do not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median


@dataclass(frozen=True)
class Slot:
    """One turn of one contestant under load."""

    contestant: str
    values: dict[str, float]


@dataclass(frozen=True)
class Spread:
    """Several quotients, or several values, as three numbers."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values), len(values)) if values else NOTHING


NOTHING = Spread(0.0, 0.0, 0.0, 0)


def order(base: str, groups: Sequence[Sequence[str]], rounds: int) -> list[str]:
    """Base, a group, base, the next group, ..., base. Rounds rotate the groups and turn them round."""
    sequence = [base]
    for number in range(rounds):
        shift = number % len(groups) if groups else 0
        for group in (*groups[shift:], *groups[:shift]):
            sequence += group if number % 2 == 0 else reversed(group)
            sequence.append(base)
        if not groups:
            sequence.append(base)
    return sequence


def in_pairs(names: Sequence[str]) -> list[list[str]]:
    """Groups of at most two: no slot is further than two slots from the base."""
    return [list(names[i : i + 2]) for i in range(0, len(names), 2)]


def ratios(slots: Sequence[Slot], contestant: str, base: str, value: str) -> list[float]:
    """Each slot's `value` over the mean of the nearest base slot before it and after it.

    For the base itself the nearest *other* base slots are taken: how far these ratios stray from 1 is
    the noise of the run. A slot with no base slot on either side, or only with zeros, gives no ratio.
    """
    quotients = []
    for index, slot in enumerate(slots):
        if slot.contestant != contestant:
            continue
        beside = (_nearest(reversed(slots[:index]), base), _nearest(slots[index + 1 :], base))
        around = [found.values[value] for found in beside if found is not None]
        if around and fmean(around) > 0:
            quotients.append(slot.values[value] / fmean(around))
    return quotients


def _nearest(slots: Iterable[Slot], base: str) -> Slot | None:
    return next((slot for slot in slots if slot.contestant == base), None)
