"""The compiled tables answer what the slow, literal matcher answers: tens of thousands of random cases.

Everything is drawn from small alphabets, so that hostnames nest, paths collide and ties are common.
"""

import random
from collections.abc import Callable, Iterator

import pytest

from proxy.routing import precedence
from proxy.routing import table as table_module
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import Entry, HostBucket, PathKind, RouteMatch, Rule, ValueMatch
from proxy.translate.graph.hostnames import intersect
from tests.oracle import matcher as oracle

LISTENERS = [b"", b"", b"*.a.b", b"*.b", b"x.a.b"]
HOSTNAMES = [b"x.a.b", b"y.a.b", b"*.a.b", b"*.b", b"*.x.a.b", b"a.b", b"b"]
HOSTS = [b"x.a.b", b"y.a.b", b"z.a.b", b"q.x.a.b", b"a.b", b"c.b", b"b", b"", b"other", b".a.b"]
PATHS = [b"/", b"/a", b"/a/", b"/a/b", b"/a/b/", b"/a/b/c", b"/b", b"/ab", b"/a//b", b"/a/bb"]
REQUEST_PATHS = [*PATHS, *PATHS, b"/a/b/c/d", b"/a//", b"//a", b"*", b"/c", b"/ab/a"]
REGEXES = [
    b"/a.*",
    b"/[ab]",
    b"/a/[a-z]+",
    b"/(a|b)/?",
    b"/.",
    b"/ab?",
    b"/b?/?",
    b".*",
    b"/a/b|/b",
    b"^/a/b$",
]
METHODS = [b"", b"", b"", b"GET", b"POST"]
NAMES = [b"h1", b"h2", b"h3", b"host"]
VALUES = [b"1", b"1", b"2", b"1,2"]
VALUE_REGEXES = [b"[12]", b".*", b"1.*", b"[0-9](,[0-9])*"]
PARAMETERS = [b"p", b"q", b"a b", b"\xc3\xa9"]
QUERIES = [
    None,
    b"q=1&p=1&a+b=1",
    b"p=1",
    b"q=1",
    b"p=1",
    b"p=2&p=1",
    b"q=1&p=1",
    b"p=%31",
    b"a+b=1&q=2",
    b"a%20b=2",
    b"%C3%A9=3",
    b"p",
    b"&&p=3&",
]
CREATED = ["", "", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]
NAMESPACED = ["a-b/x", "a/x", "a/y", "b/x", "b/z"]

Answer = tuple[str, int, int] | None


def some_values(rng: random.Random, names: list[bytes]) -> tuple[ValueMatch, ...]:
    chosen = rng.sample(names, rng.choice([0, 0, 0, 0, 1, 1, 2, 3]))
    return tuple(
        ValueMatch(name, rng.choice(VALUE_REGEXES), regex=True)
        if rng.random() < 0.2
        else ValueMatch(name, rng.choice(VALUES))
        for name in chosen
    )


def some_match(rng: random.Random, paths: list[bytes]) -> RouteMatch:
    kind: PathKind = rng.choice(["exact", "prefix", "prefix", "regex"])
    path = rng.choice(REGEXES if kind == "regex" else paths)
    return RouteMatch(path, kind, rng.choice(METHODS), some_values(rng, NAMES), some_values(rng, PARAMETERS))


def some_routes(rng: random.Random) -> list[oracle.Route]:
    """One to forty matches; few paths make leaves that are indexed, few different matches make ties."""
    paths = rng.sample(PATHS, rng.choice([1, 2, len(PATHS)]))
    pool = [some_match(rng, paths) for _ in range(rng.choice([3, 10, 40]))]
    routes, left = [], rng.choice([1, 5, 10, 20, 40, 40])
    for name in rng.sample(NAMESPACED, len(NAMESPACED)):
        created = rng.choice(CREATED)
        rules: list[tuple[Rule, tuple[RouteMatch, ...]]] = []
        while left > 0 and rng.random() < 0.9:
            matches = tuple(rng.choice(pool) for _ in range(min(left, rng.choice([1, 1, 2, 5]))))
            left -= len(matches)
            rules.append((Rule(name, len(rules), created=created), matches))
        hostnames = tuple(rng.sample(HOSTNAMES, rng.choice([0, 0, 0, 1, 2])))
        routes.append(oracle.Route(hostnames, tuple(rules)))
    return routes


