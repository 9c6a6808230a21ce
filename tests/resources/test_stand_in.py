"""Stand-ins: an unsound object that protects others still does."""

import pytest

from proxy.resources.backendtlspolicy import UNSOUND, BackendTLSPolicy
from proxy.resources.direct_response import DirectResponse
from proxy.resources.validate_direct_response import validate_direct_response
from tests.resources.yamlset import decode

SOUND = "{hostname: a.example, wellKnownCACertificates: System}"


def policy(targets: str, validation: str = SOUND, *, more: str = "", version: str = "v1") -> str:
    return (
        f"{{apiVersion: gateway.networking.k8s.io/{version}, kind: BackendTLSPolicy, metadata: {{name: p}}, "
        f"spec: {{targetRefs: {targets}, validation: {validation}{more}}}}}"
    )


TARGET = "{group: '', kind: Service, name: a}"
PORT = "{group: '', kind: Service, name: a, sectionName: https}"

UNSOUND_POLICIES = [
    (policy(f"[{TARGET}]", "{hostname: a.example}"), [("a", None)]),
    (policy(f"[{TARGET}]", "{hostnam: a.example}"), [("a", None)]),
    (policy(f"[{TARGET}]", "7"), [("a", None)]),
    (policy(f"[{PORT}]", more=", optons: {}"), [("a", "https")]),
    (policy(f"[{TARGET}, {PORT}]"), [("a", None), ("a", "https")]),
    (policy("[{kind: Service, name: a, sectionName: 7}]"), [("a", None)]),
    (policy(f"[{TARGET}]", version="v1alpha3"), [("a", None)]),
]


@pytest.mark.parametrize(("text", "targets"), UNSOUND_POLICIES)
def test_it_is_for_the_same_targets_and_trusts_nobody(text: str, targets: list[tuple[str, str | None]]) -> None:
    decoded = decode(text)
    assert decoded.item is None and decoded.findings
    found = decoded.stand_in
    assert isinstance(found, BackendTLSPolicy)
    assert str(found.key) == "default/p"
    assert [(target.name, target.section_name) for target in found.spec.target_refs] == targets
    assert found.spec.validation.well_known_ca_certificates == UNSOUND


@pytest.mark.parametrize(
    "text",
    [
        policy("7"),
        policy("[]"),
        policy("[7]"),
        policy(f"[{TARGET}]").replace("name: p", "name: 7"),
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: 7}",
    ],
)
def test_where_nobody_can_tell_what_it_is_for_there_is_none(text: str) -> None:
    decoded = decode(text)
    assert decoded.item is None
    assert decoded.stand_in is None


def test_what_is_sound_needs_none() -> None:
    assert decode(policy(f"[{TARGET}]")).stand_in is None


@pytest.mark.parametrize("spec", ["{status: 600}", "{status: 204, body: a}", "{text: a}", "7"])
def test_a_filter_that_cannot_be_read_is_there_all_the_same(spec: str) -> None:
    decoded = decode(
        f"{{apiVersion: penstock.dev/v1alpha1, kind: DirectResponse, metadata: {{name: a}}, spec: {spec}}}"
    )
    assert decoded.item is None
    found = decoded.stand_in
    assert isinstance(found, DirectResponse) and str(found.key) == "default/a"
    assert [finding.message for finding in validate_direct_response(found)] == ["it cannot be read"]
