"""GEP-2257 durations in seconds."""

import pytest

from proxy.resources.duration import seconds, written


@pytest.mark.parametrize(
    ("text", "value"),
    [("0s", 0), ("500ms", 0.5), ("10s", 10), ("1h30m", 5400), ("1m1s1ms", 61.001), ("1h1h", 7200)],
)
def test_parts_add_up(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["0s", "1ms", "500ms", "10s", "1m30s", "1h", "1h1m1s1ms", "99999h"])
def test_seconds_are_written_as_they_were(text: str) -> None:
    assert written(seconds(text)) == text


def test_what_is_written_is_the_shortest_form() -> None:
    assert (written(90.5), written(5400), written(0.0004)) == ("1m30s500ms", "1h30m", "0s")
