"""Conditions: how method, headers and query parameters are read and compared."""

import pytest

from proxy.routing.conditions import equalities, header_value, hold, patterns, query_values
from proxy.snapshot.route import RouteMatch, ValueMatch


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (b"a=1&b=2", {b"a": b"1", b"b": b"2"}),
        (b"a=1&a=2", {b"a": b"1"}),
        (b"a", {b"a": b""}),
        (b"a=", {b"a": b""}),
        (b"=1", {b"": b"1"}),
        (b"a=b=c", {b"a": b"b=c"}),
        (b"&&a=1&", {b"a": b"1"}),
        (b"a+b=c+d", {b"a b": b"c d"}),
        (b"a%20b=%2B", {b"a b": b"+"}),
        (b"caf%C3%A9=%c3%a9", {b"caf\xc3\xa9": b"\xc3\xa9"}),
        (b"a=%zz%4", {b"a": b"%zz%4"}),
        (b"a=1;b=2", {b"a": b"1;b=2"}),
        (b"ANIMAL=Whale&animal=bear", {b"ANIMAL": b"Whale", b"animal": b"bear"}),
    ],
)
def test_a_query_is_form_data_and_the_first_value_counts(query: bytes, values: dict[bytes, bytes]) -> None:
    assert query_values(query) == values


def test_repeated_headers_are_joined_with_commas() -> None:
    fields = [(b"x", b"1"), (b"y", b"2"), (b"x", b"3")]
    assert (header_value(fields, b"x"), header_value(fields, b"y"), header_value(fields, b"z")) == (b"1,3", b"2", None)


FIELDS = [(b"host", b"a.example.com:8080"), (b"x-env", b"prod"), (b"x-env", b"eu"), (b"empty", b"")]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (RouteMatch(), True),
        (RouteMatch(method=b"GET"), True),
        (RouteMatch(method=b"HEAD"), False),
        (RouteMatch(headers=(ValueMatch(b"x-env", b"prod,eu"),)), True),
        (RouteMatch(headers=(ValueMatch(b"x-env", b"prod"),)), False),
        (RouteMatch(headers=(ValueMatch(b"x-env", b"PROD,EU"),)), False),
        (RouteMatch(headers=(ValueMatch(b"x-env", b"prod.*", True),)), True),
        (RouteMatch(headers=(ValueMatch(b"x-env", b"prod", True),)), False),
        (RouteMatch(headers=(ValueMatch(b"absent", b".*", True),)), False),
        (RouteMatch(headers=(ValueMatch(b"empty", b".*", True),)), True),
        (RouteMatch(headers=(ValueMatch(b"host", b"a.example.com:8080"),)), True),
        (RouteMatch(query=(ValueMatch(b"p", b"1"),)), True),
        (RouteMatch(query=(ValueMatch(b"p", b"2"),)), False),
        (RouteMatch(query=(ValueMatch(b"p", b"[0-9]", True), ValueMatch(b"q", b"a b"))), True),
        (RouteMatch(method=b"GET", headers=(ValueMatch(b"empty", b""),), query=(ValueMatch(b"z", b"1"),)), False),
    ],
)
def test_all_conditions_must_hold(match: RouteMatch, expected: bool) -> None:
    query = b"p=1&p=2&q=a+b"
    assert hold(equalities(match), patterns(match), b"GET", FIELDS, query) is expected


def test_without_a_query_no_parameter_is_there() -> None:
    match = RouteMatch(query=(ValueMatch(b"p", b".*", True),))
    assert not hold(equalities(match), patterns(match), b"GET", [], None)
    assert not hold(equalities(match), patterns(match), b"GET", [], b"")
