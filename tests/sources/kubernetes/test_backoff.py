"""How long is waited before another attempt."""

import pytest

from proxy.sources.kubernetes.backoff import Backoff, Pace, delay


@pytest.mark.parametrize(
    ("failures", "chance", "seconds"),
    [(0, 1.0, 0.5), (1, 1.0, 0.5), (2, 1.0, 1.0), (3, 1.0, 2.0), (3, 0.0, 1.0), (7, 1.0, 30.0), (10**9, 1.0, 30.0)],
)
def test_doubled_up_to_the_longest(failures: int, chance: float, seconds: float) -> None:
    assert delay(failures, 0.5, 30.0, lambda: chance) == seconds


def test_waits_double_up_to_the_longest_and_are_spread() -> None:
    backoff = Backoff(Pace(0.5, 30.0), chance=lambda: 1.0)
    assert [backoff.failed() for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.succeeded()
    assert backoff.failed() == 0.5
    assert Backoff(Pace(), chance=lambda: 0.0).failed() == 0.25
    assert Backoff(Pace(), chance=lambda: 0.0).failed(at_least=7.0) == 7.0
    for _ in range(5000):
        backoff.failed()
    assert backoff.failed() == 30.0
