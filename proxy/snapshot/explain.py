"""One request told through a snapshot: which rule takes it, what its filters do, where it goes.

The answer is plain data, described in docs/explain.md; `translate.explain` adds where each thing was declared. Nothing
here decides anything: the tables are those of `routing`, the filters are really run.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from proxy.errors import NoRoute, NoValidBackend, ProxyError
from proxy.filters.base import FilterContext
from proxy.protocol.message import Request
from proxy.routing.explain import Candidate, Explanation, Served, explain
from proxy.routing.hostname import covers
from proxy.routing.near_misses import NearMiss
from proxy.routing.places import Question
from proxy.snapshot.answers import by_error, by_filter, certain, closed
from proxy.snapshot.describe import match_data, policy_data, text
from proxy.snapshot.doors import Door, NoDoor, all_doors, find_doors, find_port, other_listeners
from proxy.snapshot.effects import HTTP1, run_filters
from proxy.snapshot.explain_l4 import all_passed_on
from proxy.snapshot.explain_tls import Handshake, clients_mode, shake_hands
from proxy.snapshot.question import Asked, receive
from proxy.snapshot.route import HostBucket, Rule
from proxy.snapshot.shares import outcomes, shares, spoken, told
from proxy.snapshot.snapshot import Snapshot

Data = dict[str, Any]
NOTHING = Explanation("", None, (), ())


class Told(NamedTuple):
    """An explanation, and what of the snapshot it is about."""

    data: Data
    question: Question | None = None
    """None when the request was refused before any rule was asked."""
    listener: str = ""
    """Key of the listener whose routes were asked; "" for none."""
    winner: Candidate | None = None
    """What answers."""


class _Answer(NamedTuple):
    """What one address says."""

    door: Door
    handshake: Handshake | None
    explanation: Explanation

    @property
    def rank(self) -> int:
        """A rule that answers is the best there can be, a refusal the least."""
        if self.explanation.winner is not None:
            return 0
        return 2 if self.handshake is not None and self.handshake.refused else 1


def explain_request(snapshot: Snapshot, asked: Asked, trusted_proxies: tuple[str, ...] = ()) -> Data:
    """The whole explanation. Raises BadQuestion; what the gateway would refuse is told, not raised."""
    return tell(snapshot, asked, trusted_proxies).data


def tell(snapshot: Snapshot, asked: Asked, trusted_proxies: tuple[str, ...] = ()) -> Told:
    """The same, with what it is about."""
    port = asked.port or 0
    try:
        port, note = find_port(snapshot, asked)
        everywhere = all_doors(snapshot, port)
        if refused := all_passed_on(everywhere):
            return Told(_refused(asked, port, refused, closed("no request is read")))
        doors = find_doors(everywhere, asked, port)
    except NoDoor as error:
        return Told(_refused(asked, port, str(error), closed("no connection")))
    known = {"note": note or None, "addresses": [door.data for door in everywhere]}
    failed = _closed(doors, asked)
    if failed is not None:
        return Told(_refused(asked, port, failed.refused, failed.outcome or {}) | known | _tls(snapshot, failed))
    try:
        request, client = receive(asked, port, trusted_proxies)
    except ProxyError as error:
        return Told(_refused(asked, port, f"{error.status}: {error.detail}", by_error(error)) | known)
    question = Question(request.host, request.path, request.method, request.headers, request.query)
    best = min((_ask(snapshot, door, asked, port, question) for door in doors), key=lambda one: one.rank)
    known |= {"client": client, "address": best.door.bind.address or "*", **_tls(snapshot, best.handshake)}
    if best.handshake is not None and best.handshake.refused:
        return Told(_refused(asked, port, best.handshake.refused, best.handshake.outcome or {}) | known)
    data = _answer(asked, port, best.explanation) | known
    winner = best.explanation.winner
    if winner is None:
        data["outcomes"] = certain(by_error(_no_route(best.explanation, port)))
        if not best.explanation.listener:
            data["outcomes"][0]["why"] += _taken_elsewhere(snapshot, port, question.host)
        return Told(data, question, best.explanation.listener)
    data |= _outcome(snapshot, winner.rule, request, FilterContext(asked.scheme, port, client))
    return Told(data, question, winner.listener, winner)


def _closed(doors: list[Door], asked: Asked) -> Handshake | None:
    """The handshake that fails, before there is a request; None where one succeeds or none is needed."""
    tried = [shake_hands(door.listeners, asked, None) for door in doors if door.secure]
    return tried[0] if tried and all(one.refused for one in tried) else None


def _ask(snapshot: Snapshot, door: Door, asked: Asked, port: int, question: Question) -> _Answer:
    handshake = shake_hands(door.listeners, asked, question.host) if door.secure else None
    if handshake is not None and handshake.refused:
        return _Answer(door, handshake, NOTHING)

    def elsewhere() -> Iterator[Served]:
        others = other_listeners(snapshot, port)
        return served(snapshot, {one.key: asked.on_port(scheme, one.port) for one, scheme in others})

    here = list(served(snapshot, dict.fromkeys((listener.key for listener in door.listeners), "")))
    return _Answer(door, handshake, explain(here, question, elsewhere))


def served(snapshot: Snapshot, where: Mapping[str, str]) -> Iterator[Served]:
    """Listeners of a snapshot by their keys, each with the URL by which it is asked."""
    buckets: dict[str, list[HostBucket]] = {key: [] for key in where}
    for (key, _), bucket in snapshot.buckets.items():
        if key in buckets:
            buckets[key].append(bucket)
    for key, url in where.items():
        yield Served(key, snapshot.listeners[key].hostname, buckets[key], url)


def _no_route(explanation: Explanation, port: int) -> ProxyError:
    """With the reason that the exchange has."""
    where = {"port": port, "listener": explanation.listener}
    return NoRoute(f"no_route_{explanation.miss}", _MISSES[explanation.miss].format_map(where))


def _taken_elsewhere(snapshot: Snapshot, port: int, host: bytes) -> str:
    """Where it is served instead, as far as listeners go."""
    others = [listener for listener, _ in other_listeners(snapshot, port) if covers(listener.hostname, host)]
    return "".join(f"; listener {listener.key} does on port {listener.port}" for listener in others[:3])


_MISSES = {
    "listener": "no listener on port {port} serves this host",
    "host": "no route of listener {listener} is for this host",
    "path": "no rule of listener {listener} takes this path",
    "method": "rules of listener {listener} take this path, but none this method",
    "header": "rules of listener {listener} take this path, but none these headers",
    "query": "rules of listener {listener} take this path, but none these query parameters",
}
"""The last criterion on which all failed (routing.miss)."""


# --- data -------------------------------------------------------------------------------------


def _tls(snapshot: Snapshot, handshake: Handshake | None) -> Data:
    if handshake is None:
        return {"tls": None}
    clients = snapshot.listeners[handshake.listener].clients if handshake.listener else None
    listener = handshake.listener or None
    return {"tls": {"server_name": handshake.server_name, "listener": listener, "clients": clients_mode(clients)}}


def _refused(asked: Asked, port: int, why: str, outcome: Data) -> Data:
    return _answer(asked, port, NOTHING) | {"refused": why, "outcomes": certain(outcome)}


def _answer(asked: Asked, port: int, explanation: Explanation) -> Data:
    winner = explanation.winner
    return {
        "request": {"method": asked.method, "url": asked.url, "headers": [list(field) for field in asked.headers]},
        "client": asked.client,
        "port": port,
        "note": None,
        "address": None,
        "addresses": [],
        "tls": None,
        "listener": explanation.listener or None,
        "outcomes": [],
        "winner": None if winner is None else _entry(winner),
        "candidates": [_entry(one) | {"decided_by": one.decided_by or None} for one in explanation.candidates],
        "near_misses": [_entry(one) | _why(one) for one in explanation.near_misses],
    }


def _entry(one: Candidate | NearMiss) -> Data:
    return {
        "kind": one.rule.kind,
        "route": one.rule.route,
        "rule": one.rule.index,
        "rule_name": one.rule.name or None,
        "match": one.match_index,
        "listener": one.listener,
        "hostname": text(one.hostname) or "*",
        "conditions": match_data(one.match),
    }


def _why(one: NearMiss) -> Data:
    return {
        "failed": one.failed,
        "detail": one.detail,
        "expected": one.expected or None,
        "found": one.found or None,
        "hint": one.hint or None,
    }


def _outcome(snapshot: Snapshot, rule: Rule, request: Request, context: FilterContext) -> Data:
    """What the rule does with the request: its filters in order, then its backends with theirs."""
    ran = run_filters(rule.filters, request, context)
    first = next((ref for ref in rule.backends if ref.weight and ref.upstream), None)
    to = HTTP1 if first is None else spoken(snapshot, first)
    result = told(ran, request, (rule.filters,), context, to) | policy_data(rule)
    if ran.failure is not None:
        return result | {"backends": [], "outcomes": certain(by_error(ran.failure))}
    if ran.reply is not None:
        return result | {"backends": [], "outcomes": certain(by_filter(ran.reply.status))}
    backends = shares(snapshot, rule, request, context)
    gets = outcomes(backend["outcome"] for backend in backends)
    nothing = by_error(NoValidBackend("no_backend", "the rule has no backend that takes a share"))
    return result | {"backends": backends, "outcomes": gets or certain(nothing)}
