"""Dispatch: many entries on one path are found by value, and the order among them holds."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from proxy.routing.dispatch import FEW, Index, Node, Scan, build_node
from proxy.routing.hit import Headers, Hit
from proxy.routing.precedence import entry_key
from proxy.snapshot.route import Entry, RouteMatch, Rule, ValueMatch

if TYPE_CHECKING:
    from _typeshed import TraceFunction


def node(*matches: RouteMatch) -> Node[int]:
    """A node over matches in order of precedence; the rules are numbered as listed."""
    order = sorted(range(len(matches)), key=lambda n: entry_key(Entry(matches[n], 0, 0), Rule("ns/r", n)))
    return build_node([Hit(n, 0, matches[n], b"", 0) for n in order])


def header(name: bytes, value: bytes, regex: bool = False, method: bytes = b"") -> RouteMatch:
    return RouteMatch(method=method, headers=(ValueMatch(name, value, regex),))


def chosen(of: Node[int], headers: Headers, query: bytes | None = None, method: bytes = b"GET") -> int | None:
    hit = of.select(method, headers, query)
    return None if hit is None else hit.rule


def test_an_entry_without_conditions_is_its_own_hit() -> None:
    assert isinstance(node(RouteMatch()), Hit)


def test_a_few_entries_are_scanned() -> None:
    assert isinstance(node(*(header(b"x", b"%d" % n) for n in range(FEW))), Scan)


def test_what_stands_behind_an_entry_without_conditions_is_dropped() -> None:
    assert isinstance(node(*(RouteMatch() for _ in range(10))), Hit)


def test_a_thousand_entries_are_found_by_their_value() -> None:
    by_tenant = node(*(header(b"x-tenant", b"t%d" % n) for n in range(1000)), RouteMatch())
    assert isinstance(by_tenant, Index)
    assert chosen(by_tenant, [(b"x-tenant", b"t42")]) == 42
    assert chosen(by_tenant, [(b"x-tenant", b"none")]) == 1000
    assert chosen(by_tenant, []) == 1000


def test_the_rarest_condition_is_the_one_hashed() -> None:
    matches = [
        RouteMatch(method=b"GET", headers=(ValueMatch(b"x-env", b"prod"), ValueMatch(b"x-tenant", b"t%d" % n)))
        for n in range(100)
    ]
    index = node(*matches)
    assert isinstance(index, Index)
    assert (list(index.headers), index.methods, index.query) == ([b"x-tenant"], {}, {})
    fields = [(b"x-tenant", b"t7"), (b"x-env", b"prod")]
    assert chosen(index, fields) == 7
    assert chosen(index, fields, method=b"PUT") is None
    assert chosen(index, fields[:1]) is None


def test_many_entries_that_share_a_value_are_told_apart_by_the_next_name() -> None:
    matches = [
        RouteMatch(headers=(ValueMatch(b"a", b"%d" % (n % 30)), ValueMatch(b"b", b"%d" % (n // 30))))
        for n in range(900)
    ]
    index = node(*matches)
    assert [chosen(index, [(b"a", b"%d" % (n % 30)), (b"b", b"%d" % (n // 30))]) for n in range(900)] == list(
        range(900)
    )


def test_patterns_and_values_keep_their_order() -> None:
    """Two headers go before one, and of those with one the earlier rule, whether value or pattern."""
    values = [header(b"x", b"v%d" % n) for n in range(20)]
    index = node(
        header(b"x", b"v[0-4]", regex=True),
        *values,
        header(b"x", b".*", regex=True),
        RouteMatch(headers=(ValueMatch(b"x", b"v3"), ValueMatch(b"y", b"1"))),
        RouteMatch(),
    )
    assert chosen(index, [(b"x", b"v3")]) == 0
    assert chosen(index, [(b"x", b"v3"), (b"y", b"1")]) == 22
    assert chosen(index, [(b"x", b"v5")]) == 6
    assert chosen(index, [(b"x", b"other")]) == 21
    assert chosen(index, []) == 23


def test_of_several_names_the_best_entry_wins_whichever_is_looked_at_first() -> None:
    names = [b"a", b"b", b"c", b"d", b"e", b"f", b"g"]
    index = node(*(header(name, b"1") for name in names), RouteMatch(query=(ValueMatch(b"q", b"1"),)))
    for first in range(len(names)):
        fields = [(name, b"1") for name in reversed(names[first:])]
        assert chosen(index, fields, b"q=1") == first
    assert chosen(index, [(b"z", b"1")], b"z=1&q=1") == len(names)
    assert chosen(index, [(b"z", b"1")], b"q=2") is None


def test_many_parameters_are_found_whether_the_table_or_the_request_has_more_names() -> None:
    by_name = node(*(RouteMatch(query=(ValueMatch(b"p%d" % n, b"1"),)) for n in range(50)))
    assert chosen(by_name, [], b"x=1&p7=1") == 7
    by_value = node(*(RouteMatch(query=(ValueMatch(b"p", b"%d" % n),)) for n in range(50)))
    assert chosen(by_value, [], b"a=1&b=2&p=7") == 7
    assert chosen(by_value, [], None) is None


def test_methods_alone_are_hashed_too() -> None:
    methods = [b"GET", b"PUT", b"POST", b"HEAD", b"DELETE", b"PATCH"]
    index = node(*(RouteMatch(method=method) for method in methods))
    assert [chosen(index, [], method=method) for method in methods] == list(range(6))
    assert chosen(index, [], method=b"TRACE") is None


def test_only_patterns_are_scanned() -> None:
    scan = node(*(header(b"x", b"%d+" % n, regex=True) for n in range(10)))
    assert isinstance(scan, Scan)
    assert chosen(scan, [(b"x", b"77")]) == 7


def test_repeated_headers_are_looked_up_joined() -> None:
    index = node(*(header(b"x", b"%d,%d" % (n, n)) for n in range(10)))
    assert chosen(index, [(b"x", b"3"), (b"y", b""), (b"x", b"3")]) == 3
    assert chosen(index, [(b"x", b"3")]) is None


def steps(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs: a measure of work that no busy machine disturbs."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> "TraceFunction":
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "match",
    [
        lambda n: header(b"x-tenant", b"t%d" % n),
        lambda n: header(b"x-%d" % n, b"1"),
        lambda n: RouteMatch(query=(ValueMatch(b"q", b"%d" % n),)),
        lambda n: RouteMatch(query=(ValueMatch(b"q%d" % n, b"1"),)),
        lambda n: RouteMatch(method=b"GET", headers=(ValueMatch(b"a", b"1"), ValueMatch(b"b", b"%d" % n))),
    ],
)
def test_the_work_does_not_grow_with_the_number_of_entries(match: Callable[[int], RouteMatch]) -> None:
    fields = [(b"a", b"1"), (b"b", b"9"), (b"x-tenant", b"t9"), (b"x-9", b"1")]
    query = b"q=9&q9=1"
    small, large = (node(*map(match, range(size))) for size in (20, 5000))
    assert chosen(large, fields, query) == chosen(small, fields, query) == 9
    work = [steps(lambda which=which: chosen(which, fields, query)) for which in (small, large)]  # type: ignore[misc]
    assert work[0] == work[1]
