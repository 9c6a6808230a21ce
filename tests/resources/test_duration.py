"""GEP-2257 durations in seconds."""

import pytest

from proxy.resources.duration import seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("0s", 0), ("500ms", 0.5), ("10s", 10), ("1h30m", 5400), ("1m1s1ms", 61.001), ("1h1h", 7200)],
)
def test_parts_add_up(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)
