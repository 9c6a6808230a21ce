"""Retry budgets: what is allowed when, held against a list of everything that happened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.snapshot.session import RetryBudget
from proxy.upstream.budget import Budget, Window


def budget(percent: int = 20, floor: int = 1, interval: float = 10.0, floor_interval: float = 1000.0) -> Budget:
    return Budget(RetryBudget("Service/default/shop", percent, interval, floor, floor_interval))


def made(it: Budget, requests: int, asked: int, now: float = 0.0) -> int:
    """How many of the retries asked for may be made after so many requests."""
    for _ in range(requests):
        it.request(now)
    return sum(it.spend(now) for _ in range(asked))


@pytest.mark.parametrize(
    ("percent", "requests", "retries"),
    [(20, 80, 20), (20, 800, 200), (50, 100, 100), (0, 100, 1), (1, 99, 1), (1, 198, 2), (100, 1, 500), (99, 1, 99)],
)
def test_so_many_of_all_requests_are_retries(percent: int, requests: int, retries: int) -> None:
    assert made(budget(percent), requests, 500) == retries


@pytest.mark.parametrize("floor", [1, 10, 250])
def test_the_floor_is_allowed_without_any_traffic(floor: int) -> None:
    assert made(budget(0, floor), 0, 500) == floor


def test_the_greater_of_floor_and_percentage_counts_and_not_their_sum() -> None:
    assert made(budget(20, floor=10), 80, 500) == 20
    assert made(budget(20, floor=50), 80, 500) == 50


def test_the_floor_is_refilled_as_its_interval_passes() -> None:
    it = budget(0, floor=3, floor_interval=1.0)
    assert made(it, 0, 10, now=5.0) == 3
    assert made(it, 0, 10, now=5.9) == 0
    assert made(it, 0, 10, now=6.2) == 3


def test_requests_count_for_an_interval_and_retries_are_forgotten_with_them() -> None:
    it = budget(50, floor=1, floor_interval=1000.0)
    assert made(it, 100, 500, now=0.0) == 100
    assert made(it, 0, 500, now=9.9) == 0
    assert made(it, 10, 500, now=11.5) == 10


EVENTS = st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), max_size=60)


@given(EVENTS, st.sampled_from([0.5, 1.0, 2.0]))
def test_a_window_counts_no_less_than_its_interval_and_little_more(
    events: list[tuple[float, bool]], width: float
) -> None:
    window, times, now = Window(width), [], 100.0
    for pause, happens in events:
        now += pause
        window.pass_(now)
        if happens:
            window.add(now)
            times.append(now)
        exact = sum(now - width < at <= now for at in times)
        at_most = sum(now - 1.1 * width <= at <= now for at in times)
        assert exact <= window.total <= at_most


@given(EVENTS, st.integers(0, 100), st.integers(1, 5))
def test_no_interval_holds_more_retries_than_the_budget_has(
    events: list[tuple[float, bool]], percent: int, floor: int
) -> None:
    it = budget(percent, floor, interval=2.0, floor_interval=1.0)
    retries: list[float] = []
    requests: list[float] = []
    now = 0.0
    for pause, is_retry in events:
        now += pause
        if not is_retry:
            it.request(now)
            requests.append(now)
        elif it.spend(now):
            within_floor = sum(at > now - 1.0 for at in retries) < floor
            assert within_floor or _is_share(percent, retries, requests, now)
            retries.append(now)


def _is_share(percent: int, retries: list[float], requests: list[float], now: float) -> bool:
    """One more retry is within the percentage, for an interval from 2 s to a tenth more."""
    ages = {now - at for at in (*retries, *requests)}
    for width in (2.0, *sorted(age for age in ages if 2.0 <= age <= 2.2), 2.21):
        made = sum(now - at < width for at in retries) + 1
        if made * 100 <= percent * (made + sum(now - at < width for at in requests)):
            return True
    return False
