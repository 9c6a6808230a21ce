"""Why a request is answered as it is, as data: the winner, the other candidates, or the near misses.

The winner comes from the very tables that serve. The candidates are found the slow way, by asking every
entry, and stand in order of precedence, each with the criterion that put it before the next. Where
nothing answers, the near misses say on what each of the nearest entries failed.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from proxy.routing.hit import Hit
from proxy.routing.listeners import PortTable
from proxy.routing.near_misses import NearMiss, Routes, near_misses
from proxy.routing.places import Question, first_failure, places
from proxy.routing.precedence import Key, decided_by
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import HostBucket, RouteMatch, Rule


class Served:
    """One listener with its routes."""

    def __init__(self, key: str, hostname: bytes, buckets: Sequence[HostBucket], where: str = "") -> None:
        """`where`: how to ask there, as a URL."""
        self.key = key
        self.hostname = hostname
        self.buckets = buckets
        self.where = where

    @cached_property
    def table(self) -> ListenerTable[Rule]:
        """Compiled as the data plane compiles it."""
        return ListenerTable({one.hostname: HostTable.compile(one, _itself) for one in self.buckets})

    @property
    def routes(self) -> Routes:
        return Routes(self.key, self.buckets, self.where)


class Candidate(NamedTuple):
    """An entry that takes the request."""

    listener: str
    hostname: bytes
    rule: Rule
    match_index: int
    match: RouteMatch
    decided_by: str
    """The first criterion of precedence that puts it before the next candidate; "" for the last."""
    key: Key = ()
    """Its place in the order of precedence."""


class Explanation(NamedTuple):
    """All there is to say about one request."""

    listener: str
    """The key of the listener that the host chose, "" when there is none."""
    winner: Candidate | None
    candidates: tuple[Candidate, ...]
    near_misses: tuple[NearMiss, ...]
    """Empty when there is a winner."""
    miss: str = ""
    """Why nothing matched, in the word that metrics and the access log have; "" when there is a winner."""


def _itself(rule: Rule) -> Rule:
    return rule


def nowhere() -> Iterable[Served]:
    """There are no other ports."""
    return ()


def explain(
    listeners: Sequence[Served], question: Question, elsewhere: Callable[[], Iterable[Served]] = nowhere
) -> Explanation:
    """Explains a request that came to a port with these listeners. `elsewhere` gives those of other ports, and is
    asked only when nothing here takes the request."""
    chosen = PortTable([(served.hostname, served) for served in listeners]).choose(question.host)
    hit = None if chosen is None else chosen.table.match(*question)
    if chosen is not None and hit is not None:
        found = candidates(chosen, question)
        return Explanation(chosen.key, _winner(found, hit), found, ())
    key = "" if chosen is None else chosen.key
    near = near_misses([one.routes for one in listeners], key, question, [one.routes for one in elsewhere()])
    return Explanation(key, None, (), near, "listener" if chosen is None else chosen.table.miss(*question))


def candidates(chosen: Served, question: Question) -> tuple[Candidate, ...]:
    """Every entry of a listener that takes the request, the winner first."""
    asked = places(chosen.key, chosen.buckets, question.host)
    found = [place for place in asked if not first_failure(place.entry.match, question)]
    found.sort(key=lambda place: place.key)
    reasons = [decided_by(ours.key, theirs.key) for ours, theirs in pairwise(found)]
    return tuple(Candidate(*place.about, why, place.key) for place, why in zip(found, [*reasons, ""], strict=True))


def _winner(found: Sequence[Candidate], hit: Hit[Rule]) -> Candidate:
    """The candidate that the table chose."""
    wanted = (hit.rule, hit.match_index, hit.hostname)
    return next(one for one in found if (one.rule, one.match_index, one.hostname) == wanted)
