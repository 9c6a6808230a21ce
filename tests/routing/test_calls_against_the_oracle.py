"""GRPCRoutes, translated and compiled, answer what the slow, literal matcher of calls answers."""

import random
from typing import Any

import pytest

from proxy.protocol.message import Headers
from proxy.resources.grpcroute import GRPCMethodMatch, GRPCRouteMatch
from proxy.resources.httproute import HTTPHeaderMatch
from proxy.routing import precedence
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import Entry, HostBucket, Rule
from proxy.translate.compile.routes import compile_match
from tests.oracle import calls as oracle

SERVICES = ["", "a.B", "a.Bc", "a", "x.Y"]
METHODS = ["", "Get", "GetAll", "G"]
SERVICE_PATTERNS = ["", "a[.].*", "a.*", ".*", "a|x[.]Y"]
METHOD_PATTERNS = ["", "Get.*", "G|Get", ".+"]
HOSTNAMES = [b"a.b", b"*.b", b"c.b"]
HEADERS = [("h1", "1"), ("h2", "1"), ("h3", "2")]
CREATED = ["", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]
NAMES = ["a-b/x", "a/x", "b/x"]


def some_match(rng: random.Random) -> oracle.Match:
    regex = rng.random() < 0.3
    services, methods = (SERVICE_PATTERNS, METHOD_PATTERNS) if regex else (SERVICES, METHODS)
    headers = tuple(rng.sample(HEADERS, rng.choice([0, 0, 1, 2])))
    return oracle.Match(rng.choice(services), rng.choice(methods), regex, headers)


def some_routes(rng: random.Random) -> list[oracle.Route]:
    return [
        oracle.Route(
            name,
            rng.choice(CREATED),
            tuple(rng.sample(HOSTNAMES, rng.choice([0, 0, 1, 2]))),
            tuple(
                tuple(some_match(rng) for _ in range(rng.choice([0, 1, 1, 3]))) for _ in range(rng.choice([1, 2, 4]))
            ),
        )
        for name in NAMES
    ]


def some_call(rng: random.Random) -> oracle.Call:
    service, method = rng.choice([*SERVICES[1:], "z.Z"]), rng.choice([*METHODS[1:], "Put"])
    headers = dict(rng.sample(HEADERS, rng.randrange(4)))
    return oracle.Call(rng.choice([b"a.b", b"c.b", b"d.b", b"e"]), service, method, headers)


def declared(match: oracle.Match) -> GRPCRouteMatch:
    kind: Any = "RegularExpression" if match.regex else "Exact"
    headers = tuple(HTTPHeaderMatch(name, value) for name, value in match.headers)
    return GRPCRouteMatch(GRPCMethodMatch(kind, match.service or None, match.method or None), headers)


def compiled(routes: list[oracle.Route]) -> ListenerTable[Rule]:
    buckets: dict[bytes, tuple[list[Rule], list[Entry]]] = {}
    for route in routes:
        for own in route.hostnames or (b"",):
            rules, entries = buckets.setdefault(own, ([], []))
            for index, matches in enumerate(route.rules):
                rules.append(Rule(route.name, index, kind="GRPCRoute", created=route.created))
                for n, match in enumerate(matches or (oracle.Match(),)):
                    entries.append(Entry(compile_match(declared(match)), len(rules) - 1, n, own))
    return ListenerTable(
        {
            hostname: HostTable.compile(HostBucket(hostname, tuple(rules), tuple(entries)), lambda rule: rule)
            for hostname, (rules, entries) in buckets.items()
        }
    )


def ours(table: ListenerTable[Rule], call: oracle.Call) -> tuple[str, int, int] | None:
    path = f"/{call.service}/{call.method}".encode()
    headers: Headers = [(name.encode(), value.encode()) for name, value in call.headers.items()]
    hit = table.match(call.host, path, b"POST", headers, None)
    return None if hit is None else (hit.rule.route, hit.rule.index, hit.match_index)


def differences(seed: int) -> tuple[int, int]:
    """(cases in which something answers, cases in which the two disagree)."""
    rng = random.Random(seed)
    answered = different = 0
    for _ in range(200):
        routes = some_routes(rng)
        table = compiled(routes)
        for _ in range(20):
            call = some_call(rng)
            expected = oracle.answer(routes, call)
            answered += expected is not None
            different += ours(table, call) != expected
    return answered, different


@pytest.mark.parametrize("seed", range(5))
def test_the_compiled_matcher_answers_as_the_oracle(seed: int) -> None:
    answered, different = differences(seed)
    assert 1000 < answered < 4000
    assert different == 0


def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "path_key", lambda match: (0, 0, 0))
    assert differences(0)[1]
