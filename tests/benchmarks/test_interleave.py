"""The order of slots and the ratios of adjacent ones."""

import pytest

from benchmarks.load.interleave import NOTHING, Slot, Spread, in_pairs, order, ratios


def slots(*turns: tuple[str, float]) -> list[Slot]:
    return [Slot(name, {"cpu_us": value}) for name, value in turns]


def test_the_base_stands_between_all_groups() -> None:
    assert order("n", [["a", "b"], ["c"]], 1) == ["n", "a", "b", "n", "c", "n"]


def test_rounds_rotate_the_groups_and_turn_them_round() -> None:
    assert order("n", [["a", "b"], ["c"]], 2)[6:] == ["c", "n", "b", "a", "n"]


@pytest.mark.parametrize("rounds", [1, 12])
def test_every_contestant_has_a_slot_a_round(rounds: int) -> None:
    sequence = order("n", [["a", "b"], ["c", "d"]], rounds)
    assert [sequence.count(name) for name in "abcd"] == [rounds] * 4
    assert sequence.count("n") == 2 * rounds + 1


def test_the_base_alone_still_runs() -> None:
    assert order("n", [], 3) == ["n"] * 4


def test_in_pairs() -> None:
    assert in_pairs(["a", "b", "c"]) == [["a", "b"], ["c"]]


def test_a_slot_is_compared_with_the_base_on_both_sides() -> None:
    turns = slots(("n", 10), ("a", 30), ("b", 45), ("n", 20), ("a", 60), ("n", 40))
    assert ratios(turns, "a", "n", "cpu_us") == [2.0, 2.0]
    assert ratios(turns, "b", "n", "cpu_us") == [3.0]


def test_a_machine_that_gets_slower_leaves_the_ratio_alone() -> None:
    turns = slots(*((name, value * 1.1**i) for i, (name, value) in enumerate([("n", 10.0), ("a", 20.0)] * 12)))
    assert ratios(turns[:-1], "a", "n", "cpu_us") == pytest.approx([2.0] * 11, rel=0.01)


def test_the_base_is_compared_with_its_other_slots() -> None:
    assert ratios(slots(("n", 10), ("a", 1), ("n", 30), ("a", 1), ("n", 20)), "n", "n", "cpu_us") == [
        10 / 30,
        30 / 15,
        20 / 30,
    ]


def test_without_a_base_slot_there_is_no_ratio() -> None:
    assert ratios(slots(("a", 10)), "a", "n", "cpu_us") == []
    assert ratios(slots(("n", 0), ("a", 10)), "a", "n", "cpu_us") == []


def test_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)
    assert Spread.of([]) is NOTHING
