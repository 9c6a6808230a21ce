"""Smooth weighted turns: every share within one request of the exact one, at every moment."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.upstream.balance import WeightedTurns


def worst(weights: list[int], rounds: int) -> Fraction:
    """The largest distance of any share from its exact value after any number of choices."""
    turns = WeightedTurns(weights)
    taken = [0] * len(weights)
    total = sum(weights)
    distance = Fraction(0)
    for n in range(1, rounds + 1):
        taken[turns.next()] += 1
        for count, weight in zip(taken, weights, strict=True):
            distance = max(distance, abs(count - Fraction(n * weight, total)))
    return distance


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any))
def test_every_share_is_within_one_of_the_exact_one(weights: list[int]) -> None:
    assert worst(weights, 2 * sum(weights)) <= 1


@pytest.mark.parametrize(
    "weights", [[1, 1], [90, 10], [3, 2, 1], [1, 1, 1, 1, 1, 1, 1], [1000, 1], [999_999, 1], [5, 0, 5]]
)
def test_known_weights(weights: list[int]) -> None:
    assert worst(weights, 3000) <= 1


def test_a_whole_round_is_exact_and_starts_anew() -> None:
    turns = WeightedTurns([5, 3, 2])
    first = [turns.next() for _ in range(10)]
    assert [first.count(i) for i in range(3)] == [5, 3, 2]
    assert [turns.next() for _ in range(10)] == first


def test_a_weight_of_zero_takes_no_traffic() -> None:
    turns = WeightedTurns([0, 1, 0])
    assert {turns.next() for _ in range(50)} == {1}


def test_no_weight_at_all_takes_nothing() -> None:
    assert WeightedTurns([0, 0]).next() == -1


def test_common_factors_make_no_difference() -> None:
    one, other = WeightedTurns([9, 1]), WeightedTurns([900_000, 100_000])
    assert [one.next() for _ in range(100)] == [other.next() for _ in range(100)]


def test_turns_are_spread_and_not_in_bursts() -> None:
    turns = WeightedTurns([1, 1, 1])
    order = [turns.next() for _ in range(30)]
    assert all(len(set(order[i : i + 3])) == 3 for i in range(0, 30, 3))
