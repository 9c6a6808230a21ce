"""Choosing among the entries that share a path: by hashing what the request has, not by asking each.

A node answers `select(method, headers, query)` with its first entry, in order of precedence, whose
conditions hold. There are three kinds: a Hit without conditions, a Scan over a few entries, and an
Index, in which every entry stands under its most selective condition (say `x-tenant: 4711`) and is
found by the value the request has there. A hundred thousand entries cost as much as ten.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeVar

from proxy.routing.conditions import (
    HEADER,
    METHOD,
    QUERY,
    Equal,
    Pattern,
    equalities,
    header_value,
    hold,
    patterns,
    query_values,
)
from proxy.routing.hit import Headers, Hit

R = TypeVar("R")

FEW = 4
"""Up to this many entries asking each is as fast as hashing."""


class Guarded(Generic[R]):
    """A hit and the conditions that are still to be asked before it answers."""

    __slots__ = ("equal", "hit", "matching")

    def __init__(self, hit: Hit[R], equal: tuple[Equal, ...], matching: tuple[Pattern, ...]) -> None:
        self.hit = hit
        self.equal = equal
        self.matching = matching


class Scan(Generic[R]):
    """Entries asked one after the other, in order of precedence."""

    __slots__ = ("entries", "rank")

    rank: int
    """The smallest rank among its entries."""

    def __init__(self, entries: Sequence[Guarded[R]]) -> None:
        self.entries = tuple((entry.equal, entry.matching, entry.hit) for entry in entries)
        self.rank = entries[0].hit.rank

    def select(self, method: bytes, headers: Headers, query: bytes | None) -> Hit[R] | None:
        for equal, matching, hit in self.entries:
            if hold(equal, matching, method, headers, query):
                return hit
        return None


class Index(Generic[R]):
    """Entries by the value of one condition each; those that have none to stand under are `rest`."""

    __slots__ = ("headers", "methods", "query", "rank", "rest")

    rank: int
    """The smallest rank among its entries."""

    def __init__(self, groups: "dict[Equal, Node[R]]", rest: "Node[R] | None") -> None:
        self.methods = {value: node for (kind, _, value), node in groups.items() if kind == METHOD}
        self.headers = _by_name(groups, HEADER)
        self.query = _by_name(groups, QUERY)
        self.rest = rest
        ranks = [node.rank for node in groups.values()]
        self.rank = min(ranks) if rest is None else min(*ranks, rest.rank)

    def select(self, method: bytes, headers: Headers, query: bytes | None) -> Hit[R] | None:
        """The best entry of the few nodes whose condition the request meets."""
        best = None
        for node in self._candidates(method, headers, query):
            if best is None or node.rank < best.rank:
                found = node.select(method, headers, query)
                if found is not None and (best is None or found.rank < best.rank):
                    best = found
        return best

    def _candidates(self, method: bytes, headers: Headers, query: bytes | None) -> "list[Node[R]]":
        found = [] if self.rest is None else [self.rest]
        if self.headers:
            tables = self.headers
            # Whichever is shorter: the names the table knows, or those of them the request has.
            for name in tables if len(tables) <= FEW else {name for name, _ in headers if name in tables}:
                value = header_value(headers, name)
                if value is not None and value in tables[name]:
                    found.append(tables[name][value])
        if self.query and query:
            values = query_values(query)
            for name in self.query.keys() & values.keys():
                if values[name] in self.query[name]:
                    found.append(self.query[name][values[name]])
        if method in self.methods:
            found.append(self.methods[method])
        return found


Node = Hit[R] | Scan[R] | Index[R]


def build_node(hits: Sequence[Hit[R]]) -> Node[R]:
    """The node for entries in order of precedence; ranks them. Raises regex.BadPattern."""
    entries = []
    for rank, hit in enumerate(hits):
        hit.rank = rank
        entries.append(Guarded(hit, equalities(hit.spec), patterns(hit.spec)))
        if not entries[-1].equal and not entries[-1].matching:
            break  # it always answers: what comes after it never does
    return _node(entries)


def _node(entries: Sequence[Guarded[R]]) -> Node[R]:
    if len(entries) == 1 and not entries[0].equal and not entries[0].matching:
        return entries[0].hit
    if len(entries) <= FEW:
        return Scan(entries)
    return _indexed(entries)


def _indexed(entries: Sequence[Guarded[R]]) -> Node[R]:
    """Puts every entry under its most selective condition, the rarest; names asked by many go first."""
    shared = Counter(condition for entry in entries for condition in entry.equal)
    names = Counter((kind, name) for entry in entries for kind, name, _ in entry.equal)
    groups: dict[Equal, list[Guarded[R]]] = {}
    rest = []
    for entry in entries:
        if not entry.equal:
            rest.append(entry)
            continue
        under = entry.equal[0]
        if len(entry.equal) > 1:
            under = min(entry.equal, key=lambda asked: (shared[asked], -names[asked[:2]], asked))
        groups.setdefault(under, []).append(_without(entry, under))
    if not groups:
        return Scan(rest)
    nodes = {under: _node(group) for under, group in groups.items()}
    return Index(nodes, _node(rest) if rest else None)


def _without(entry: Guarded[R], condition: Equal) -> Guarded[R]:
    return Guarded(entry.hit, tuple(asked for asked in entry.equal if asked != condition), entry.matching)


def _by_name(groups: "dict[Equal, Node[R]]", wanted: int) -> "dict[bytes, dict[bytes, Node[R]]]":
    tables: dict[bytes, dict[bytes, Node[R]]] = {}
    for (kind, name, value), node in groups.items():
        if kind == wanted:
            tables.setdefault(name, {})[value] = node
    return tables
