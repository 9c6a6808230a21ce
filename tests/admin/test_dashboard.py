"""The one page for people."""

import pytest

from proxy.admin.dashboard import duration, page
from tests.admin.view import PROBLEM, FakeView


def test_it_shows_what_is_served() -> None:
    text = page(FakeView())
    for told in (
        "Penstock is ready",
        "ns/gw/http",
        "*.example.com",
        "*:8080",
        "ns/app:80",
        "10.0.0.9:8080",
        "generation 3",
    ):
        assert told in text
    assert "10.0.0.1:8081 (could not be bound)" in text
    assert "None: everything that was declared is served." in text


def test_problems_stand_with_their_hint_and_cannot_inject_anything() -> None:
    view = FakeView()
    view.problems = [PROBLEM]
    text = page(view)
    assert "is &lt;missing&gt;" in text
    assert "<missing>" not in text
    assert "hint: add it" in text


def test_it_links_to_an_explanation_that_can_be_had() -> None:
    view = FakeView()
    path = "/api/v1/explain?url=http://any.example.com:80/"
    assert f'<a href="{path}">{path}</a>' in page(view)
    view.snapshot = None
    assert "/api/v1/explain" not in page(view)


def test_states() -> None:
    view = FakeView()
    view.draining = True
    assert "Penstock is draining" in page(view)
    view.draining = False
    view.snapshot = None
    assert "Penstock is not ready" in page(view)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.9, "5 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (90061, "25 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
