"""A run of h2spec is read and compared: what is new, what has got better, and what was not run."""

from pathlib import Path

from tests.h2spec.results import differences, read
from tests.h2spec.waivers import BY_TRANSPORT, EVERYWHERE, TESTS

REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="5.1. Stream States" package="http2/5.1">
    <testcase package="http2/5.1" classname="one" time="0.1"></testcase>
    <testcase package="http2/5.1" classname="two" time="0.1"><error>Expected: GOAWAY</error></testcase>
  </testsuite>
  <testsuite name="5.1. Stream States" package="generic/5.1">
    <testcase package="generic/5.1" classname="one" time="0.1"><failure></failure></testcase>
  </testsuite>
</testsuites>"""


def test_tests_are_named_by_their_section_and_number() -> None:
    assert read(REPORT) == {"http2/5.1/1": True, "http2/5.1/2": False, "generic/5.1/1": False}


def test_a_run_as_written_down_has_no_differences() -> None:
    assert not list(differences(read(REPORT), {"http2/5.1/2": "", "generic/5.1/1": ""}, 3))


def test_a_new_miss_a_waiver_that_passes_and_what_was_not_run_are_told() -> None:
    lines = list(differences(read(REPORT), {"http2/5.1/1": "for fun", "http2/9/9": "", "generic/5.1/1": ""}, 145))
    assert lines == [
        "3 tests were run, not 145",
        "http2/5.1/1 passes: its waiver has to go (for fun)",
        "http2/5.1/2 is missed, and no waiver says why",
        "http2/9/9 has a waiver, and is no test",
    ]


def test_the_documentation_names_every_waiver() -> None:
    page = (Path(__file__).parents[2] / "docs" / "interface.md").read_text()
    [paragraph] = [part for part in page.split("\n- ") if part.startswith("**h2spec**")]
    for transport, waivers in BY_TRANSPORT.items():
        assert f"{TESTS - len(waivers)} of {TESTS} over {transport}" in " ".join(paragraph.split())
    numbers = [name.removeprefix("http2/") for name in EVERYWHERE]
    named = paragraph.replace("5.1/8, 9, 11, 12", "5.1/8, 5.1/9, 5.1/11, 5.1/12").replace(
        "5.3.1/2, 6.3/1", "5.3.1/2, 6.3/1"
    )
    assert all(number in named for number in numbers)
