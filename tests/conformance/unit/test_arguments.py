"""The command line: which profiles and tests are meant, and what is said when none is."""

import pytest

from proxy.translate.features import CLAIMED_PROFILES
from tests.conformance.__main__ import VERBS as FUNCTIONS
from tests.conformance.arguments import VERBS, UsageError, chosen_tests, has_scenarios, keeps, parse, profiles_of
from tests.conformance.catalogue import catalogue


def test_every_verb_is_explained() -> None:
    assert set(FUNCTIONS) == set(VERBS)


@pytest.mark.parametrize(
    ("text", "profiles"),
    [
        ("", list(CLAIMED_PROFILES)),
        ("http", ["GATEWAY-HTTP"]),
        ("GATEWAY-GRPC, tls", ["GATEWAY-GRPC", "GATEWAY-TLS"]),
        ("http,HTTP", ["GATEWAY-HTTP"]),
    ],
)
def test_profiles_are_named_in_short_or_in_full(text: str, profiles: list[str]) -> None:
    assert profiles_of(text, catalogue()) == profiles


def test_an_unknown_profile_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"PROFILE=GATEWAY-QUIC: the suite has GATEWAY-GRPC, GATEWAY-HTTP"):
        profiles_of("quic", catalogue())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ""),
        ("HTTPRouteWeight", "HTTPRouteWeight"),
        ("GRPCRouteWeight, HTTPRouteWeight", "GRPCRouteWeight|HTTPRouteWeight"),
        ("HTTPRoute30.RedirectStatusCode", ""),
        ("UDPRoute", "UDPRoute"),
    ],
)
def test_tests_are_named_or_matched_whole(text: str, names: str) -> None:
    if text.startswith("HTTPRoute30"):
        with pytest.raises(UsageError, match="no test has such a name"):
            chosen_tests(text, catalogue())
    else:
        assert sorted(chosen_tests(text, catalogue()).split("|")) == sorted(names.split("|"))


def test_an_expression_is_resolved_to_names() -> None:
    found = chosen_tests("GatewayInvalid.*", catalogue()).split("|")
    assert "GatewayInvalidRouteKind" in found
    assert all(name in catalogue().tests for name in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [("weight", "did you mean .*HTTPRouteWeight"), ("nope", "one is HTTPRouteWeight"), ("(", "RUN=\\(: ")],
)
def test_an_unknown_test_gets_a_hint(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen_tests(text, catalogue())


@pytest.mark.parametrize(
    ("argv", "environment", "kept"),
    [
        (["run"], {}, False),
        (["run"], {"KEEP": ""}, False),
        (["run"], {"KEEP": "0"}, False),
        (["run"], {"KEEP": "1"}, True),
        (["run", "--keep"], {}, True),
    ],
)
def test_a_cluster_is_kept_on_request(argv: list[str], environment: dict[str, str], kept: bool) -> None:
    assert keeps(parse(argv), environment) is kept


@pytest.mark.parametrize(("value", "wanted"), [("", True), ("1", True), ("0", False)])
def test_scenarios_are_left_out_on_request(value: str, wanted: bool) -> None:
    assert has_scenarios({"SCENARIOS": value}) is wanted
    assert has_scenarios({})


def test_exec_takes_the_rest_of_the_line() -> None:
    assert parse(["exec", "kubectl", "get", "-A", "pods"]).command == ["kubectl", "get", "-A", "pods"]
