# ruff: noqa: UP031 - braces are the business of the YAML here
"""TCPRoute, TLSRoute, UDPRoute: what their CRDs say, one row each."""

import pytest

from tests.resources.yamlset import findings

REF = "backendRefs: [{name: s, port: 80}]"


def route(kind: str, spec: str, version: str = "v1") -> str:
    return f"""
apiVersion: gateway.networking.k8s.io/{version}
kind: {kind}
metadata: {{name: r}}
spec: {spec}
"""


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        *(("TCPRoute", version) for version in ("v1", "v1alpha2")),
        *(("UDPRoute", version) for version in ("v1", "v1alpha2")),
        *(("TLSRoute", version) for version in ("v1", "v1alpha3", "v1alpha2")),
    ],
)
def test_every_version_that_an_api_server_may_have_is_read(kind: str, version: str) -> None:
    hostnames = "hostnames: [a.example.com, '*.example.com'], " if kind == "TLSRoute" else ""
    assert findings(route(kind, "{parentRefs: [{name: g}], %srules: [{%s}]}" % (hostnames, REF), version)) == []


@pytest.mark.parametrize("kind", ["TCPRoute", "UDPRoute"])
@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ("{}", "spec.rules", "required, but missing"),
        ("{rules: []}", "spec.rules", ""),
        ("{rules: [{%s}, {%s}]}" % (REF, REF), "spec.rules", ""),
        ("{rules: [{}]}", "spec.rules[0].backendRefs", "required, but missing"),
        ("{rules: [{backendRefs: []}]}", "spec.rules[0].backendRefs", ""),
        (
            "{rules: [{backendRefs: [{name: s}]}]}",
            "spec.rules[0].backendRefs[0].port",
            "required when the backend is a Service",
        ),
        ("{rules: [{backendRefs: [{name: s, port: 80, weight: -1}]}]}", "spec.rules[0].backendRefs[0].weight", ""),
        ("{parentRefs: [{name: g}, {name: g}], rules: [{%s}]}" % REF, "spec.parentRefs[1]", ""),
        ("{hostnames: [a.example.com], rules: [{%s}]}" % REF, "spec.hostnames", ""),
    ],
)
def test_what_the_crd_refuses_is_refused(kind: str, spec: str, field: str, message: str) -> None:
    [(at, said)] = findings(route(kind, spec))
    assert at == field and message in said


@pytest.mark.parametrize(
    ("hostnames", "field"),
    [
        ("", "spec.hostnames"),
        ("hostnames: [], ", "spec.hostnames"),
        ("hostnames: [192.0.2.1], ", "spec.hostnames[0]"),
        ("hostnames: ['2001:db8::1'], ", "spec.hostnames[0]"),
        ("hostnames: [a.example.com, 'b.*.example.com'], ", "spec.hostnames[1]"),
        ("hostnames: ['*'], ", "spec.hostnames[0]"),
    ],
)
def test_server_names_are_names(hostnames: str, field: str) -> None:
    assert [at for at, _ in findings(route("TLSRoute", "{%srules: [{%s}]}" % (hostnames, REF)))] == [field]


def test_a_backend_of_another_kind_needs_no_port() -> None:
    ref = "backendRefs: [{name: b, kind: Backend, group: penstock.dev}]"
    assert findings(route("TCPRoute", "{rules: [{%s}]}" % ref)) == []
