"""docs/support.md: what the page says of a feature, and that the committed page is of the committed table."""

import re

import pytest

from proxy.translate.features import FEATURES, Feature
from tests.conformance.catalogue import catalogue
from tests.conformance.results import FAIL, PASS, SKIP, Log, Result
from tests.conformance.support import PAGE, listed_tests, page, state, subjects

SERVED = Feature("HTTPRouteCORS", "extended", "standard", True)


@pytest.mark.parametrize(
    ("served", "outcomes", "said"),
    [
        (False, [], "not served"),
        (False, [PASS], "not served"),
        (True, [], "served"),
        (True, [SKIP], "served"),
        (True, [PASS, SKIP], "passes"),
        (True, [PASS, FAIL], "**fails**"),
    ],
)
def test_a_state_is_the_claim_and_the_worst_that_was_seen(served: bool, outcomes: list[str], said: str) -> None:
    tests = [f"Test{number}" for number in range(len(outcomes))]
    log = Log({name: Result(outcome, 1.0) for name, outcome in zip(tests, outcomes, strict=True)})
    assert state(SERVED._replace(served=served), tests, log) == said


@pytest.mark.parametrize(
    ("needed", "about"),
    [
        ({"Gateway"}, {"Gateway"}),
        ({"Gateway", "HTTPRoute"}, {"HTTPRoute"}),
        ({"Gateway", "HTTPRoute", "ReferenceGrant"}, {"HTTPRoute", "ReferenceGrant"}),
        ({"Gateway", "HTTPRoute", "HTTPRouteCORS"}, {"HTTPRouteCORS"}),
        ({"Mesh", "HTTPRoute"}, set()),
    ],
)
def test_a_test_is_about_the_least_common_of_what_it_needs(needed: set[str], about: set[str]) -> None:
    base = frozenset({"Gateway", "HTTPRoute", "ReferenceGrant"})
    assert subjects(frozenset(needed), base) == about


def test_every_gateway_test_stands_beside_a_feature() -> None:
    known = catalogue()
    listed = {test for feature in FEATURES for test in listed_tests(feature.name, known)}
    assert listed == {
        name for name, needed in known.tests.items() if not any(each.startswith("Mesh") for each in needed)
    }


def test_every_feature_has_a_row() -> None:
    text = page(catalogue(), Log())
    assert [feature.name for feature in FEATURES if f"\n| {feature.name} |" not in text] == []


def test_the_committed_page_claims_what_the_table_claims() -> None:
    """After a row of features.py was turned: make conformance, or python -m tests.conformance support."""
    rows = dict(re.findall(r"^\| (\w+) \| \w+ \| \w+ \| ([\w* ]+) \|", PAGE.read_text(), re.MULTILINE))
    del rows["feature"]
    assert {name: said != "not served" for name, said in rows.items()} == {each.name: each.served for each in FEATURES}
