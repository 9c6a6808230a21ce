"""So many a second, a few at once."""

from proxy.controller.tokens import TokenBucket
from tests.clock import ManualTime


def test_a_burst_and_then_one_after_the_other() -> None:
    time = ManualTime()
    bucket = TokenBucket(10, 3, time.clock)
    assert [round(bucket.take(), 3) for _ in range(6)] == [0, 0, 0, 0.1, 0.2, 0.3]


def test_tokens_come_back_and_never_more_than_the_burst() -> None:
    time = ManualTime()
    bucket = TokenBucket(10, 3, time.clock)
    assert [round(bucket.take(), 3) for _ in range(4)] == [0, 0, 0, 0.1]
    time.pass_(0.2)
    assert [round(bucket.take(), 3) for _ in range(2)] == [0, 0.1]
    time.pass_(3600)
    assert [round(bucket.take(), 3) for _ in range(4)] == [0, 0, 0, 0.1]
