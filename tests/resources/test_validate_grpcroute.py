# ruff: noqa: UP031 - braces are the business of the YAML here
"""GRPCRoute: what an HTTPRoute may say it may say at the same place, and what its methods must be."""

import pytest

from tests.resources.yamlset import findings, spec_of

HEAD = """
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls}
spec: %s
"""


def rule(text: str) -> str:
    return HEAD % "{rules: [{%s}]}" % text


def method(text: str) -> str:
    return rule("matches: [{method: {%s}}]" % text)


METHOD = "spec.rules[0].matches[0].method"
REF = "{name: s, port: 80}"
SET = "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}"
MIRROR = "{type: RequestMirror, requestMirror: {backendRef: %s}}" % REF


@pytest.mark.parametrize(
    "text",
    [
        HEAD % "{}",
        HEAD % "{rules: []}",
        HEAD % "{parentRefs: [{name: g}], hostnames: ['*.example.com'], useDefaultGateways: All}",
        rule("name: one"),
        rule("matches: [{}]"),
        method("service: com.example.User_2, method: Log_in"),
        method("service: .com.example.User"),
        method("service: User"),
        method("method: _m"),
        method("type: RegularExpression, service: 'com[.]example[.].*', method: 'Get|Put'"),
        rule("matches: [{headers: [{name: version, value: two}, {name: x, type: RegularExpression, value: a.*}]}]"),
        rule("filters: [%s, %s, %s], backendRefs: [%s]" % (SET, MIRROR, MIRROR, REF)),
        rule("backendRefs: [{name: s, port: 80, weight: 0, filters: [%s]}]" % SET),
        rule("sessionPersistence: {type: Header}"),
    ],
)
def test_what_is_sound(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "field", "part"),
    [
        (method(""), METHOD, "needs a service, a method, or both"),
        (method("type: RegularExpression"), METHOD, "needs a service, a method, or both"),
        (method("service: /a.B"), f"{METHOD}.service", "is not a gRPC service"),
        (method("service: a..B"), f"{METHOD}.service", "is not a gRPC service"),
        (method("service: 1a.B"), f"{METHOD}.service", "is not a gRPC service"),
        (method('service: ""'), f"{METHOD}.service", "is not a gRPC service"),
        (method("service: a.B, method: Get/All"), f"{METHOD}.method", "is not a gRPC method"),
        (method("method: a.b"), f"{METHOD}.method", "is not a gRPC method"),
        (method("type: Prefix, service: a"), f"{METHOD}.type", ""),
        (method("service: %s" % ("a" * 1025)), f"{METHOD}.service", ""),
        (rule("matches: [{path: {value: /}}]"), "spec.rules[0].matches[0].path", ""),
        (rule("matches: [{headers: [{name: a, value: b}, {name: a, value: c}]}]"),
         "spec.rules[0].matches[0].headers[1].name", "listed twice"),
        (rule("filters: [%s, %s]" % (SET, SET)), "spec.rules[0].filters", "can be used once"),
        (rule("filters: [{type: RequestMirror}]"), "spec.rules[0].filters[0].requestMirror", "required"),
        (rule("filters: [{type: URLRewrite, urlRewrite: {}}]"), "spec.rules[0].filters[0].type", ""),
        (rule("timeouts: {request: 1s}"), "spec.rules[0].timeouts", ""),
        (rule("backendRefs: [{name: s}]"), "spec.rules[0].backendRefs[0].port", "required"),
        (rule("name: a}, {name: a"), "spec.rules[1].name", "is the name of rules[0]"),
        (HEAD % "{parentRefs: [{name: g}, {name: g}]}", "spec.parentRefs[1]", "the same way twice"),
        (HEAD % "{rules: [%s]}" % ", ".join(["{matches: [%s]}" % ", ".join(["{}"] * 64)] * 3), "spec.rules", "192"),
        (HEAD % "{rules: [%s]}" % ", ".join(["{}"] * 17), "spec.rules", ""),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, field: str, part: str) -> None:
    assert [(at, part in message) for at, message in findings(text) if at == field] == [(field, True)]


def test_what_is_left_out() -> None:
    spec = spec_of(rule("backendRefs: [%s]" % REF))
    assert (spec.rules[0].matches, spec.rules[0].backend_refs[0].weight) == ((), 1)
