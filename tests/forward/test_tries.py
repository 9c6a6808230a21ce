"""Deadlines that a rule lends to its exchanges, and the pauses between tries."""

import pytest

from proxy.forward.tries import Lender, pause_before
from proxy.snapshot.route import Retry
from tests.clock import ManualTime


def test_a_deadline_is_due_its_length_after_the_beginning() -> None:
    time, fired = ManualTime(), []
    lender = Lender(1.0)
    lender.lend(time.wheel, time.now, lambda: fired.append("first"))
    time.pass_(0.5)
    lender.lend(time.wheel, time.now, lambda: fired.append("second"))
    time.pass_(0.55)
    assert fired == ["first"]
    time.pass_(0.5)
    assert fired == ["first", "second"]


def test_one_that_was_given_back_fires_for_nobody_and_serves_again() -> None:
    time, fired = ManualTime(), []
    lender = Lender(1.0)
    first = lender.lend(time.wheel, time.now, lambda: fired.append("first"))
    time.pass_(0.9)
    lender.take_back(first)
    second = lender.lend(time.wheel, time.now, lambda: fired.append("second"))
    assert second is first
    time.pass_(0.9)
    assert fired == []
    time.pass_(0.15)
    assert fired == ["second"]


def test_the_wheel_keeps_one_entry_however_often_it_is_lent() -> None:
    time = ManualTime()
    lender = Lender(3600.0)
    for _ in range(1000):
        lender.take_back(lender.lend(time.wheel, time.now, lambda: None))
        time.pass_(10.0)
        assert sum(map(len, time.wheel._slots.values())) <= 1


@pytest.mark.parametrize(("retried", "least"), [(0, 0.1), (1, 0.2), (2, 0.4), (3, 0.8), (4, 0.8), (1000, 0.8)])
def test_pauses_double_up_to_a_bound_and_are_spread_upwards_only(retried: int, least: float) -> None:
    pauses = {pause_before(Retry(backoff=0.1), retried) for _ in range(200)}
    assert min(pauses) >= least and max(pauses) <= least * 1.5
    assert len(pauses) > 100


def test_no_backoff_is_no_pause() -> None:
    assert pause_before(Retry(backoff=0.0), 2) == 0.0
