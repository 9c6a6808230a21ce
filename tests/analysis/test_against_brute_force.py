"""`compare` against brute force: what it says of every request of a small universe, and of no other."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from proxy.analysis import aligned, ports, seek, witness
from proxy.analysis import compare as comparing
from proxy.analysis.asking import on_the_wire
from proxy.analysis.changes import Change, Comparison, Outcome
from proxy.analysis.compare import compare
from proxy.analysis.order import Order
from tests.analysis.cases import PAIRS, PATTERNS
from tests.analysis.small import FAILS, HOSTS, NOT_FOUND, QUESTIONS, Small, pairs, quick
from tests.oracle import matcher as oracle


def spoken(outcome: Outcome) -> str:
    """An outcome in the words of the brute force."""
    if outcome.what != "rule":
        assert outcome.what == "not found"
        return NOT_FOUND
    assert outcome.effect is not None
    [(_, target)] = outcome.effect.shares
    return target.backend.partition("/")[2] or FAILS


def asked(change: Change) -> oracle.Request:
    witness = change.asked.witness
    headers, query = on_the_wire(witness, change.asked.host)
    return oracle.Request(change.asked.host, witness.path, witness.method, headers, query)


def disagreements(old: Small, new: Small, said: Comparison) -> Iterator[str]:
    """Where the comparison and brute force do not say the same."""
    told = {(spoken(change.old), spoken(change.new)) for change in said.changes}
    for change in said.changes:
        request = asked(change)
        seen = old.answer(request), new.answer(request)
        if seen[0] == seen[1]:
            yield f"no change: {request}"
        if seen != (spoken(change.old), spoken(change.new)):
            yield f"{request} changes from {seen[0]} to {seen[1]}, not as said"
    for host in HOSTS:
        for number, seen in enumerate(zip(old.answers(host), new.answers(host), strict=True)):
            if seen[0] != seen[1] and seen not in told:
                yield f"not said: {QUESTIONS[number]} at {host!r} changes from {seen[0]} to {seen[1]}"
    if said.undecided:
        yield f"not decided: {said.undecided[0].why}"


@quick
@given(pairs(regexes=False))
def test_without_regular_expressions_it_is_exact(both: tuple[Small, Small]) -> None:
    old, new = both
    assert not list(disagreements(old, new, compare(old.snapshot(), new.snapshot())))


@quick
@given(pairs(regexes=True))
def test_with_regular_expressions_it_is_exact_as_well(both: tuple[Small, Small]) -> None:
    old, new = both
    assert not list(disagreements(old, new, compare(old.snapshot(), new.snapshot())))


@pytest.mark.parametrize("name", [*PAIRS, *PATTERNS])
def test_what_one_mistake_would_get_wrong_is_right(name: str) -> None:
    old, new = {**PAIRS, **PATTERNS}[name]
    assert not list(disagreements(old, new, compare(old.snapshot(), new.snapshot())))


# --- what is planted is noticed ---------------------------------------------------------------

Fault = list[tuple[Any, str, Any]]
"""What is put in the place of what: (module or class, name, value)."""

SEEK = seek.seek
MEETING = Order.meeting
NOT_CONFIRMED = (comparing._PortComparison, "_confirmed", lambda *_: True)

FAULTS: dict[str, Fault] = {
    "nobody else is asked, nor the tables": [
        (comparing, "find_witness", lambda box, others: witness.find_witness(box, ())),
        NOT_CONFIRMED,
    ],
    "better entries are forgotten": [
        (seek, "_before", lambda orders, at, position, box: iter(())),
        NOT_CONFIRMED,
    ],
    "entries that moved count as having stayed": [
        (aligned, "_longest_common", lambda old, new: [(old.index(one), new.index(one)) for one in old if one in new]),
    ],
    "a hostname is skipped whatever became of it": [(comparing._PortComparison, "_stayed", lambda *_: True)],
    "prefixes above are forgotten": [(Order, "_above", lambda self, path: iter(()))],
    "entries below a prefix are forgotten": [(Order, "_below", lambda self, prefix: []), NOT_CONFIRMED],
    "less specific hostnames are not asked": [
        (ports.Side, "asked", lambda self, listener, host: [host] if listener else []),
    ],
    "no answer is none of interest": [
        (comparing, "seek", lambda *given: (one for one in SEEK(*given) if None not in (one.old, one.new))),
    ],
    "patterns of paths meet nothing": [
        (Order, "meeting", lambda self, box: [at for at in MEETING(self, box) if not self.items[at].box.patterns]),
    ],
    "what the plainest words do not show is not there": [(witness._Search, "run", lambda self: None)],
    "what stayed is not what it does": [(aligned, "_identity", lambda item: item.match)],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name, planted in FAULTS[fault]:
        monkeypatch.setattr(place, name, planted)
    pairs = [*PAIRS.values(), *PATTERNS.values()]
    assert any(list(disagreements(old, new, compare(old.snapshot(), new.snapshot()))) for old, new in pairs)
