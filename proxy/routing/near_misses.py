"""Near misses: of the entries that do not take a request those that came nearest, and on what each failed."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import chain, islice
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from proxy.routing.conditions import HEADER, QUERY, query_values
from proxy.routing.hints import host_hint, method_hint, path_hint, text, value_hint
from proxy.routing.hostname import covers
from proxy.routing.places import Place, Question, failures, first_failure, found, holds, places
from proxy.routing.regex import compile_pattern
from proxy.snapshot.route import CallMatch, HostBucket, PathKind, RouteMatch, Rule

AT_MOST = 5
"""How many near misses are told."""

CRITERIA = ("host", "path", "method", "header", "query", "port", "listener")
"""What an entry can fail on, in the order asked: the later the first failure, the nearer the miss."""


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
    expected: str = ""
    """What the entry asks for."""
    found: str = ""
    """What the request has in its place; "" for nothing."""
    hint: str = ""
    """What to look at; "" when there is nothing to add."""


class Reason(NamedTuple):
    """The last five fields of a NearMiss."""

    failed: str
    detail: str
    expected: str
    found: str
    hint: str = ""


class Routes(NamedTuple):
    """What one listener serves."""

    listener: str
    buckets: Sequence[HostBucket]
    where: str
    """How to ask there, for listeners of another port: `http://a.example:8080/`."""


def near_misses(
    here: Sequence[Routes], chosen: str, question: Question, elsewhere: Sequence[Routes] = ()
) -> tuple[NearMiss, ...]:
    """Nearest first. `here`: the listeners of the port, of which `chosen` ("" for none) was asked."""
    there, on_port = _elsewhere(elsewhere, question), _of_host(here, chosen, question)
    nearest = _nearest(chain(there, on_port), question)
    if len(nearest) < AT_MOST:
        nearest += _nearest(_of_other_hosts(here, question), question)[: AT_MOST - len(nearest)]
    urls = {routes.listener: routes.where for routes in elsewhere}
    return tuple(NearMiss(*place.about, *_reason(place, chosen, question, urls)) for place in nearest)


_CONSIDERED = 4 * AT_MOST
"""Some may be of one entry that several listeners serve."""

Rank = tuple[int, float, int]
Ranked = tuple[Rank, Place]


def _elsewhere(elsewhere: Iterable[Routes], question: Question) -> Iterator[Ranked]:
    """Of other ports only what would take the request there."""
    rank = -CRITERIA.index("port"), 0.0, 0
    for routes in elsewhere:
        for place in places(routes.listener, routes.buckets, question.host):
            if not first_failure(place.entry.match, question):
                yield rank, place


def _of_host(here: Iterable[Routes], chosen: str, question: Question) -> Iterator[Ranked]:
    """Under hostnames that cover the host."""
    plain = _plain(question.path)
    for routes in here:
        for place in places(routes.listener, routes.buckets, question.host):
            match = place.entry.match
            failed = first_failure(match, question) or ("listener" if routes.listener != chosen else "")
            if failed:
                shared = _shared(match.path.lower(), plain) if failed == "path" else 0
                yield (-CRITERIA.index(failed), 0.0, -shared), place


def _of_other_hosts(here: Iterable[Routes], question: Question) -> Iterator[Ranked]:
    """Under the hostname that is most alike, and only there: of all others the host says enough."""
    buckets = [(routes, bucket) for routes in here for bucket in routes.buckets]
    far = [(routes, bucket) for routes, bucket in buckets if not covers(bucket.hostname, question.host)]
    plain = _plain(question.path)
    for routes, bucket in nsmallest(AT_MOST, far, key=lambda pair: _unlike(pair[1].hostname, question.host)):
        unlike = _unlike(bucket.hostname, question.host)
        for entry in bucket.entries:
            taken = not first_failure(entry.match, question)
            shared = _shared(entry.match.path.lower(), plain)
            yield (0, unlike - taken, -shared), Place(routes.listener, bucket, entry)


def _nearest(ranked: Iterable[Ranked], question: Question) -> list[Place]:
    """Of equals the one that goes first; an entry that two listeners serve counts once."""
    best = nsmallest(_CONSIDERED, ranked, key=lambda one: _order(one, question))
    kept: dict[tuple[str, str, int, int], Place] = {}
    for _, place in best:
        rule = place.rule
        kept.setdefault((rule.kind, rule.route, rule.index, place.entry.match_index), place)
    return list(islice(kept.values(), AT_MOST))


def _order(ranked: Ranked, question: Question) -> tuple[Rank, int, str, int, int]:
    """Of two that failed on the same first the one that fails on less beside it is nearer; then by name.

    Asked of every entry there is, so it does not go by precedence, which takes three times as long.
    """
    rank, place = ranked
    rule, entry = place.bucket.rules[place.entry.rule], place.entry
    return rank, failures(entry.match, question), rule.route, rule.index, entry.match_index


def _plain(path: bytes) -> bytes:
    """A path without what people overlook."""
    return unquote_to_bytes(path).lower()


def _shared(one: bytes, other: bytes) -> int:
    """How many characters two paths have in common from the start."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(one), len(other)))


