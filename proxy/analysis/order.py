"""The entries of one hostname in the order in which the tables ask them, and found by what they may take.

The order is that of routing.table: the hostnames of the routes, then exact paths, regular expressions and
prefixes, the longer prefix first, and what only calls have, then the precedence among entries of one path.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from proxy.analysis.box import Box, Place, box_of, is_under
from proxy.analysis.effect import Effect
from proxy.routing.path import decode_unreserved, prefix_key
from proxy.routing.precedence import Key, entry_key, host_key
from proxy.routing.regex import literal_prefix
from proxy.snapshot.route import Entry, HostBucket, PathKind, RouteMatch, Rule

_KINDS: dict[PathKind, int] = {"exact": 0, "regex": 1, "prefix": 2, "call": 3}
PATTERNS: frozenset[PathKind] = frozenset({"regex", "call"})
"""Kinds of which the path is a regular expression."""
FEW = 16
"""Up to this many entries of one path are looked at one by one."""

Node = tuple[tuple[int, int], PathKind, bytes]
"""What orders the entries of a bucket before they are compared: the own hostname, the kind of path, and the path;
b"" for regular expressions, which are all compared with each other."""


class Item:
    """One entry."""

    __slots__ = ("box", "effect", "match", "match_index", "node", "own", "rule")

    def __init__(self, entry: Entry, rule: Rule, effect: Effect) -> None:
        self.match = entry.match
        self.match_index = entry.match_index
        self.own = entry.own
        self.rule = rule
        self.effect = effect
        self.box = box_of(entry.match)
        self.node: Node = (host_key(entry.own), entry.match.path_kind, path_of(entry.match))


def path_of(match: RouteMatch) -> bytes:
    """The path under which the tables keep a match; b"" for regular expressions."""
    if match.path_kind == "exact":
        return decode_unreserved(match.path)
    return prefix_key(match.path) if match.path_kind == "prefix" else b""


def order_of(entry: Entry, rule: Rule) -> tuple[tuple[int, int], int, int, Key]:
    """The sort key of the entries of a bucket."""
    match = entry.match
    longer = -len(path_of(match)) if match.path_kind == "prefix" else 0
    return host_key(entry.own), _KINDS[match.path_kind], longer, entry_key(entry, rule)


class Order:
    """The entries of one bucket. Of those that ask for the very same the first stands for all."""

    def __init__(self, bucket: HostBucket, effect_of: Callable[[Rule], Effect]) -> None:
        self.hostname = bucket.hostname
        self.items: list[Item] = []
        self.repeated: list[tuple[Entry, Item]] = []
        """Entries that ask for the very same as one before them."""
        seen: dict[RouteMatch, Item] = {}
        for entry in sorted(bucket.entries, key=lambda entry: order_of(entry, bucket.rules[entry.rule])):
            known = seen.get(entry.match)
            if known is None:
                rule = bucket.rules[entry.rule]
                seen[entry.match] = item = Item(entry, rule, effect_of(rule))
                self.items.append(item)
            else:
                self.repeated.append((entry, known))
        self._exact: dict[bytes, _Group] = {}
        self._prefixes: dict[bytes, _Group] = {}
        self._patterns = _Patterns(self.items)
        for position, item in enumerate(self.items):
            self._group(item).positions.append(position)
        self._patterns.complete()
        self._paths = sorted({*self._exact, *self._prefixes})

    def _group(self, item: Item) -> "_Group":
        _, kind, path = item.node
        if kind in PATTERNS:
            return self._patterns.group(item.match.path)
        groups = self._exact if kind == "exact" else self._prefixes
        return groups.setdefault(path, _Group(self.items))

    def meeting(self, box: Box) -> list[int]:
        """Positions of all entries that may have a request in common with the box, in order."""
        found = self._patterns.meeting(box)
        for group in self._on_the_way(box) if box.exact is not None else self._around(box.prefix):
            found += group.meeting(box)
        found.sort()
        return found

    def covering(self, box: Box) -> list[int]:
        """Of these positions those whose path may take all paths of the box, regular expressions aside."""
        groups = self._above(box.prefix) if box.exact is None else self._on_the_way(box)
        return sorted(position for group in groups for position in group.meeting(box))

    @property
    def has_patterns(self) -> bool:
        """Whether any path is a regular expression."""
        return bool(self._patterns)

    def _on_the_way(self, box: Box) -> "Iterator[_Group]":
        assert box.exact is not None
        if box.exact in self._exact:
            yield self._exact[box.exact]
        yield from self._above(box.exact)

    def _above(self, path: bytes) -> "Iterator[_Group]":
        """Prefixes that take the path."""
        while path:
            if path in self._prefixes:
                yield self._prefixes[path]
            path = path[: max(path.rfind(b"/"), 0)]
        if b"" in self._prefixes:
            yield self._prefixes[b""]

    def _around(self, prefix: bytes) -> "Iterator[_Group]":
        """What lies at a prefix or below it, and the prefixes above."""
        if prefix:
            yield from self._above(prefix[: max(prefix.rfind(b"/"), 0)])
        for path in self._below(prefix):
            if path in self._exact:
                yield self._exact[path]
            if path in self._prefixes:
                yield self._prefixes[path]

    def _below(self, prefix: bytes) -> Iterable[bytes]:
        if not prefix:
            return self._paths
        begin = bisect_left(self._paths, prefix)
        end = bisect_left(self._paths, prefix + b"0", begin)  # "0" follows "/"
        return (path for path in self._paths[begin:end] if is_under(path, prefix))


class _Patterns:
    """Regular expressions for paths, found by the text that every path they match begins with."""

    def __init__(self, items: list[Item]) -> None:
        self._items = items
        self._groups: dict[bytes, _Group] = {}
        self._starts: list[bytes] = []
        self._lengths: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._groups)

    def group(self, pattern: bytes) -> "_Group":
        return self._groups.setdefault(literal_prefix(pattern), _Group(self._items))

    def complete(self) -> None:
        self._starts = sorted(self._groups)
        self._lengths = sorted({len(start) for start in self._starts})

    def meeting(self, box: Box) -> list[int]:
        if not self._groups:
            return []
        text = box.exact if box.exact is not None else max((box.prefix, *map(literal_prefix, box.patterns)), key=len)
        starts = {text[:length] for length in self._lengths if length <= len(text)}
        if box.exact is None:
            starts |= set(self._beyond(text))
        return [position for start in starts & self._groups.keys() for position in self._groups[start].meeting(box)]

    def _beyond(self, text: bytes) -> Iterator[bytes]:
        for start in self._starts[bisect_left(self._starts, text) :]:
            if not start.startswith(text):
                return
            yield start


class _Group:
    """The entries of one path; when they are many, by the value of what most of them ask for."""

    __slots__ = ("_by_value", "_items", "_place", "_rest", "positions")

    def __init__(self, items: list[Item]) -> None:
        self._items = items
        self._place: Place | None = None
        self._by_value: dict[bytes, list[int]] = {}
        self._rest: list[int] = []
        self.positions: list[int] = []

    def meeting(self, box: Box) -> list[int]:
        if len(self.positions) <= FEW or not box.equal:
            return self.positions
        if self._place is None:
            self._index()
        if self._place is None or self._place not in box.equal:
            return self.positions
        return self._by_value.get(box.equal[self._place], []) + self._rest

    def _index(self) -> None:
        asked = Counter(place for position in self.positions for place in self._items[position].box.equal)
        self._place = asked.most_common(1)[0][0] if asked else (-1, b"")
        for position in self.positions:
            value = self._items[position].box.equal.get(self._place)
            (self._rest if value is None else self._by_value.setdefault(value, [])).append(position)
