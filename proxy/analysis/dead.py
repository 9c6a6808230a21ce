"""Entries that never answer, whatever is requested.

Without regular expressions an entry is dead only when a single one that is asked before it takes all of its
requests: the plainest request it takes is taken by no other. What several take together is found where regular
expressions are involved, as far as `find_witness` can tell; in doubt an entry lives.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from proxy.analysis.box import Box, undecided
from proxy.analysis.effect import NOT_FOUND, Effect
from proxy.analysis.order import PATTERNS, Item, Order, path_of
from proxy.analysis.witness import Undecided, find_witness, is_sendable
from proxy.routing.listeners import PortTable
from proxy.routing.precedence import decided_by, entry_key, host_key
from proxy.routing.regex import literal_prefix
from proxy.snapshot.route import Entry, HostBucket, PathKind, RouteMatch, Rule
from proxy.snapshot.snapshot import Listener, Snapshot

Why = Literal["shadowed", "unsendable", "elsewhere"]


class Dead(NamedTuple):
    """One entry that never answers, in one bucket."""

    rule: Rule
    match_index: int
    own: bytes
    """The hostname of the route that led here."""
    why: Why
    """`elsewhere`: all requests for the hostname belong to another listener."""
    by: tuple[tuple[Rule, int], ...] = ()
    """What answers before it: (rule, match)."""
    decided_by: str = ""
    """The first criterion of precedence that puts the first of `by` before it."""
    listener: str = ""
    """Of `elsewhere`: the other one."""

    @property
    def at(self) -> tuple[str, int, int]:
        return self.rule.owner, self.rule.index, self.match_index


def dead_entries(snapshot: Snapshot) -> Iterator[Dead]:
    """In every bucket by itself: what is dead in one may live in another."""
    belongs = _owners(snapshot)
    for (listener, hostname), bucket in snapshot.buckets.items():
        other = belongs(listener, hostname)
        if other:
            yield from (
                Dead(bucket.rules[entry.rule], entry.match_index, entry.own, "elsewhere", listener=other)
                for entry in bucket.entries
            )
        elif _needs_a_look(bucket):
            yield from dead_in(bucket)


def unserved_hostnames(snapshot: Snapshot) -> Mapping[tuple[str, bytes], str]:
    """(route, hostname of the route) to the listener that all its requests belong to, and not to the route's."""
    belongs = _owners(snapshot)
    elsewhere: dict[tuple[str, bytes], str] = {}
    served: list[HostBucket] = []
    for (listener, hostname), bucket in snapshot.buckets.items():
        other = belongs(listener, hostname)
        if other:
            elsewhere |= dict.fromkeys(_routes_of(bucket), other)
        else:
            served.append(bucket)
    for bucket in served if elsewhere else ():
        for at in _routes_of(bucket):
            elsewhere.pop(at, None)
    return elsewhere


def _routes_of(bucket: HostBucket) -> set[tuple[str, bytes]]:
    return {(bucket.rules[entry.rule].owner, entry.own) for entry in bucket.entries}


def _owners(snapshot: Snapshot) -> Callable[[str, bytes], str]:
    """Asks which other listener all hosts of a hostname belong to; "" where some are its own."""
    tables: dict[str, list[PortTable[Listener]]] = {}
    for bind in snapshot.binds:
        if len(bind.listeners) > 1:
            listeners = [snapshot.listeners[key] for key in bind.listeners]
            table = PortTable([(one.hostname, one) for one in listeners])
            for key in bind.listeners:
                tables.setdefault(key, []).append(table)
        else:
            tables.setdefault(bind.listeners[0], []).append(PortTable([]))

    def other(listener: str, hostname: bytes) -> str:
        # A label that no hostname has stands for every label that none has.
        host = b"\0" + hostname.removeprefix(b"*") if hostname[:1] in (b"", b"*") else hostname
        chosen = [table.choose(host) for table in tables.get(listener, ())]
        if any(one is None or one.key == listener for one in chosen):
            return ""
        return next((one.key for one in chosen if one is not None), "")

    return other


def _needs_a_look(bucket: HostBucket) -> bool:
    """False for nearly all there are: each entry has a path of its own, or asks there for another value than others."""
    shapes: dict[tuple[PathKind, bytes], tuple[object, ...]] = {}
    own = bucket.entries[0].own if bucket.entries else b""
    for entry in bucket.entries:
        match = entry.match
        path = path_of(match)
        if entry.own != own or match.path_kind in PATTERNS or not is_sendable(path or b"/"):
            return True
        shape = _shape(match)
        if shapes.setdefault((match.path_kind, path), shape) != shape or not shape:
            return True
    return len({entry.match for entry in bucket.entries}) < len(bucket.entries)