def _unlike(hostname: bytes, host: bytes) -> float:
    """From 0, alike, to 1, nothing in common at either end."""
    both = _shared(hostname, host) + _shared(hostname[::-1], host[::-1])
    return 1 - min(1.0, both / max(len(hostname), len(host), 1))


# --- in words ---------------------------------------------------------------------------------


def _reason(place: Place, chosen: str, question: Question, urls: dict[str, str]) -> Reason:
    hostname, host = place.bucket.hostname, question.host
    if not covers(hostname, host):
        detail = f"host {text(host)} is not {text(hostname)}"
        return Reason("host", detail, text(hostname), text(host), host_hint(hostname, host))
    failed = first_failure(place.entry.match, question)
    if failed:
        return _REASONS[failed](place.entry.match, question)
    if place.listener in urls:
        detail = f"listener {place.listener} has it on another port"
        return Reason("port", detail, place.listener, chosen, f"ask for {urls[place.listener]}")
    owner = chosen or "no listener"
    detail = f"host {text(host)} belongs to {owner}, whose routes alone are asked"
    return Reason("listener", detail, place.listener, chosen, _ISOLATION if chosen else "")


_ISOLATION = "of the listeners of a port the one with the most specific hostname is asked: attach the route to it, too"


def _path(match: RouteMatch, question: Question) -> Reason:
    if match.call is not None:
        return _call(match.call, question)
    detail = f"path {text(question.path)} {_PATH_WORDS[match.path_kind]} {text(match.path)}"
    return Reason("path", detail, text(match.path), text(question.path), path_hint(match, question.path))


_PATH_WORDS: dict[PathKind, str] = {
    "exact": "is not",
    "prefix": "does not begin with",
    "regex": "does not match",
}


def _call(call: CallMatch, question: Question) -> Reason:
    """The path is that of another call, or of none: what of it is not as asked, the service first."""
    service, slash, method = question.path[1:].partition(b"/")
    if not slash or not method:
        hint = "a call is POST /service/method"
        return Reason("path", f"path {text(question.path)} is not that of a call", "", text(question.path), hint)
    for what, asked, value in (("service", call.service, service), ("method", call.method, method)):
        if asked and not _is(call, asked, value):
            words = "does not match" if call.regex else "is not"
            hint = "names are case-sensitive" if asked.lower() == value.lower() else ""
            return Reason("path", f"{what} {text(value)} {words} {text(asked)}", text(asked), text(value), hint)
    return Reason("path", f"path {text(question.path)} is not that of a call", "", text(question.path))


def _is(call: CallMatch, asked: bytes, value: bytes) -> bool:
    return bool(compile_pattern(asked)(value)) if call.regex else value == asked


def _method(match: RouteMatch, question: Question) -> Reason:
    expected, method = match.method, question.method
    detail = f"method {text(method)} is not {text(expected)}"
    return Reason("method", detail, text(expected), text(method), method_hint(expected, method))


def _header(match: RouteMatch, question: Question) -> Reason:
    return _value(HEADER, "header", match, question, [name for name, _ in question.headers])


def _query(match: RouteMatch, question: Question) -> Reason:
    names = list(query_values(question.query)) if question.query else []
    return _value(QUERY, "query parameter", match, question, names)


def _value(kind: int, what: str, match: RouteMatch, question: Question, names: list[bytes]) -> Reason:
    """Of the first header or query parameter that is not as asked."""
    wanted = match.headers if kind == HEADER else match.query
    asked = next(one for one in wanted if not holds(kind, one, question))
    value, name = found(kind, asked, question), text(asked.name)
    words = "does not match" if asked.regex else "is not"
    detail = f"{name} is missing" if value is None else f"{name}: {text(value)} {words} {text(asked.value)}"
    hint = value_hint(asked, value, names)
    failed = "header" if kind == HEADER else "query"
    return Reason(failed, f"{what} {detail}", text(asked.value), "" if value is None else text(value), hint)


_REASONS = {"path": _path, "method": _method, "header": _header, "query": _query}
