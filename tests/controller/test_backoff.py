"""Longer each time, never too long, never all at once."""

import pytest

from proxy.controller.backoff import delay


@pytest.mark.parametrize(
    ("failures", "chance", "seconds"),
    [(0, 1.0, 0.5), (1, 1.0, 0.5), (2, 1.0, 1.0), (3, 1.0, 2.0), (3, 0.0, 1.0), (7, 1.0, 30.0), (10**9, 1.0, 30.0)],
)
def test_doubled_up_to_the_longest(failures: int, chance: float, seconds: float) -> None:
    assert delay(failures, 0.5, 30.0, lambda: chance) == seconds
