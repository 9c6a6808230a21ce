"""Small configurations whose requests can be counted, and the literal answer to each of those requests.

A configuration is declared as a user would and goes through the whole translation. What answers a request is
worked out once more by tests.oracle.matcher, from the declaration and by the text of the Gateway API alone.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec import convert

from proxy.resources.kinds import KINDS
from proxy.resources.meta import Resource
from proxy.resources.store import ResourceSet
from proxy.snapshot.route import PathKind, RouteMatch, Rule, ValueMatch
from proxy.snapshot.snapshot import Snapshot
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.oracle import matcher as oracle

quick = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

NOT_FOUND = "404"
FAILS = "500"

_TYPES: dict[PathKind, str] = {"exact": "Exact", "prefix": "PathPrefix", "regex": "RegularExpression"}


class SmallRule(NamedTuple):
    """What it sends to, "" for nowhere, and what it takes."""

    backend: str
    matches: tuple[RouteMatch, ...]


class SmallRoute(NamedTuple):
    """An HTTPRoute."""

    listener: int
    """The number of the one it attaches to, counted around; -1: to all."""
    name: str
    created: str
    hostnames: tuple[bytes, ...]
    rules: tuple[SmallRule, ...]


class Small(NamedTuple):
    """One port with its listeners, and routes."""

    listeners: tuple[bytes, ...]
    routes: tuple[SmallRoute, ...]

    def answer(self, request: oracle.Request) -> str:
        """The name of a backend, or a status."""
        taking = [hostname for hostname in self.listeners if oracle.host_matches(hostname, request.host)]
        if not taking:
            return NOT_FOUND
        listener = min(taking, key=oracle.specificity)
        won = oracle.answer(listener, self._attached(listener), request)
        if won is None:
            return NOT_FOUND
        rules = {route.name: route.rules for route in self.routes}
        return rules[won[0]][won[1]].backend or FAILS

    def _attached(self, listener: bytes) -> list[oracle.Route]:
        at = self.listeners.index(listener)
        return [_literal(route) for route in self.routes if route.listener == -1 or self._number(route) == at]

    def _number(self, route: SmallRoute) -> int:
        return route.listener % len(self.listeners)

    def winners(self, host: bytes) -> list[tuple[str, int, int] | None]:
        """The winner of each of QUESTIONS at this host: the literal matcher's, its keys sorted once for all."""
        taking = [hostname for hostname in self.listeners if oracle.host_matches(hostname, host)]
        if not taking:
            return [None] * len(QUESTIONS)
        listener = min(taking, key=oracle.specificity)
        ranked = sorted(
            (oracle.key(listener, own, match, rule, index), match, (rule.owner, rule.index, index))
            for route in self._attached(listener)
            for own in route.hostnames or (b"",)
            if oracle.host_matches(own, host)
            for rule, matches in route.rules
            for index, match in enumerate(matches)
        )
        won: list[tuple[str, int, int] | None] = [None] * len(QUESTIONS)
        for _, match, entry in reversed(ranked):
            for question in taken(match):
                won[question] = entry
        return won

    def answers(self, host: bytes) -> list[str]:
        """The answer to each of QUESTIONS at this host."""
        rules = {f"HTTPRoute {route.name}": route.rules for route in self.routes}
        return [NOT_FOUND if one is None else rules[one[0]][one[1]].backend or FAILS for one in self.winners(host)]

    def translation(self) -> Translation:
        return translate(ResourceSet(list(self._declared())), TranslateSettings())

    def snapshot(self) -> Snapshot:
        return self.translation().snapshot

    def _declared(self) -> Iterator[Resource]:
        listeners = [
            {"name": f"l{number}", "protocol": "HTTP", "port": 80} | ({"hostname": name.decode()} if name else {})
            for number, name in enumerate(self.listeners)
        ]
        yield _object("Gateway", "web", {"gatewayClassName": "penstock", "listeners": listeners})
        for backend in sorted({rule.backend for route in self.routes for rule in route.rules} - {""}):
            yield _object("Backend", backend, {"endpoints": [{"host": "127.0.0.1", "port": 9000}]})
        for route in self.routes:
            parent = {"name": "web"} | ({} if route.listener == -1 else {"sectionName": f"l{self._number(route)}"})
            spec: dict[str, Any] = {"parentRefs": [parent], "rules": [_rule(rule) for rule in route.rules]}
            if route.hostnames:
                spec["hostnames"] = [name.decode() for name in route.hostnames]
            yield _object("HTTPRoute", route.name.partition("/")[2], spec, route.created)