def _shape(match: RouteMatch) -> tuple[object, ...]:
    """Where a match looks; () by patterns. Two of one shape and path that differ have no request in common."""
    if not match.headers and not match.query:
        return match.path, match.method != b""
    if any(asked.regex for asked in (*match.headers, *match.query)):
        return ()
    names = tuple(asked.name for asked in match.headers), tuple(asked.name for asked in match.query)
    return match.path, match.method != b"", *names


def dead_in(bucket: HostBucket) -> Iterator[Dead]:
    """The dead entries of one bucket, which hosts do reach."""
    order = Order(bucket, _nothing)
    for entry, first in order.repeated:
        yield _shadowed(bucket, entry.own, entry.match, bucket.rules[entry.rule], entry.match_index, first)
    for position, item in enumerate(order.items):
        found = _dead(bucket, order, position, item)
        if found is not None:
            yield found


def _nothing(rule: Rule) -> Effect:
    """What rules do does not matter here."""
    del rule
    return NOT_FOUND


def _dead(bucket: HostBucket, order: Order, position: int, item: Item) -> Dead | None:
    if not is_sendable(item.box.exact if item.box.exact is not None else item.box.prefix or b"/"):
        return Dead(item.rule, item.match_index, item.own, "unsendable")
    if position == 0 and not item.box.patterns:
        return None
    for other in order.covering(item.box):
        if other < position and undecided(item.box, order.items[other].box) == []:
            return _shadowed(bucket, item.own, item.match, item.rule, item.match_index, order.items[other])
    if order.has_patterns or item.box.matching:
        return _dead_by_pattern(bucket, order, position, item)
    return None


def _dead_by_pattern(bucket: HostBucket, order: Order, position: int, item: Item) -> Dead | None:
    """What several entries take together, where any of them, or the item, is a regular expression."""
    before = [order.items[other] for other in order.meeting(item.box) if other < position]
    if not any(_has_pattern(other.box) for other in (item, *before)):
        return None
    if not before and literal_prefix(item.match.path).startswith(b"/"):
        return None  # nobody is before it, and paths begin as it does
    try:
        if find_witness(item.box, (other.box for other in before)) is not None:
            return None
    except Undecided:
        return None
    if not before:
        return Dead(item.rule, item.match_index, item.own, "unsendable")
    alone = [other for other in before if _covers(other.box, item.box)]
    first = _shadowed(bucket, item.own, item.match, item.rule, item.match_index, (alone or before)[0])
    return first if alone else first._replace(by=tuple((other.rule, other.match_index) for other in before))


def _has_pattern(box: Box) -> bool:
    return bool(box.patterns or box.matching)


def _covers(other: Box, box: Box) -> bool:
    try:
        return find_witness(box, [other]) is None
    except Undecided:
        return False


def _shadowed(bucket: HostBucket, own: bytes, match: RouteMatch, rule: Rule, match_index: int, first: Item) -> Dead:
    theirs = _key(first.own, first.match, first.rule, first.match_index)
    ours = _key(own, match, rule, match_index)
    by = ((first.rule, first.match_index),)
    return Dead(rule, match_index, own, "shadowed", by, decided_by(host_key(bucket.hostname) + theirs,
                                                                  host_key(bucket.hostname) + ours))  # fmt: skip


def _key(own: bytes, match: RouteMatch, rule: Rule, match_index: int) -> tuple[int | str | bool, ...]:
    return host_key(own) + entry_key(Entry(match, 0, match_index, own), rule)


def dead_everywhere(snapshot: Snapshot) -> Mapping[tuple[str, int, int], Dead]:
    """(route, rule, match) of entries that answer nowhere, with the reason of one of the places."""
    found: dict[tuple[str, int, int], list[Dead]] = {}
    for one in dead_entries(snapshot):
        found.setdefault(one.at, []).append(one)
    if not found:
        return {}
    places = _places(snapshot, {route for route, _, _ in found})
    return {
        at: min(reasons, key=lambda one: one.why == "elsewhere")
        for at, reasons in found.items()
        if len(reasons) == places[at]
    }


def _places(snapshot: Snapshot, routes: set[str]) -> dict[tuple[str, int, int], int]:
    """In how many buckets each entry of these routes stands."""
    places: dict[tuple[str, int, int], int] = {}
    for bucket in snapshot.buckets.values():
        if any(rule.owner in routes for rule in bucket.rules):
            for entry in bucket.entries:
                rule = bucket.rules[entry.rule]
                at = rule.owner, rule.index, entry.match_index
                places[at] = places.get(at, 0) + 1
    return places
