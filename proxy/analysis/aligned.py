"""What stayed between two orders: entries that ask and do the same, in the same succession.

A request that changes its answer is answered, before or after, by an entry that did not stay: of those that
stayed the first to take it is the same. So only the others need to be looked at.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence

from proxy.analysis.order import Item, Node, Order


class Aligned:
    """Two orders of one hostname, either of which may be missing."""

    def __init__(self, old: Order | None, new: Order | None) -> None:
        self.old = old
        self.new = new
        self.stayed: dict[int, int] = {}
        """Position in `old` to that in `new`."""
        if old is not None and new is not None:
            self._align(old.items, new.items)
        self.back = {new: old for old, new in self.stayed.items()}
        self.left = _others(old, self.stayed)
        """Positions in `old` of what did not stay."""
        self.came = _others(new, self.back)
        """Positions in `new` of what did not stay."""

    @property
    def same(self) -> bool:
        return not self.left and not self.came

    def _align(self, old: Sequence[Item], new: Sequence[Item]) -> None:
        before, after = _by_node(old), _by_node(new)
        for node in before.keys() & after.keys():
            ours, theirs = before[node], after[node]
            pairs = _longest_common([_identity(old[at]) for at in ours], [_identity(new[at]) for at in theirs])
            self.stayed.update((ours[one], theirs[other]) for one, other in pairs)


def _identity(item: Item) -> Hashable:
    return item.match, item.effect


def _by_node(items: Sequence[Item]) -> dict[Node, list[int]]:
    nodes: dict[Node, list[int]] = {}
    for position, item in enumerate(items):
        nodes.setdefault(item.node, []).append(position)
    return nodes


def _others(order: Order | None, stayed: dict[int, int]) -> list[int]:
    return [] if order is None else [position for position in range(len(order.items)) if position not in stayed]


def _longest_common(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterable[tuple[int, int]]:
    """The longest common subsequence; no value stands twice in one of them, so it is the longest rising one."""
    if old == new:
        return [(at, at) for at in range(len(old))]
    where = {value: at for at, value in enumerate(new)}
    pairs = [(at, where[value]) for at, value in enumerate(old) if value in where]
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, at) in enumerate(pairs):
        length = bisect_left(ends, at)
        before.append(last[length - 1] if length else -1)
        ends[length:] = [at, *ends[length + 1 :]] if length < len(ends) else [at]
        last[length:] = [number, *last[length + 1 :]] if length < len(last) else [number]
    found, number = [], last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]
