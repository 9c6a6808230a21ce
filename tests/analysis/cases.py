"""Pairs of small configurations, each of which one mistake would get wrong; and single ones with something dead."""

from proxy.snapshot.route import RouteMatch, ValueMatch
from tests.analysis.small import Small, SmallRoute, SmallRule

AGES = ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z")


def at(
    path: bytes = b"/", kind: str = "prefix", method: bytes = b"", h: bytes = b"", i: bytes = b"", p: bytes = b""
) -> RouteMatch:
    """A match; `h`, `i` and `p` are the values of these headers and of this parameter, `~` before a pattern."""
    headers = tuple(_value(name, value) for name, value in ((b"h", h), (b"i", i)) if value)
    return RouteMatch(path, kind, method, headers, (_value(b"p", p),) if p else ())  # type: ignore[arg-type]


def _value(name: bytes, value: bytes) -> ValueMatch:
    return ValueMatch(name, value.removeprefix(b"~"), value.startswith(b"~"))


def route(
    *rules: tuple[str, RouteMatch],
    name: str = "r",
    hostnames: tuple[bytes, ...] = (),
    age: str = "",
    listener: int = -1,
) -> SmallRoute:
    """Rules of one match each: (backend, match)."""
    made = tuple(SmallRule(backend, (match,)) for backend, match in rules)
    return SmallRoute(listener, f"default/{name}", age, hostnames, made)


def one(*routes: SmallRoute, listeners: tuple[bytes, ...] = (b"",)) -> Small:
    return Small(listeners, routes)


PAIRS: dict[str, tuple[Small, Small]] = {
    "a rule below a better one": (
        one(route(("m", at(b"/a")), ("n", at()))),
        one(route(("m", at(b"/a")), ("o", at()))),
    ),
    "a better rule comes": (
        one(route(("n", at()))),
        one(route(("n", at()), ("m", at(b"/a", method=b"POST", h=b"1")))),
    ),
    "a rule goes, and the prefix above answers": (
        one(route(("m", at(b"/a/b", "exact")), ("n", at(b"/a")), ("o", at()))),
        one(route(("n", at(b"/a")), ("o", at()))),
    ),
    "what was hidden stays hidden": (
        one(route(("m", at(h=b"1")), ("n", at(h=b"1")))),
        one(route(("m", at(h=b"1")), ("o", at(h=b"1")))),
    ),
    "a change under two better rules": (
        one(route(("m", at(method=b"GET")), ("n", at(h=b"1")), ("o", at(p=b"1")))),
        one(route(("m", at(method=b"GET")), ("n", at(h=b"1")), ("m", at(p=b"1")))),
    ),
    "only the ages change": (
        one(route(("m", at(h=b"1")), name="r", age=AGES[0]), route(("n", at(i=b"1")), name="s", age=AGES[1])),
        one(route(("m", at(h=b"1")), name="r", age=AGES[1]), route(("n", at(i=b"1")), name="s", age=AGES[0])),
    ),
    "a whole host comes": (
        one(route(("m", at(b"/a")))),
        one(route(("m", at(b"/a"))), route(("n", at(b"/b")), name="s", hostnames=(b"x.a.b",))),
    ),
    "a host that stays, and the one above it changes": (
        one(route(("m", at(b"/a")), hostnames=(b"x.a.b",)), route(("n", at()), name="s", hostnames=(b"*.a.b",))),
        one(route(("m", at(b"/a")), hostnames=(b"x.a.b",)), route(("o", at()), name="s", hostnames=(b"*.a.b",))),
    ),
    "a specific host no longer hides the general one": (
        one(route(("m", at()), hostnames=(b"x.a.b",)), route(("n", at(b"/a")), name="s")),
        one(route(("m", at(b"/b")), hostnames=(b"x.a.b",)), route(("n", at(b"/a")), name="s")),
    ),
    "a listener takes hosts away": (
        one(route(("m", at()), listener=0), listeners=(b"",)),
        one(route(("m", at()), listener=0), listeners=(b"", b"*.a.b")),
    ),
    "a route goes": (one(route(("m", at(b"/a")))), one()),
    "a prefix changes, what is below it stays": (
        one(route(("m", at(b"/a/b")), ("n", at(b"/a/b", "exact")), ("o", at(b"/a")))),
        one(route(("m", at(b"/a/b")), ("n", at(b"/a/b", "exact")), ("m", at(b"/a")))),
    ),
    "a removed prefix above many": (
        one(route(("m", at(b"/a/b", method=b"GET")), ("n", at(b"/a")))),
        one(route(("m", at(b"/a/b", method=b"GET")))),
    ),
}
"""Without regular expressions."""

