"""What is open is counted every few seconds."""

from proxy.forward.ongoing import EVERY, Ongoing
from tests.clock import ManualTime


class Open:
    def __init__(self) -> None:
        self.counted = 0

    def count(self) -> None:
        self.counted += 1


def test_all_that_is_open_is_counted_again_and_again_until_it_ends() -> None:
    time = ManualTime()
    ongoing, one, other = Ongoing(time.wheel), Open(), Open()
    ongoing.begin(one)
    time.pass_(EVERY / 2)
    ongoing.begin(other)
    assert (one.counted, other.counted) == (0, 0)
    time.pass_(EVERY)
    assert (one.counted, other.counted) == (1, 1)
    ongoing.end(one)
    time.pass_(3 * EVERY)
    assert (one.counted, other.counted, len(ongoing)) == (1, 4, 1)


def test_nothing_wakes_the_worker_when_nothing_is_open() -> None:
    time = ManualTime()
    ongoing, one = Ongoing(time.wheel), Open()
    ongoing.begin(one)
    ongoing.end(one)
    ongoing.end(one)
    time.pass_(3 * EVERY)
    assert one.counted == 0 and time._wake_at is None
    ongoing.begin(one)
    time.pass_(EVERY + 0.1)
    assert one.counted == 1
