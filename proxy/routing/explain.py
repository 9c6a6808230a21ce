"""Why a request is answered as it is, as data: the winner, the other candidates, or the near misses.

The winner comes from the very tables that serve. The candidates are found the slow way, by asking every
entry, and stand in order of precedence, each with the criterion that put it before the next. Where
nothing answers, the near misses say on what each of the nearest entries failed.
"""

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import pairwise
from typing import NamedTuple

from proxy.routing.conditions import HEADER, QUERY, value_of
from proxy.routing.hit import Headers, Hit
from proxy.routing.hostname import covers
from proxy.routing.listeners import PortTable
from proxy.routing.path import path_matches
from proxy.routing.precedence import Key, decided_by, sort_key
from proxy.routing.regex import compile_pattern
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import Entry, HostBucket, PathKind, RouteMatch, Rule, ValueMatch

NEAR_MISSES = 5
"""How many near misses are told."""

CRITERIA = ("host", "path", "method", "header", "query", "listener")
"""What an entry can fail on, in the order asked: the later the first failure, the nearer the miss."""


class Question(NamedTuple):
    """A request as far as routing sees it; the fields are those of protocol.message.Request."""

    host: bytes
    path: bytes
    method: bytes
    headers: Headers
    query: bytes | None


class Served:
    """One listener with its routes, compiled as the data plane compiles them."""

    def __init__(self, key: str, hostname: bytes, buckets: Sequence[HostBucket]) -> None:
        self.key = key
        self.hostname = hostname
        self.buckets = buckets
        self.table = ListenerTable({one.hostname: HostTable.compile(one, _itself) for one in buckets})


class Candidate(NamedTuple):
    """An entry that takes the request."""

    listener: str
    hostname: bytes
    rule: Rule
    match_index: int
    match: RouteMatch
    decided_by: str
    """The first criterion of precedence that puts it before the next candidate; "" for the last."""


class NearMiss(NamedTuple):
    """An entry that does not take the request, and the first reason why."""

    listener: str
    hostname: bytes
    rule: Rule
    match_index: int
    match: RouteMatch
    failed: str
    """One of CRITERIA."""
    detail: str
    """The reason in words."""


class Explanation(NamedTuple):
    """All there is to say about one request."""

    listener: str
    """The key of the listener that the host chose, "" when there is none."""
    winner: Candidate | None
    candidates: tuple[Candidate, ...]
    near_misses: tuple[NearMiss, ...]
    """Empty when there is a winner."""


class _Place(NamedTuple):
    """One entry of one listener."""

    served: Served
    bucket: HostBucket
    entry: Entry

    @property
    def rule(self) -> Rule:
        return self.bucket.rules[self.entry.rule]

    @property
    def key(self) -> Key:
        return sort_key(self.bucket.hostname, self.entry, self.rule)

    @property
    def about(self) -> tuple[str, bytes, Rule, int, RouteMatch]:
        entry = self.entry
        return self.served.key, self.bucket.hostname, self.rule, entry.match_index, entry.match


def _itself(rule: Rule) -> Rule:
    return rule


def explain(listeners: Sequence[Served], question: Question) -> Explanation:
    """Explains a request that came to a port with these listeners."""
    chosen = PortTable([(served.hostname, served) for served in listeners]).choose(question.host)
    if chosen is None:
        return Explanation("", None, (), near_misses(listeners, None, question))
    hit = chosen.table.match(*question)
    if hit is None:
        return Explanation(chosen.key, None, (), near_misses(listeners, chosen, question))
    found = candidates(chosen, question)
    return Explanation(chosen.key, _winner(found, hit), found, ())


def candidates(chosen: Served, question: Question) -> tuple[Candidate, ...]:
    """Every entry of a listener that takes the request, the winner first."""
    found = [place for place in _places(chosen) if not _failure(place, chosen, question)]
    found.sort(key=lambda place: place.key)
    reasons = [decided_by(ours.key, theirs.key) for ours, theirs in pairwise(found)]
    return tuple(Candidate(*place.about, why) for place, why in zip(found, [*reasons, ""], strict=True))


def _winner(found: Sequence[Candidate], hit: Hit[Rule]) -> Candidate:
    """The candidate that the table chose."""
    wanted = (hit.rule, hit.match_index, hit.hostname)
    return next(one for one in found if (one.rule, one.match_index, one.hostname) == wanted)


def near_misses(listeners: Sequence[Served], chosen: Served | None, question: Question) -> tuple[NearMiss, ...]:
    """The entries that came nearest to taking a request which none takes."""

    def nearness(place: _Place) -> tuple[int, int, Key]:
        passed = CRITERIA.index(_failure(place, chosen, question))
        return -passed, -_shared(place.entry.match.path, question.path), place.key

    places = (place for served in listeners for place in _places(served))
    nearest = nsmallest(NEAR_MISSES, places, key=nearness)
    return tuple(NearMiss(*place.about, *_reason(place, chosen, question)) for place in nearest)


def _shared(one: bytes, other: bytes) -> int:
    """How many characters two paths have in common from the start."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(one), len(other)))


def _places(served: Served) -> Iterator[_Place]:
    for bucket in served.buckets:
        for entry in bucket.entries:
            yield _Place(served, bucket, entry)


def _failure(place: _Place, chosen: Served | None, question: Question) -> str:
    """The first criterion that an entry fails on; "" when it takes the request."""
    return _reason(place, chosen, question)[0]


def _reason(place: _Place, chosen: Served | None, question: Question) -> tuple[str, str]:
    match = place.entry.match
    if not covers(place.bucket.hostname, question.host):
        return "host", f"host {_text(question.host)} is not {_text(place.bucket.hostname)}"
    if not path_matches(match, question.path):
        return "path", f"path {_text(question.path)} {_PATH_WORDS[match.path_kind]} {_text(match.path)}"
    if match.method and match.method != question.method:
        return "method", f"method {_text(question.method)} is not {_text(match.method)}"
    for asked in match.headers:
        if words := _unmet(HEADER, asked, question):
            return "header", f"header {words}"
    for asked in match.query:
        if words := _unmet(QUERY, asked, question):
            return "query", f"query parameter {words}"
    if place.served is not chosen:
        name = chosen.key if chosen else "no listener"
        return "listener", f"host {_text(question.host)} belongs to {name}, whose routes alone are asked"
    return "", ""


_PATH_WORDS: dict[PathKind, str] = {
    "exact": "is not",
    "prefix": "does not begin with",
    "regex": "does not match",
}


def _unmet(kind: int, asked: ValueMatch, question: Question) -> str:
    """Why a header or query parameter is not as asked; "" when it is."""
    name = _text(asked.name)
    value = value_of(kind, asked.name, question.method, question.headers, question.query)
    if value is None:
        return f"{name} is missing"
    if asked.regex:
        fits, words = bool(compile_pattern(asked.value)(value)), "does not match"
    else:
        fits, words = value == asked.value, "is not"
    return "" if fits else f"{name}: {_text(value)} {words} {_text(asked.value)}"


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace") or "(empty)"
