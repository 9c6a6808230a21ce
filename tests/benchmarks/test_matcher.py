"""The matcher's benchmark asks what its tables answer, so that it measures matches and not misses."""

import pytest

from benchmarks.micro.matcher import SHAPES, compile_table, measure


@pytest.mark.parametrize("shape", SHAPES)
def test_every_question_is_answered(shape: str) -> None:
    buckets, questions = SHAPES[shape](50)
    table = compile_table(buckets)
    hits = [table.match(*question) for question in questions]
    assert None not in hits
    assert len({(hit.hostname, hit.rule.route) for hit in hits if hit is not None}) == 50


def test_a_line_names_the_shape_and_the_number_of_rules() -> None:
    assert measure("headers", 20, rounds=1).split()[:2] == ["headers", "20"]
