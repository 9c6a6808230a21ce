"""The search for changed answers among the entries that one class of hosts is answered by, before and after.

An answer changes where an entry that did not stay wins on one side: every such entry is met with every entry
that could win on the other, and a witness is asked for that neither side's better entries take.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from proxy.analysis.aligned import Aligned
from proxy.analysis.box import EVERYTHING, Box, common, undecided
from proxy.analysis.effect import Effect
from proxy.analysis.order import Item, Order
from proxy.analysis.witness import Undecided, Witness


class Find(Protocol):
    """witness.find_witness, for one class of hosts."""

    def __call__(self, box: Box, others: Iterable[Box], /) -> Witness | None: ...


class Found(NamedTuple):
    """A pair of winners, None for no entry at all, and a request for which they are that, or why it is not known."""

    old: Item | None
    new: Item | None
    witness: Witness | Undecided


class _Pair(NamedTuple):
    """An Aligned, seen from one side."""

    ours: Order | None
    theirs: Order | None
    changed: Sequence[int]
    """Positions of ours that did not stay."""
    partner: dict[int, int]
    """Of positions of theirs that stayed: those in ours."""


Chain = Sequence[Aligned]
"""All that is asked for a host, the most specific hostname first."""


def seek(chain: Chain, seeds: int, nothing: tuple[Effect, Effect], find: Find) -> Iterator[Found]:
    """Changes in which one winner is among the first `seeds` of the chain. `nothing`: what no entry means."""
    old = [_Pair(one.old, one.new, one.left, one.back) for one in chain]
    new = [_Pair(one.new, one.old, one.came, one.stayed) for one in chain]
    for ours, theirs, witness in _Seeker(old, seeds, nothing[1], find, again=False).found():
        yield Found(ours, theirs, witness)
    for ours, theirs, witness in _Seeker(new, seeds, nothing[0], find, again=True).found():
        yield Found(theirs, ours, witness)


def seek_nothing(chain: Chain, find: Find) -> Iterator[Found]:
    """A request that no entry takes, before or after."""
    orders = [order for one in chain for order in (one.old, one.new) if order is not None]
    boxes = (item.box for order in orders for item in order.items)
    try:
        witness: Witness | Undecided | None = find(EVERYTHING, boxes)
    except Undecided as error:
        witness = error
    if witness is not None:
        yield Found(None, None, witness)


_Answers = tuple[Item, Item | None, Witness | Undecided]


class _Seeker:
    """One side's changed entries against the other side."""

    def __init__(self, pairs: Sequence[_Pair], seeds: int, nothing: Effect, find: Find, *, again: bool) -> None:
        self._pairs = pairs
        self._seeds = seeds
        self._nothing = nothing
        self._find = find
        self._again = again
        """What changed on both sides has been looked at from the other."""

    def found(self) -> Iterator[_Answers]:
        for at, pair in enumerate(self._pairs[: self._seeds]):
            for position in pair.changed:
                assert pair.ours is not None
                yield from self._of(at, position, pair.ours.items[position])

    def _of(self, at: int, position: int, item: Item) -> Iterator[_Answers]:
        for there, other_position, other in self._others(item.box):
            partner = self._pairs[there].partner.get(other_position)
            covers = undecided(item.box, other.box) == []
            if partner is not None and (there, partner) < (at, position):
                if covers:
                    return  # what covers it is asked before it on this side, too: it never wins
                continue
            known = self._again and partner is None and there < self._seeds
            if other.effect != item.effect and not known:
                yield from self._ask(item, other, at, position, there, other_position)
            if covers:
                return
        if item.effect != self._nothing:
            yield from self._ask(item, None, at, position, len(self._pairs), 0)

    def _others(self, box: Box) -> Iterator[tuple[int, int, Item]]:
        for there, pair in enumerate(self._pairs):
            if pair.theirs is not None:
                for position in pair.theirs.meeting(box):
                    yield there, position, pair.theirs.items[position]

    def _ask(
        self, item: Item, other: Item | None, at: int, position: int, there: int, other_position: int
    ) -> Iterator[_Answers]:
        box = item.box if other is None else common(item.box, other.box)
        if box is None:
            return
        ours = _before([pair.ours for pair in self._pairs], at, position, box)
        theirs = _before([pair.theirs for pair in self._pairs], there, other_position, box)
        try:
            witness = self._find(box, (one.box for side in (ours, theirs) for one in side))
        except Undecided as error:
            yield item, other, error
        else:
            if witness is not None:
                yield item, other, witness


def _before(orders: Sequence[Order | None], at: int, position: int, box: Box) -> Iterator[Item]:
    """All that is asked before an entry and may take requests of the box."""
    for place, order in enumerate(orders[: at + 1]):
        if order is not None:
            for other in order.meeting(box):
                if place == at and other >= position:
                    break
                yield order.items[other]
