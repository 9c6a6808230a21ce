"""Deadlines that a rule lends to its exchanges."""

from proxy.forward.tries import Lender
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
