"""Deadlines on an injected clock: never early, at most two ticks late, moved and cleared for free."""

import random

import pytest

from proxy.wheel import TICK, Deadline, Lender
from tests.clock import LATE, ManualTime


class Time(ManualTime):
    def __init__(self) -> None:
        super().__init__()
        self.fired: list[tuple[str, float]] = []

    def deadline(self, name: str) -> Deadline:
        return Deadline(self.wheel, lambda: self.fired.append((name, self.now)))


def test_a_deadline_fires_once_and_in_time() -> None:
    time = Time()
    time.deadline("a").set(1002.5)
    time.run(1002.4)
    assert time.fired == []
    time.run(1010.0)
    [(name, at)] = time.fired
    assert name == "a" and 1002.5 <= at <= 1002.5 + 2 * TICK + LATE


def test_a_deadline_moved_later_fires_later() -> None:
    time = Time()
    deadline = time.deadline("a")
    deadline.set(1001.0)
    for step in range(20):
        deadline.set(1001.0 + step)
        time.run(1000.0 + step)
    time.run(1100.0)
    [(_, at)] = time.fired
    assert 1020.0 <= at <= 1020.0 + 2 * TICK + LATE


def test_a_deadline_moved_nearer_fires_nearer_and_once() -> None:
    time = Time()
    deadline = time.deadline("a")
    deadline.set(1060.0)
    deadline.set(1001.0)
    time.run(1200.0)
    [(_, at)] = time.fired
    assert 1001.0 <= at <= 1001.0 + 2 * TICK + LATE


def test_a_cleared_deadline_does_not_fire_and_can_be_set_again() -> None:
    time = Time()
    deadline = time.deadline("a")
    deadline.set(1001.0)
    deadline.clear()
    time.run(1002.0)
    assert time.fired == []
    deadline.set(1003.0)
    time.run(1100.0)
    assert [name for name, _ in time.fired] == ["a"]


def test_a_deadline_set_again_while_it_fires() -> None:
    time = Time()
    fired: list[float] = []

    def again() -> None:
        fired.append(time.now)
        if len(fired) < 3:
            deadline.set(time.now + 1.0)

    deadline = Deadline(time.wheel, again)
    deadline.set(1001.0)
    time.run(1100.0)
    assert len(fired) == 3


def test_a_deadline_cleared_by_another_that_is_due_with_it() -> None:
    time = Time()
    fired: list[str] = []
    other = Deadline(time.wheel, lambda: fired.append("other"))
    first = Deadline(time.wheel, lambda: (fired.append("first"), other.clear()))
    first.set(1001.0)
    other.set(1001.0)
    time.run(1100.0)
    assert fired == ["first"]


def test_many_deadlines_moved_at_random_are_all_met_to_50_ms() -> None:
    time, dice = Time(), random.Random(7)
    deadlines = {str(i): time.deadline(str(i)) for i in range(200)}
    wanted: dict[str, float] = {}
    for _ in range(4000):
        time.run(time.now + dice.random() * 0.05)
        for name, at in time.fired:
            assert 0.0 <= at - wanted.pop(name) <= 0.05
        time.fired.clear()
        name = dice.choice(list(deadlines))
        if dice.random() < 0.2:
            deadlines[name].clear()
            wanted.pop(name, None)
        else:
            at = time.now + dice.random() * 5
            deadlines[name].set(at)
            wanted[name] = at
    time.run(time.now + 10)
    assert {name for name, _ in time.fired} == set(wanted)


def test_a_callback_that_raises_takes_no_other_deadline_with_it() -> None:
    time = ManualTime()
    fired: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError

    deadlines = [Deadline(time.wheel, fail), Deadline(time.wheel, lambda: fired.append("behind"))]
    for deadline in deadlines:
        deadline.set(time.now + 1.0)
    cleared = Deadline(time.wheel, lambda: fired.append("cleared"))
    cleared.set(time.now + 1.0)
    cleared.clear()
    with pytest.raises(ZeroDivisionError):
        time.pass_(1.1)
    time.pass_(0.1)
    assert fired == ["behind"]


# --- deadlines that are lent -----------------------------------------------------------------


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