PATTERNS: dict[str, tuple[Small, Small]] = {
    "a pattern before a prefix": (
        one(route(("m", at(b"/a.*", "regex")), ("n", at()))),
        one(route(("m", at(b"/a.*", "regex")), ("o", at()))),
    ),
    "a pattern comes": (
        one(route(("n", at()))),
        one(route(("n", at()), ("m", at(b"/a/[a-z]+", "regex")))),
    ),
    "a pattern takes what the plainest request would be": (
        one(route(("m", at(b"/a(/?|/x)", "regex")), ("n", at(b"/a")))),
        one(route(("m", at(b"/a(/?|/x)", "regex")), ("o", at(b"/a")))),
    ),
    "two patterns that overlap": (
        one(route(("m", at(b"/a.*", "regex")), ("n", at(b"/[ab].?.?.?", "regex")))),
        one(route(("m", at(b"/a.*", "regex")), ("o", at(b"/[ab].?.?.?", "regex")))),
    ),
    "a value by pattern, and a better one by value": (
        one(route(("m", at(h=b"1", i=b"1")), ("n", at(h=b"~[12]")))),
        one(route(("m", at(h=b"1", i=b"1")), ("o", at(h=b"~[12]")))),
    ),
    "a value by pattern of which another takes a part": (
        one(route(("m", at(h=b"~1", p=b"1")), ("n", at(h=b"~[12]", p=b"1")), name="a")),
        one(route(("m", at(h=b"~1", p=b"1")), ("o", at(h=b"~[12]", p=b"1")), name="a")),
    ),
}

DEAD: dict[str, tuple[Small, set[tuple[str, int, int]]]] = {
    "an equal of later age": (
        one(route(("m", at()), name="r", age=AGES[1]), route(("n", at()), name="s", age=AGES[0])),
        {("HTTPRoute default/r", 0, 0)},
    ),
    "the same prefix with a slash goes first": (
        one(route(("m", at(b"/a", method=b"GET")), ("n", at(b"/a/")))),
        {("HTTPRoute default/r", 0, 0)},
    ),
    "the same path, and more is asked": (one(route(("m", at(b"/a")), ("n", at(b"/a", h=b"1")))), set()),
    "a wider own hostname": (
        one(
            route(("m", at()), name="r", hostnames=(b"*.a.b",)),
            route(("n", at(b"/a")), name="s"),
            listeners=(b"*.a.b",),
        ),
        {("HTTPRoute default/s", 0, 0)},
    ),
    "alive on one host": (
        one(
            route(("m", at()), name="r", hostnames=(b"x.a.b",), age=AGES[0]),
            route(("n", at()), name="s", hostnames=(b"x.a.b", b"y.a.b"), age=AGES[1]),
        ),
        set(),
    ),
    "a listener of its own takes the host": (
        one(route(("m", at()), hostnames=(b"x.a.b",), listener=0), listeners=(b"", b"x.a.b")),
        {("HTTPRoute default/r", 0, 0)},
    ),
    "one pattern for all": (
        one(route(("m", at(b"/.*", "regex")), ("n", at(b"/a")))),
        {("HTTPRoute default/r", 1, 0)},
    ),
    "two patterns together": (
        one(route(("m", at(h=b"~1|2")), ("n", at(h=b"~[2-3]")), ("o", at(h=b"~[123]")))),
        {("HTTPRoute default/r", 2, 0)},
    ),
    "a value that a pattern takes": (
        one(route(("m", at(h=b"~[0-9]+")), ("n", at(h=b"1")))),
        {("HTTPRoute default/r", 1, 0)},
    ),
    "an exact path goes before patterns": (one(route(("m", at(b"/.*", "regex")), ("n", at(b"/a", "exact")))), set()),
}
"""With what is dead."""
