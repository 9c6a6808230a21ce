"""`dead_everywhere` against brute force: an entry is called dead when nothing in a small universe is answered by it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.analysis import dead as module
from proxy.analysis.dead import dead_everywhere, unserved_hostnames
from proxy.analysis.order import Order
from proxy.snapshot.route import HostBucket, RouteMatch
from tests.analysis.cases import DEAD
from tests.analysis.small import HOSTS, QUESTIONS, Small, SmallRule, configurations, quick
from tests.oracle import matcher as oracle

At = tuple[str, int, int]


def served(small: Small) -> set[At]:
    """Every entry that stands in any bucket."""
    return {
        (bucket.rules[entry.rule].owner, bucket.rules[entry.rule].index, entry.match_index)
        for bucket in small.snapshot().buckets.values()
        for entry in bucket.entries
    }


def winning(small: Small) -> set[At]:
    """Every entry that answers some request."""
    return {winner for host in HOSTS for winner in small.winners(host) if winner is not None}


def false_alarms(small: Small) -> set[At]:
    return dead_everywhere(small.snapshot()).keys() & winning(small)


def unnoticed(small: Small) -> set[At]:
    return served(small) - winning(small) - dead_everywhere(small.snapshot()).keys()


@quick
@given(configurations(regexes=False))
def test_without_regular_expressions_all_that_is_dead_is_found_and_nothing_else(small: Small) -> None:
    assert not false_alarms(small)
    assert not unnoticed(small)


@quick
@given(configurations(regexes=True))
def test_with_regular_expressions_what_answers_is_never_called_dead(small: Small) -> None:
    assert not false_alarms(small)


@quick
@given(configurations(regexes=False))
def test_a_hostname_is_called_unserved_exactly_where_no_host_of_it_reaches_the_route(small: Small) -> None:
    """Of a route that takes every path by itself, so that only its hostnames decide."""
    everything = SmallRule("m", (RouteMatch(),))
    routes = tuple(route._replace(rules=(everything,), name=f"default/{n}") for n, route in enumerate(small.routes[:1]))
    alone = small._replace(routes=routes)
    unserved = unserved_hostnames(alone.snapshot())
    for route in routes:
        for own in route.hostnames or (b"",):
            hosts = [host for host in HOSTS if oracle.host_matches(own, host)]
            reached = any(alone.winners(host)[0] is not None for host in hosts)
            attached = any(one == own for bucket in alone.snapshot().buckets.values() for one in owns(bucket))
            at = f"HTTPRoute {route.name}", own
            assert not (at in unserved and reached)
            assert at in unserved or reached or not attached


def owns(bucket: HostBucket) -> set[bytes]:
    return {entry.own for entry in bucket.entries}


@quick
@given(configurations(regexes=True))
def test_a_cause_is_named_and_it_is_another_entry(small: Small) -> None:
    for one in dead_everywhere(small.snapshot()).values():
        assert bool(one.by) == (one.why == "shadowed")
        assert bool(one.listener) == (one.why == "elsewhere")
        assert all((rule.owner, rule.index, match) != one.at for rule, match in one.by)


@pytest.mark.parametrize("name", DEAD)
def test_what_is_dead_is_named(name: str) -> None:
    small, dead = DEAD[name]
    assert set(dead_everywhere(small.snapshot())) == dead
    assert not false_alarms(small)


def test_every_cause_is_among_the_cases() -> None:
    found = [one for small, _ in DEAD.values() for one in dead_everywhere(small.snapshot()).values()]
    assert {one.why for one in found} == {"shadowed", "elsewhere"}
    assert {len(one.by) for one in found} == {0, 1, 2}


FAULTS = {
    "a listener takes hosts of another": (module, "_owners", lambda snapshot: lambda listener, hostname: ""),
    "what looks harmless is not looked at": (
        module,
        "_needs_a_look",
        lambda bucket: len(bucket.entries) > 2,
    ),
    "nothing covers anything": (Order, "covering", lambda order, box: []),
    "one place is enough to be dead": (
        module,
        "dead_everywhere",
        lambda snapshot: {one.at: one for one in module.dead_entries(snapshot)},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, name, planted = FAULTS[fault]
    monkeypatch.setattr(place, name, planted)
    monkeypatch.setitem(globals(), "dead_everywhere", module.dead_everywhere)
    assert any(false_alarms(small) or set(dead_everywhere(small.snapshot())) != dead for small, dead in DEAD.values())


@settings(quick, max_examples=30)
@given(configurations(regexes=True), st.sampled_from(HOSTS))
def test_the_sorted_brute_force_is_the_literal_matcher(small: Small, host: bytes) -> None:
    answers = small.answers(host)
    for number in range(0, len(QUESTIONS), 37):
        assert answers[number] == small.answer(QUESTIONS[number]._replace(host=host))