def _object(kind: str, name: str, spec: dict[str, Any], created: str = "") -> Resource:
    group = "penstock.dev" if kind == "Backend" else "gateway.networking.k8s.io"
    meta: dict[str, Any] = {"name": name, "namespace": "default"}
    if created:
        meta["creationTimestamp"] = created
    value = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": meta, "spec": spec}
    return convert(value, KINDS[group, kind].model)


def _rule(rule: SmallRule) -> dict[str, Any]:
    declared: dict[str, Any] = {"matches": [_match(match) for match in rule.matches]}
    if rule.backend:
        declared["backendRefs"] = [{"group": "penstock.dev", "kind": "Backend", "name": rule.backend}]
    return declared


def _match(match: RouteMatch) -> dict[str, Any]:
    declared: dict[str, Any] = {"path": {"type": _TYPES[match.path_kind], "value": match.path.decode()}}
    if match.method:
        declared["method"] = match.method.decode()
    for field, asked in (("headers", match.headers), ("queryParams", match.query)):
        if asked:
            declared[field] = [
                {
                    "type": "RegularExpression" if one.regex else "Exact",
                    "name": one.name.decode(),
                    "value": one.value.decode(),
                }
                for one in asked
            ]
    return declared


def _literal(route: SmallRoute) -> oracle.Route:
    rules = tuple(
        (Rule(route.name, index, created=route.created), rule.matches) for index, rule in enumerate(route.rules)
    )
    return oracle.Route(route.hostnames, rules)


# --- requests ---------------------------------------------------------------------------------

HOSTNAMES = [b"x.a.b", b"y.a.b", b"*.a.b", b"*.b", b"*.x.a.b"]
HOSTS = [b"x.a.b", b"y.a.b", b"z.a.b", b"q.x.a.b", b"a.b", b"c.b", b"other"]
PATHS = [b"/", b"/a", b"/a/", b"/a/b", b"/b", b"/ab"]
REQUEST_PATHS = [*PATHS, b"/a/b/c", b"/a/c", b"/c", b"/ab/a", b"/b/c"]
REGEXES = [b"/a.*", b"/[ab]", b"/a/[a-z]+", b"/(a|b)/?", b"/.", b".*", b"/a/b|/b", b"/[^a]*", b"/c"]
METHODS = [b"GET", b"POST", b"PUT"]
NAMES = [b"h", b"i"]
VALUES = [b"1", b"2"]
VALUE_REGEXES = [b"[12]", b".*", b"1", b"[^1]", b"2|3"]
HEADERS = [
    [(name, value) for name, value in zip(NAMES, chosen, strict=True) if value]
    for chosen in product([b"", *VALUES, b"3"], [b"", *VALUES])
]
QUERIES = [None, b"p=1", b"p=2", b"p=3"]


QUESTIONS = [
    oracle.Request(b"", path, method, headers, query)
    for path, method, headers, query in product(REQUEST_PATHS, METHODS, HEADERS, QUERIES)
]
"""With any of HOSTS: every request there is, as far as these configurations can tell them apart, and some more."""


@cache
def taken(match: RouteMatch) -> list[int]:
    """Which of QUESTIONS a match takes: those that it takes for their path, and for their method, and so on."""
    path, method = RouteMatch(match.path, match.path_kind), RouteMatch(method=match.method)
    headers, query = RouteMatch(headers=match.headers), RouteMatch(query=match.query)
    chosen = product(
        [at for at, value in enumerate(REQUEST_PATHS) if oracle.takes(path, PLAIN._replace(path=value))],
        [at for at, value in enumerate(METHODS) if oracle.takes(method, PLAIN._replace(method=value))],
        [at for at, value in enumerate(HEADERS) if oracle.takes(headers, PLAIN._replace(headers=value))],
        [at for at, value in enumerate(QUERIES) if oracle.takes(query, PLAIN._replace(query=value))],
    )
    return [((a * len(METHODS) + b) * len(HEADERS) + c) * len(QUERIES) + d for a, b, c, d in chosen]


PLAIN = oracle.Request(b"", b"/", b"GET", [], None)

# --- strategies -------------------------------------------------------------------------------

