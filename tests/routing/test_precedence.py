"""Precedence: each row beats the next, by the criterion named."""

import random
from itertools import pairwise

import pytest

from proxy.routing.precedence import CRITERIA, Key, decided_by, sort_key
from proxy.snapshot.route import CallMatch, Entry, RouteMatch, Rule, ValueMatch

A, B = ValueMatch(b"a", b"1"), ValueMatch(b"b", b"1")
ROUTE = Rule("ns/route", 0)


def key(
    host: bytes = b"",
    own: bytes = b"",
    match: RouteMatch = RouteMatch(),  # noqa: B008 - frozen
    rule: Rule = ROUTE,
    index: int = 0,
) -> Key:
    return sort_key(host, Entry(match, 0, index, own), rule)


LADDER = [
    (key(b"a.example.com", b"a.example.com"), "hostname"),
    (key(b"a.example.c", b"a.example.c"), "route hostname"),
    (key(b"a.example.c", b"*.example.c"), "route hostname length"),
    (key(b"a.example.c", b"*.c"), "hostname"),
    (key(b"*.example.com", b"*.example.com"), "route hostname length"),
    (key(b"*.example.com", b""), "hostname length"),
    (key(b"*.com", b""), "hostname length"),
    (key(match=RouteMatch(b"/a", "exact")), "path type"),
    (key(match=RouteMatch(b"/a.*b", "regex")), "path length"),
    (key(match=RouteMatch(b"/.*", "regex", b"GET")), "path type"),
    (key(match=RouteMatch(b"/foo/", "prefix")), "path length"),
    (key(match=RouteMatch(b"/foo", "prefix")), "path length"),
    (key(match=RouteMatch(method=b"GET")), "method"),
    (key(match=RouteMatch(headers=(A, B))), "header count"),
    (key(match=RouteMatch(headers=(A,), query=(A, B))), "query parameter count"),
    (key(match=RouteMatch(headers=(A,), query=(A,))), "query parameter count"),
    (key(match=RouteMatch(headers=(B,))), "header count"),
    (key(match=RouteMatch(query=(A, B))), "query parameter count"),
    (key(rule=Rule("z/z", 9)), "creation time"),
    (key(rule=Rule("z/z", 9, created="2024-01-01T00:00:00Z")), "creation time"),
    (key(rule=Rule("a-b/x", 9, created="2025-01-01T00:00:00Z")), "route name"),
    (key(rule=Rule("a/x", 1, created="2025-01-01T00:00:00Z"), index=5), "rule order"),
    (key(rule=Rule("a/x", 2, created="2025-01-01T00:00:00Z"), index=1), "match order"),
    (key(rule=Rule("a/x", 2, created="2025-01-01T00:00:00Z"), index=2), ""),
]


def call(service: bytes, method: bytes, regex: bool = False, headers: tuple[ValueMatch, ...] = ()) -> Key:
    return key(match=RouteMatch(b"/.*", "call", headers=headers, call=CallMatch(service, method, regex)))


SERVICE_AND_METHOD = RouteMatch(b"/a.B/C", "exact", call=CallMatch(b"a.B", b"C"))
SERVICE = RouteMatch(b"/a.B", "prefix", call=CallMatch(b"a.B"))

CALLS = [
    (key(match=SERVICE_AND_METHOD), "path type"),
    (key(match=SERVICE), "path type"),
    (call(b"a[.].*", b"", regex=True), "path length"),
    (call(b"a.*", b"Get.*", regex=True), "rpc method length"),
    (call(b"a.*", b"", regex=True), "path length"),
    (call(b"", b"GetUser"), "rpc method length"),
    (call(b"", b"Get", headers=(A,)), "header count"),
    (call(b"", b"Get"), "rpc method length"),
    (call(b"", b""), ""),
]


@pytest.mark.parametrize(("better", "worse"), [*pairwise(LADDER), *pairwise(CALLS)])
def test_each_step_decides(better: tuple[Key, str], worse: tuple[Key, str]) -> None:
    assert better[0] < worse[0]
    assert decided_by(better[0], worse[0]) == better[1]


def test_every_criterion_stands_in_the_ladder() -> None:
    assert {why for _, why in (*LADDER, *CALLS)} == {*CRITERIA, ""}


def test_the_ladder_sorts_itself() -> None:
    shuffled = [one for one, _ in LADDER]
    random.Random(1).shuffle(shuffled)
    assert sorted(shuffled) == [one for one, _ in LADDER]


def test_equal_keys_are_decided_by_nothing() -> None:
    assert decided_by(key(), key()) == ""
