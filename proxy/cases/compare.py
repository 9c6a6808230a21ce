"""What was expected against what becomes of a request: one row in EXPECTATIONS for each thing that can be expected."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from proxy.cases.answer import Outcome
from proxy.cases.model import Expectations, RetryPart, TimeoutsPart
from proxy.cases.ways import Fields, Way
from proxy.resources.duration import seconds, written

TOLERANCE = 0.01
"""Percent: thirds cannot be written down."""


class Difference(NamedTuple):
    """One expectation that does not hold."""

    field: str
    """The name of the expectation; of headers with the header: `headers.x-from`."""
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.got}"


def compare(expect: Expectations, outcome: Outcome) -> list[Difference]:
    """All that does not hold, in the order of Expectations."""
    found: list[Difference] = []
    for field, differences in EXPECTATIONS.items():
        wanted = getattr(expect, field)
        if wanted is not None:
            found += differences(field, wanted, outcome)
    return found


Compared = Iterator[Difference]


# --- the rule ---------------------------------------------------------------------------------


def _no_match(field: str, wanted: bool, outcome: Outcome) -> Compared:
    nobody = outcome.winner is None and not outcome.refused
    if wanted != nobody:
        yield Difference(field, "no rule to take it" if wanted else "a rule to take it", _taker(outcome))


def _route(field: str, wanted: str, outcome: Outcome) -> Compared:
    if outcome.winner is None or outcome.winner["route"] != qualified(wanted):
        yield Difference(field, qualified(wanted), _taker(outcome))


def _rule(field: str, wanted: int | str, outcome: Outcome) -> Compared:
    winner = outcome.winner
    if winner is None or winner["rule" if isinstance(wanted, int) else "rule_name"] != wanted:
        yield Difference(field, str(wanted), _taker(outcome))


def _match(field: str, wanted: int, outcome: Outcome) -> Compared:
    if outcome.winner is None or outcome.winner["match"] != wanted:
        yield Difference(field, str(wanted), _taker(outcome))


def _taker(outcome: Outcome) -> str:
    if outcome.winner is None:
        return outcome.refused or "no rule that takes it"
    winner = outcome.winner
    name = f" ({winner['rule_name']})" if winner["rule_name"] else ""
    return f"{winner['route']} rule {winner['rule']}{name} match {winner['match']}"


def _listener(field: str, wanted: str, outcome: Outcome) -> Compared:
    got = outcome.told["listener"] or (outcome.told["tls"] or {}).get("listener") or ""
    if not f"/{got}".endswith(f"/{wanted}"):
        yield Difference(field, wanted, got or outcome.refused or "no listener")


def qualified(name: str) -> str:
    """NAMESPACE/NAME; without a namespace in `default`."""
    return name if "/" in name else f"default/{name}"


# --- answers and backends ---------------------------------------------------------------------


def _status(field: str, wanted: int, outcome: Outcome) -> Compared:
    if outcome.statuses != [wanted]:
        yield Difference(field, f"the gateway to answer {wanted}", fate(outcome))


def _location(field: str, wanted: str, outcome: Outcome) -> Compared:
    if any(way.location != wanted for way in outcome.ways):
        yield Difference(field, wanted, fate(outcome))


def _backend(field: str, wanted: str, outcome: Outcome) -> Compared:
    if outcome.backends != {qualified(wanted): 100.0} or 500 in outcome.statuses:
        yield Difference(field, qualified(wanted), fate(outcome))


def _backends(field: str, wanted: Mapping[str, float], outcome: Outcome) -> Compared:
    shares = {qualified(name): float(percent) for name, percent in wanted.items() if percent}
    if not _same_shares(shares, outcome.backends):
        yield Difference(field, _shares(shares), fate(outcome))


def _mirrors(field: str, wanted: Mapping[str, float] | tuple[str, ...], outcome: Outcome) -> Compared:
    given = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted, 100.0)
    shares = {qualified(name): float(percent) for name, percent in given.items() if percent}
    for way in outcome.ways:
        if not _same_shares(shares, way.mirrors):
            yield Difference(_of(field, way, outcome), _shares(shares), _shares(way.mirrors))


def _same_shares(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(percent - other[name]) <= TOLERANCE for name, percent in one.items())


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} ({percent:g} %)" for name, percent in shares.items()) or "nobody"


def fate(outcome: Outcome) -> str:
    """In words, all that can become of a request: `default/a:80 (75 %), 503: default/b:80 has no … (25 %)`."""
    several = len(outcome.ways) > 1
    return ", ".join(_way(way) + (f" ({way.percent:.4g} %)" if several else "") for way in outcome.ways)


def _way(way: Way) -> str:
    if way.status is None:
        return way.backend or way.why
    if way.location is not None:
        return f"{way.status} to {way.location}"
    return f"{way.status}: {way.why}" if way.why else str(way.status)


# --- heads ------------------------------------------------------------------------------------


def _forwarded(field: str, wanted: str, outcome: Outcome) -> Compared:
    """`path` or `host`, the same for every backend."""
    if not any(way.path for way in outcome.ways):
        yield Difference(field, wanted, f"nothing forwarded: {fate(outcome)}")
    for way in outcome.ways:
        if way.path and getattr(way, field) != wanted:
            yield Difference(_of(field, way, outcome), wanted, getattr(way, field))


def _headers(field: str, wanted: Mapping[str, Any], outcome: Outcome) -> Compared:
    """`headers` or `response_headers`, the same for every backend."""
    for way in outcome.ways:
        for name, value in wanted.items():
            want = [] if value is None else [value] if isinstance(value, str) else list(value)
            fields: Fields = getattr(way, field)
            got = fields.get(name.lower(), [])
            if want != got:
                yield Difference(f"{_of(field, way, outcome)}.{name.lower()}", _values(want), _values(got))


def _of(field: str, way: Way, outcome: Outcome) -> str:
    """The field, with the backend where there are several."""
    return f"{field}[{way.backend}]" if len(outcome.ways) > 1 else field


def _values(values: list[str]) -> str:
    return ", ".join(map(repr, values)) or "none"


# --- policy -----------------------------------------------------------------------------------


def _timeouts(field: str, wanted: TimeoutsPart, outcome: Outcome) -> Compared:
    got = outcome.told.get("timeouts", {})
    yield from _policy(f"{field}.request", wanted.request, got.get("request", "0s"))
    yield from _policy(f"{field}.backendRequest", wanted.backend_request, got.get("backendRequest", "0s"))


def _retry(field: str, wanted: RetryPart, outcome: Outcome) -> Compared:
    got = outcome.told.get("retry")
    if got is None:
        yield Difference(field, "retries", "none")
        return
    yield from _policy(f"{field}.backoff", wanted.backoff, got["backoff"])
    if wanted.attempts not in (None, got["attempts"]):
        yield Difference(f"{field}.attempts", str(wanted.attempts), str(got["attempts"]))
    if wanted.codes is not None and set(wanted.codes) != set(got["codes"]):
        yield Difference(f"{field}.codes", str(sorted(wanted.codes)), str(sorted(got["codes"])))


def _policy(field: str, wanted: str | None, got: str) -> Compared:
    """Durations are compared as such: 60s is 1m."""
    if wanted is not None and seconds(wanted) != seconds(got):
        yield Difference(field, written(seconds(wanted)), got)


EXPECTATIONS: Mapping[str, Callable[[str, Any, Outcome], Compared]] = {
    "no_match": _no_match,
    "route": _route,
    "rule": _rule,
    "match": _match,
    "listener": _listener,
    "status": _status,
    "location": _location,
    "backend": _backend,
    "backends": _backends,
    "path": _forwarded,
    "host": _forwarded,
    "headers": _headers,
    "response_headers": _headers,
    "mirrors": _mirrors,
    "timeouts": _timeouts,
    "retry": _retry,
}
"""The fields of Expectations, in their order."""