CREATED = st.sampled_from(["", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"])


def configurations(*, regexes: bool) -> st.SearchStrategy[Small]:
    return st.builds(
        Small,
        listeners=st.lists(st.sampled_from([b"", *HOSTNAMES]), min_size=1, max_size=3, unique=True).map(tuple),
        routes=_routes(regexes),
    )


def pairs(*, regexes: bool) -> st.SearchStrategy[tuple[Small, Small]]:
    """Either both by themselves, or the second made of the first by a few edits, as users do."""
    alone = configurations(regexes=regexes)
    edited = st.tuples(alone, st.lists(_edits(regexes), min_size=0, max_size=2)).map(lambda given: _edited(*given))
    return st.one_of(edited, edited, st.tuples(alone, alone))


def _values(names: list[bytes], regexes: bool) -> st.SearchStrategy[tuple[ValueMatch, ...]]:
    plain = st.sampled_from(VALUES).map(lambda value: (value, False))
    asked = st.one_of(plain, st.sampled_from(VALUE_REGEXES).map(lambda value: (value, True))) if regexes else plain
    return st.dictionaries(st.sampled_from(names), asked, max_size=len(names)).map(
        lambda found: tuple(ValueMatch(name, *value) for name, value in sorted(found.items()))
    )


def _matches(regexes: bool) -> st.SearchStrategy[RouteMatch]:
    kinds: list[PathKind] = ["exact", "prefix", "prefix", "regex"] if regexes else ["exact", "prefix", "prefix"]
    paths = st.sampled_from(kinds).flatmap(
        lambda kind: st.tuples(st.sampled_from(REGEXES if kind == "regex" else PATHS), st.just(kind))
    )
    nothing: st.SearchStrategy[tuple[ValueMatch, ...]] = st.just(())
    return st.builds(
        lambda path, method, headers, query: RouteMatch(path[0], path[1], method, headers, query),
        paths,
        st.sampled_from([b"", b"", b"GET", b"POST"]),
        st.one_of(nothing, _values(NAMES, regexes)),
        st.one_of(nothing, _values([b"p"], regexes)),
    )


def _rules(regexes: bool) -> st.SearchStrategy[SmallRule]:
    matches = st.lists(_matches(regexes), min_size=1, max_size=2).map(tuple)
    return st.builds(SmallRule, st.sampled_from(["m", "n", "o", ""]), matches)


def _routes(regexes: bool) -> st.SearchStrategy[tuple[SmallRoute, ...]]:
    route = st.builds(
        SmallRoute,
        listener=st.sampled_from([-1, -1, 0, 1]),
        name=st.sampled_from(["default/r", "default/s", "default/t"]),
        created=CREATED,
        hostnames=st.lists(st.sampled_from(HOSTNAMES), max_size=2, unique=True).map(tuple),
        rules=st.lists(_rules(regexes), min_size=1, max_size=3).map(tuple),
    )
    return st.lists(route, max_size=3, unique_by=lambda one: one.name).map(tuple)


def _edits(regexes: bool) -> st.SearchStrategy[tuple[str, int, Any]]:
    where = st.integers(0, 8)
    return st.one_of(
        st.tuples(st.just("backend"), where, st.sampled_from(["m", "n", "o", ""])),
        st.tuples(st.just("matches"), where, st.lists(_matches(regexes), min_size=1, max_size=2).map(tuple)),
        st.tuples(st.just("drop"), where, st.none()),
        st.tuples(st.just("rename"), where, st.none()),
        st.tuples(
            st.just("hostnames"), where, st.lists(st.sampled_from(HOSTNAMES), max_size=2, unique=True).map(tuple)
        ),
        st.tuples(st.just("listeners"), where, st.sampled_from([b"", *HOSTNAMES])),
        st.tuples(st.just("split"), where, st.none()),
        st.tuples(st.just("reverse"), where, st.none()),
        st.tuples(st.just("created"), where, CREATED),
    )


def _edited(small: Small, edits: list[tuple[str, int, Any]]) -> tuple[Small, Small]:
    after = small
    for what, at, value in edits:
        after = _edit(after, what, at, value)
    return small, after


def _edit(small: Small, what: str, at: int, value: Any) -> Small:
    if what == "listeners":
        return small if value in small.listeners else small._replace(listeners=(*small.listeners, value))
    if not small.routes:
        return small
    number = at % len(small.routes)
    before, route, after = small.routes[:number], small.routes[number], small.routes[number + 1 :]
    if what == "rename":
        route = route._replace(name=route.name + "x")
    elif what in ("hostnames", "created"):
        route = route._replace(**{what: value})
    elif what == "reverse":
        route = route._replace(rules=route.rules[::-1])
    else:
        rules = list(route.rules)
        place = at % len(rules)
        if what == "drop":
            del rules[place]
        elif what == "split":
            rules[place : place + 1] = [rules[place]._replace(matches=(match,)) for match in rules[place].matches]
        else:
            rules[place] = rules[place]._replace(**{what: value})
        route = route._replace(rules=tuple(rules))
    kept = (route,) if route.rules else ()
    return small._replace(routes=(*before, *kept, *after))
