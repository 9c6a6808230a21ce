"""What the steady client's lines say."""

from collections import Counter

from benchmarks.load.answers import Acknowledged, Answer, failures, outdated, parse, percentile_ms


def answer(sent: int, mark: int = 0, outcome: str = "ok", status: int = 200, end: int = 0) -> Answer:
    return Answer(sent, end or sent + 1, outcome, fresh=False, status=status, mark=mark, close=False)


def test_lines_are_read_and_ordered_by_sending() -> None:
    assert parse(["7 9 refused 1 0 -1 0\n", "5 8 ok 0 200 3 1\n"]) == [
        Answer(5, 8, "ok", False, 200, 3, True),
        Answer(7, 9, "refused", True, 0, -1, False),
    ]


def test_only_a_whole_200_is_good() -> None:
    assert answer(1).good
    assert not answer(1, status=503).good
    assert not answer(1, outcome="closed").good
    assert answer(1, outcome="reset").connected and not answer(1, outcome="refused").connected


def test_failures_are_counted_by_kind() -> None:
    found = failures([answer(1), answer(2, status=503), answer(3, outcome="reset"), answer(4, outcome="reset")])
    assert found == Counter({"status 503 (kept connection)": 1, "reset (kept connection)": 2})


def test_an_older_mark_is_wrong_only_after_the_acknowledgement() -> None:
    known = [Acknowledged(100, 1), Acknowledged(200, 2)]
    wrong = [answer(101, mark=0), answer(201, mark=1)]
    right = [answer(99, mark=0), answer(100, mark=0), answer(150, mark=1), answer(150, mark=2), answer(200, mark=1)]
    assert outdated([*wrong, *right], known) == wrong


def test_failed_requests_are_not_counted_twice() -> None:
    assert outdated([answer(101, mark=-1, outcome="reset")], [Acknowledged(100, 1)]) == []


def test_without_acknowledgements_nothing_is_outdated() -> None:
    assert outdated([answer(1)], []) == []


def test_percentiles() -> None:
    answers = [answer(0, end=milliseconds * 1_000_000) for milliseconds in range(1, 101)]
    assert (percentile_ms(answers, 0.5), percentile_ms(answers, 0.99)) == (51.0, 100.0)
    assert percentile_ms([], 0.5) == 0.0
