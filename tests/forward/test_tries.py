"""The pauses between tries."""

import pytest

from proxy.forward.tries import pause_before
from proxy.snapshot.route import Retry


@pytest.mark.parametrize(("retried", "least"), [(0, 0.1), (1, 0.2), (2, 0.4), (3, 0.8), (4, 0.8), (1000, 0.8)])
def test_pauses_double_up_to_a_bound_and_are_spread_upwards_only(retried: int, least: float) -> None:
    pauses = {pause_before(Retry(backoff=0.1), retried) for _ in range(200)}
    assert min(pauses) >= least and max(pauses) <= least * 1.5
    assert len(pauses) > 100


def test_no_backoff_is_no_pause() -> None:
    assert pause_before(Retry(backoff=0.0), 2) == 0.0