def some_request(rng: random.Random) -> oracle.Request:
    host = rng.choice(HOSTS)
    headers = [(rng.choice(NAMES[:3]), rng.choice(VALUES)) for _ in range(rng.randrange(5))]
    headers.insert(0, (b"host", rng.choice([*VALUES, host])))
    return oracle.Request(host, rng.choice(REQUEST_PATHS), rng.choice(METHODS[3:]), headers, rng.choice(QUERIES))


def compile_routes(listener: bytes, routes: list[oracle.Route]) -> ListenerTable[Rule]:
    """As translation does: a route's entries stand under each hostname that it and the listener share."""
    buckets: dict[bytes, tuple[list[Rule], list[Entry]]] = {}
    for route in routes:
        for own in route.hostnames or (b"",):
            common = intersect(listener, own)
            if common is None:
                continue
            rules, entries = buckets.setdefault(common, ([], []))
            for rule, matches in route.rules:
                rules.append(rule)
                entries += [Entry(match, len(rules) - 1, n, own) for n, match in enumerate(matches)]
    return ListenerTable(
        {
            hostname: HostTable.compile(HostBucket(hostname, tuple(rules), tuple(entries)), lambda rule: rule)
            for hostname, (rules, entries) in buckets.items()
        }
    )


def compared(seed: int, tables: int, requests: int) -> Iterator[tuple[Answer, Answer, str]]:
    """Our answer and the oracle's for every request that one of the listeners gets, and the whole case in words."""
    rng = random.Random(seed)
    for _ in range(tables):
        listener, routes = rng.choice(LISTENERS), some_routes(rng)
        table = compile_routes(listener, routes)
        for _ in range(requests):
            request = some_request(rng)
            if oracle.host_matches(listener, request.host):
                hit = table.match(*request)
                ours = None if hit is None else (hit.rule.route, hit.rule.index, hit.match_index)
                yield ours, oracle.answer(listener, routes, request), f"{listener!r} {routes} {request}"


@pytest.mark.parametrize("seed", range(10))
def test_the_compiled_matcher_answers_as_the_oracle(seed: int) -> None:
    cases = 0
    for ours, theirs, case in compared(seed, tables=300, requests=20):
        assert ours == theirs, case
        cases += 1
    assert cases > 3000  # for each of ten seeds


FAULTS: dict[str, Callable[..., tuple[object, ...]]] = {
    "host_key": lambda hostname: (0, 0),
    "path_key": lambda match: (0, 0),
    "condition_key": lambda match: (match.method == b"", 0, -len(match.query)),
    "tie_key": lambda rule, match_index: (rule.created, *rule.route.split("/"), rule.index, match_index),
}
"""Hostnames not ranked, longer paths not preferred, headers not counted, names compared in two parts."""


@pytest.mark.parametrize("step", FAULTS)
def test_a_planted_fault_is_found(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (precedence, table_module):
        if hasattr(module, step):
            monkeypatch.setattr(module, step, FAULTS[step])
    assert any(ours != theirs for ours, theirs, _ in compared(0, tables=500, requests=20))


def test_the_cases_reach_what_they_should() -> None:
    """Most tables answer, some do not, and every step of precedence decides somewhere."""
    rng = random.Random(1)
    decided, answered = set(), 0
    for _ in range(500):
        listener, routes = b"", some_routes(rng)
        for _ in range(10):
            request = some_request(rng)
            keys = sorted(
                oracle.key(listener, own, match, rule, index)
                for route in routes
                for own in route.hostnames or (b"",)
                if oracle.host_matches(own, request.host)
                for rule, matches in route.rules
                for index, match in enumerate(matches)
                if oracle.takes(match, request)
            )
            answered += bool(keys)
            if len(keys) > 1:
                decided.add(next(n for n, pair in enumerate(zip(*keys[:2], strict=True)) if pair[0] != pair[1]))
    assert 0.2 < answered / 5000 < 0.95
    assert decided == set(range(11)) - {1}  # without a listener hostname, common and own are the same
