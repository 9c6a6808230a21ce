"""Reading the suite's log: whose line it is, how each test ended."""

import pytest

from tests.conformance.results import Log, Result, attributed, read_log, subject_of

LOG = """\
=== RUN   TestConformance
    conformance.go:72: Running conformance tests with:
\x16=== RUN   TestConformance/HTTPRouteWeight
    conformance.go:77: Applying tests/httproute-weight.yaml
\x16=== RUN   TestConformance/HTTPRouteWeight/should_balance
    weight.go:10: 70/30
\x16--- FAIL: TestConformance/HTTPRouteWeight/should_balance (1.00s)
\x16--- FAIL: TestConformance/HTTPRouteWeight (1.50s)
\x16=== RUN   TestConformance/GRPCRouteWeight
    conformance.go:50: Skipping GRPCRouteWeight: suite does not support GRPCRoute
\x16--- SKIP: TestConformance/GRPCRouteWeight (0.00s)
\x16=== RUN   TestConformance/GatewayInvalidRouteKind
\x16=== PAUSE TestConformance/GatewayInvalidRouteKind
\x16=== RUN   TestConformance/GatewayModifyListeners
\x16=== PAUSE TestConformance/GatewayModifyListeners
\x16=== CONT  TestConformance/GatewayInvalidRouteKind
\x16=== CONT  TestConformance/GatewayModifyListeners
    helpers.go:1: of modify
\x16=== NAME  TestConformance/GatewayInvalidRouteKind
    helpers.go:2: of kind
\x16--- PASS: TestConformance/GatewayInvalidRouteKind (0.20s)
\x16--- PASS: TestConformance/GatewayModifyListeners (0.30s)
\x16--- FAIL: TestConformance (9.99s)
FAIL
"""


@pytest.fixture
def log() -> Log:
    return read_log(LOG.splitlines(keepends=True))


def test_each_test_has_the_result_of_its_own_line(log: Log) -> None:
    assert log.results == {
        "HTTPRouteWeight": Result("FAIL", 1.5),
        "GRPCRouteWeight": Result("SKIP", 0.0),
        "GatewayInvalidRouteKind": Result("PASS", 0.2),
        "GatewayModifyListeners": Result("PASS", 0.3),
    }
    assert log.whole == Result("FAIL", 9.99)
    assert log.of("PASS") == ["GatewayInvalidRouteKind", "GatewayModifyListeners"]


def test_an_excerpt_holds_subtests_and_nothing_of_others(log: Log) -> None:
    text = "\n".join(log.excerpts["HTTPRouteWeight"])
    assert "70/30" in text
    assert "GRPCRoute" not in text


def test_lines_of_parallel_tests_are_told_apart(log: Log) -> None:
    assert "    helpers.go:2: of kind" in log.excerpts["GatewayInvalidRouteKind"]
    assert "    helpers.go:1: of modify" in log.excerpts["GatewayModifyListeners"]
    assert "    helpers.go:1: of modify" not in log.excerpts["GatewayInvalidRouteKind"]


def test_what_comes_before_the_first_test_is_the_set_ups() -> None:
    assert next(iter(attributed(["=== RUN   TestConformance\n"]))) == ("", "=== RUN   TestConformance")


def test_a_log_that_was_cut_has_no_whole_result() -> None:
    assert read_log(LOG.splitlines()[:4]).whole is None


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("TestConformance", ""),
        ("TestConformance/A", "A"),
        ("TestConformance/A/b/c", "A"),
        ("TestCatalogue", ""),
        ("", ""),
    ],
)
def test_a_subtest_is_about_its_test(name: str, subject: str) -> None:
    assert subject_of(name) == subject
