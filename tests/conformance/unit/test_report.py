"""The closing summary: what is counted where, and the line for machines."""

from pathlib import Path

import pytest

from tests.conformance.catalogue import Catalogue, Profile, catalogue
from tests.conformance.report import Count, count, levels, summary, total
from tests.conformance.results import FAIL, PASS, SKIP, Log, Result

SMALL = Catalogue(
    version="v1.6.1",
    profiles={"GATEWAY-HTTP": Profile("GATEWAY-HTTP", frozenset({"Gateway", "HTTPRoute"}), frozenset({"Mirror"}))},
    features={"Gateway": "standard", "HTTPRoute": "standard", "Mirror": "standard", "Mesh": "standard"},
    tests={
        "Plain": frozenset({"Gateway", "HTTPRoute"}),
        "Mirrors": frozenset({"Gateway", "HTTPRoute", "Mirror"}),
        "Meshed": frozenset({"Mesh", "HTTPRoute"}),
    },
    provisional=frozenset(),
)


def log_of(**outcomes: str) -> Log:
    whole = Result(FAIL if FAIL in outcomes.values() else PASS, 1.0)
    return Log({name: Result(outcome, 0.1) for name, outcome in outcomes.items()}, whole=whole)


def test_a_test_counts_for_a_profile_that_has_all_its_features() -> None:
    assert levels(SMALL, SMALL.profiles["GATEWAY-HTTP"]) == {"core": ["Plain"], "extended": ["Mirrors"]}


@pytest.mark.parametrize(
    ("profile", "core", "extended"),
    [
        ("GATEWAY-HTTP", 37, 57),
        ("GATEWAY-GRPC", 15, 10),
        ("GATEWAY-TLS", 20, 15),
        ("GATEWAY-TCP", 19, 10),
        ("GATEWAY-UDP", 20, 10),
    ],
)
def test_the_whole_suite_has_the_numbers_of_a_full_score(profile: str, core: int, extended: int) -> None:
    """As the published reports of implementations with every feature count them."""
    known = catalogue()
    found = levels(known, known.profiles[profile])
    assert (len(found["core"]), len(found["extended"])) == (core, extended)


def test_what_was_not_run_is_not_counted() -> None:
    assert count(log_of(Plain=PASS), ["Plain", "Mirrors"]) == Count(1, 0, 0)


def test_the_last_line_stands_alone() -> None:
    text = summary(
        log_of(Plain=PASS, Mirrors=FAIL, Meshed=SKIP), SMALL, ["GATEWAY-HTTP"], {"Mirrors": Path("m.log")}, None
    )
    assert text.splitlines()[-2:] == ["", "1 passed, 1 failed, 1 skipped"]
    assert "GATEWAY-HTTP      core      1 passed, 0 failed, 0 skipped" in text
    assert "GATEWAY-HTTP      extended  0 passed, 1 failed, 0 skipped" in text
    [line] = [line for line in text.splitlines() if "m.log" in line]
    assert line.split() == ["Mirrors", "m.log"]


def test_scenarios_are_counted_with_the_suite() -> None:
    text = summary(log_of(Plain=PASS), SMALL, ["GATEWAY-HTTP"], {}, Count(2, 1, 0))
    assert text.splitlines()[-1] == "3 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    "log",
    [Log(), Log({}, whole=Result(FAIL, 3.0)), Log({"Plain": Result(PASS, 1.0)}, whole=Result(FAIL, 3.0))],
    ids=["cut short", "failed before its tests", "failed beside its tests"],
)
def test_a_run_that_failed_as_a_whole_has_a_failure(log: Log) -> None:
    assert total(log).failed == 1
