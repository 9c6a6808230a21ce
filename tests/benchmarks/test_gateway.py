"""The configuration whose answers show which version of it gave them."""

import json

import pytest

from benchmarks.load.gateway import generations_in, marked_documents


def test_the_mark_is_in_every_answer() -> None:
    *_, route = marked_documents(17, 8001, 8003)
    (rule,) = route["spec"]["rules"]  # type: ignore[index]
    (applied,) = rule["filters"]
    assert applied["responseHeaderModifier"]["set"] == [{"name": "x-mark", "value": "17"}]


def test_two_marks_differ_in_the_route_only() -> None:
    pairs = zip(marked_documents(1, 8001, 8003), marked_documents(2, 8001, 8003), strict=True)
    assert [one["kind"] for one, two in pairs if json.dumps(one) != json.dumps(two)] == ["HTTPRoute"]


@pytest.mark.parametrize(
    ("body", "generations"),
    [
        ({"workers": [{"worker": 0, "generation": 3}, {"worker": 1, "generation": 4}]}, (3, 4)),
        ({"workers": {"0": 3, "1": 4}}, (3, 4)),
        ({"status": "starting"}, ()),
        (None, ()),
    ],
)
def test_acknowledged_generations(body: object, generations: tuple[int, ...]) -> None:
    assert generations_in(body) == generations
