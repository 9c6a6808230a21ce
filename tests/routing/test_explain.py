"""Explanations: the winner is the table's, the order is the precedence, and misses say what they failed on."""

import random

import pytest

from proxy.routing.explain import Explanation, Served, explain
from proxy.routing.places import Question
from proxy.routing.table import ListenerTable
from proxy.snapshot.route import Entry, HostBucket, PathKind, RouteMatch, Rule, ValueMatch
from tests.routing.test_against_the_oracle import some_match, some_request

TENANT = ValueMatch(b"x-tenant", b"a")


def bucket(hostname: bytes, *entries: tuple[str, RouteMatch]) -> HostBucket:
    rules = tuple(Rule(name, 0) for name, _ in entries)
    return HostBucket(hostname, rules, tuple(Entry(match, n, 0, hostname) for n, (_, match) in enumerate(entries)))


def asked(
    path: bytes = b"/",
    host: bytes = b"a.example.com",
    method: bytes = b"GET",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    query: bytes | None = None,
) -> Question:
    return Question(host, path, method, list(headers), query)


def serve(*buckets: HostBucket, key: str = "ns/gw/http", hostname: bytes = b"") -> Served:
    return Served(key, hostname, buckets)


def test_candidates_stand_in_order_with_the_criterion_that_decided() -> None:
    listener = serve(
        bucket(b"", ("ns/any", RouteMatch(b"/foo", "exact"))),
        bucket(
            b"a.example.com",
            ("ns/root", RouteMatch()),
            ("ns/exact", RouteMatch(b"/foo", "exact")),
            ("ns/prefix", RouteMatch(b"/foo")),
            ("ns/tenant", RouteMatch(b"/foo", headers=(TENANT,))),
            ("ns/get", RouteMatch(b"/foo", method=b"GET")),
            ("ns/post", RouteMatch(b"/foo", method=b"POST")),
        ),
    )
    told = explain([listener], asked(b"/foo", headers=((b"x-tenant", b"a"),)))
    assert [(one.rule.route, one.decided_by) for one in told.candidates] == [
        ("ns/exact", "path type"),
        ("ns/get", "method"),
        ("ns/tenant", "header count"),
        ("ns/prefix", "path length"),
        ("ns/root", "hostname"),
        ("ns/any", ""),
    ]
    assert (told.listener, told.winner, told.near_misses) == ("ns/gw/http", told.candidates[0], ())


@pytest.mark.parametrize(
    ("match", "question", "failed", "detail"),
    [
        (RouteMatch(), asked(host=b"b.com"), "host", "host b.com is not a.example.com"),
        (RouteMatch(), asked(host=b""), "host", "host (empty) is not a.example.com"),
        (RouteMatch(b"/foo"), asked(b"/bar"), "path", "path /bar does not begin with /foo"),
        (RouteMatch(b"/foo", "exact"), asked(b"/foo/"), "path", "path /foo/ is not /foo"),
        (RouteMatch(b"/[0-9]", "regex"), asked(b"/a"), "path", "path /a does not match /[0-9]"),
        (RouteMatch(method=b"PUT"), asked(), "method", "method GET is not PUT"),
        (RouteMatch(headers=(TENANT,)), asked(), "header", "header x-tenant is missing"),
        (
            RouteMatch(headers=(TENANT,)),
            asked(headers=((b"x-tenant", b"b"),)),
            "header",
            "header x-tenant: b is not a",
        ),
        (
            RouteMatch(headers=(ValueMatch(b"x", b"[0-9]", regex=True),)),
            asked(headers=((b"x", b"\xff"),)),
            "header",
            r"header x: \xff does not match [0-9]",
        ),
        (RouteMatch(query=(TENANT,)), asked(query=b"x-tenant=b"), "query", "query parameter x-tenant: b is not a"),
        (RouteMatch(query=(TENANT,)), asked(), "query", "query parameter x-tenant is missing"),
    ],
)
def test_a_near_miss_says_what_it_failed_on(match: RouteMatch, question: Question, failed: str, detail: str) -> None:
    told = explain([serve(bucket(b"a.example.com", ("ns/r", match)))], question)
    assert (told.winner, told.candidates) == (None, ())
    assert [(miss.failed, miss.detail) for miss in told.near_misses] == [(failed, detail)]


def test_the_miss_that_failed_latest_is_told_first_and_no_more_than_a_few() -> None:
    listener = serve(
        bucket(
            b"a.example.com",
            ("ns/query", RouteMatch(b"/foo", query=(TENANT,))),
            ("ns/header", RouteMatch(b"/foo", headers=(TENANT,))),
            ("ns/method", RouteMatch(b"/foo", method=b"PUT")),
            ("ns/far", RouteMatch(b"/bar")),
            ("ns/near", RouteMatch(b"/foolish")),
            ("ns/farther", RouteMatch(b"/z")),
        ),
        bucket(b"b.example.com", ("ns/host", RouteMatch(b"/foo"))),
    )
    told = explain([listener], asked(b"/foo"))
    assert [miss.rule.route for miss in told.near_misses] == [
        "ns/query",
        "ns/header",
        "ns/method",
        "ns/near",
        "ns/far",
    ]


def test_a_listener_that_was_not_chosen_is_named_as_the_reason() -> None:
    wide = serve(bucket(b"", ("ns/all", RouteMatch())), key="ns/gw/wide")
    narrow = serve(key="ns/gw/narrow", hostname=b"a.example.com")
    told = explain([wide, narrow], asked())
    assert (told.listener, told.winner) == ("ns/gw/narrow", None)
    (miss,) = told.near_misses
    assert (miss.failed, miss.listener) == ("listener", "ns/gw/wide")
    assert miss.detail == "host a.example.com belongs to ns/gw/narrow, whose routes alone are asked"


def test_without_a_listener_for_the_host_there_is_none_to_name() -> None:
    told = explain([serve(bucket(b"a.com", ("ns/r", RouteMatch())), hostname=b"a.com")], asked(host=b"b.com"))
    assert (told.listener, told.winner) == ("", None)
    assert told.near_misses[0].failed == "host"
    assert explain([], asked()) == Explanation("", None, (), (), "listener")


def test_the_table_asked_is_the_one_that_serves() -> None:
    assert type(serve().table) is ListenerTable


def test_the_first_candidate_is_always_the_winner_of_the_table() -> None:
    rng = random.Random(7)
    paths = [b"/", b"/a", b"/a/b"]
    won = 0
    for _ in range(100):
        listener = serve(
            *(
                bucket(hostname, *((f"ns/r{n}", some_match(rng, paths)) for n in range(10)))
                for hostname in (b"", b"*.a.b", b"x.a.b")
            )
        )
        for _ in range(5):
            question = Question(*some_request(rng))
            told = explain([listener], question)
            hit = listener.table.match(*question)
            won += hit is not None
            assert bool(told.candidates) is (hit is not None) is not bool(told.near_misses)
            if hit is not None:
                assert told.winner == told.candidates[0]
                assert (told.candidates[0].rule, told.candidates[0].match_index) == (hit.rule, hit.match_index)
    assert won > 100


def test_every_kind_of_path_has_words() -> None:
    kinds: list[PathKind] = ["exact", "prefix", "regex"]
    for kind in kinds:
        assert explain([serve(bucket(b"", ("r", RouteMatch(b"/a", kind))))], asked(b"/b")).near_misses[0].detail
