# ruff: noqa: UP031 - braces are the business of the YAML here
"""All mistakes of an object at once, each with its field, what is wrong, and what to do."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.resources.core import ServicePort
from proxy.resources.httproute import HTTPRoute, HTTPRouteRule
from proxy.resources.mismatch import mismatches, show
from proxy.resources.problem import dotted
from tests.resources.yamlset import decode

HEAD = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: web}, spec: %s}"

CASES = [
    ("{rules: [{backendRefs: [{name: a, port: '8080'}]}]}", "spec.rules[0].backendRefs[0].port",
     'got "8080" (string), want an integer 1–65535', "remove the quotes: 8080"),
    ("{rules: [{backendRefs: [{name: a, port: 70000}]}]}", "spec.rules[0].backendRefs[0].port",
     "got 70000, want an integer 1–65535", ""),
    ("{rules: [{backendRefs: [{name: a, port: 80, wieght: 3}]}]}", "spec.rules[0].backendRefs[0].wieght",
     "unknown field", "did you mean weight?"),
    ("{zzz: 1}", "spec.zzz", "unknown field",
     "known here: parentRefs, hostnames, rules, useDefaultGateways"),
    ("{rules: [{backendRefs: [{port: 80}]}]}", "spec.rules[0].backendRefs[0].name", "required, but missing", ""),
    ("{rules: {}}", "spec.rules", "got a mapping, want a list", 'begin each entry with "- "'),
    ("{rules: []}", "spec.rules", "is empty, at least 1 is needed", ""),
    ("{rules: [text]}", "spec.rules[0]",
     'got "text" (string), want fields such as name, matches, filters, backendRefs', ""),
    ("{rules: [{matches: [{method: get}]}]}", "spec.rules[0].matches[0].method",
     'got "get" (string), want GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE or PATCH',
     "did you mean GET?"),
    ("{rules: [{matches: [{headers: [{name: x, value: on}]}]}]}", "spec.rules[0].matches[0].headers[0].value",
     "got true (boolean), want visible ASCII, single spaces or tabs inside only, no line break",
     "YAML reads this as true: put it in quotes"),
    ("{rules: [{matches: [{headers: [{name: x, value: 0755}]}]}]}", "spec.rules[0].matches[0].headers[0].value",
     "got 493 (integer), want visible ASCII, single spaces or tabs inside only, no line break",
     "YAML reads this as the number 493: put it in quotes"),
    ('{rules: [{matches: [{headers: [{name: x, value: "a\\n"}]}]}]}', "spec.rules[0].matches[0].headers[0].value",
     'got "a\\n" (string), want visible ASCII, single spaces or tabs inside only, no line break',
     "it ends with a line break; in YAML write |- or >- instead of | or >"),
    ('{rules: [{matches: [{headers: [{name: x, value: " a"}]}]}]}', "spec.rules[0].matches[0].headers[0].value",
     'got " a" (string), want visible ASCII, single spaces or tabs inside only, no line break',
     "it begins or ends with a space"),
    ("{hostnames: ['Shop.example.com']}", "spec.hostnames[0]",
     ('got "Shop.example.com" (string), want a lower-case host name such as shop.example.com, '
     "or *.example.com for all below it"), ""),
    ("{hostnames: ['']}", "spec.hostnames[0]",
     'got "", want a lower-case host name such as shop.example.com, or *.example.com for all below it', ""),
    ("{rules: [{filters: [{type: CORS, cors: {allowCredentials: 'true'}}]}]}",
     "spec.rules[0].filters[0].cors.allowCredentials", 'got "true" (string), want true or false',
     "remove the quotes: true"),
    ("{rules: [{filters: [{type: CORS, cors: {maxAge: 0}}]}]}", "spec.rules[0].filters[0].cors.maxAge",
     "got 0, want an integer from 1", ""),
    ("{rules: [{filters: [{type: CORS, cors: {maxAge: 99999999999}}]}]}", "spec.rules[0].filters[0].cors.maxAge",
     "got 99999999999, want an integer 1–2147483647", ""),
    ("{rules: [{filters: [{type: RequestRedirect, requestRedirect: {statusCode: 404}}]}]}",
     "spec.rules[0].filters[0].requestRedirect.statusCode",
     "got 404 (integer), want 301, 302, 303, 307 or 308", ""),
    ("{rules: [{timeouts: {request: 10}}]}", "spec.rules[0].timeouts.request",
     "got 10 (integer), want a duration such as 500ms, 10s or 1h30m (up to four parts, each at most 5 digits)",
     "YAML reads this as the number 10: put it in quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "field", "message", "hint"), CASES)
def test_a_mistake_is_named_with_its_place_and_its_cure(spec: str, field: str, message: str, hint: str) -> None:
    (finding,) = decode(HEAD % spec).findings
    assert (dotted(finding.path), finding.message, finding.hint) == (field, message, hint)


def test_all_mistakes_are_told_at_once() -> None:
    spec = "{hostnames: [1], rules: [{backendRefs: [{port: x}], nmae: a}, {matches: 3}], parentRefs: [{}]}"
    assert len(decode(HEAD % spec).findings) == 6


@pytest.mark.parametrize(
    ("limit", "spec"),
    [
        (16, "{hostnames: [%s]}" % ", ".join(f"h{i}.example.com" for i in range(17))),
        (16, "{rules: [%s]}" % ", ".join("{}" for _ in range(17))),
        (32, "{parentRefs: [%s]}" % ", ".join(f"{{name: g{i}}}" for i in range(33))),
        (64, "{rules: [{matches: [%s]}]}" % ", ".join("{path: {value: /a}}" for _ in range(65))),
        (16, "{rules: [{backendRefs: [%s]}]}" % ", ".join("{name: a, port: 1}" for _ in range(17))),
    ],
)
def test_lists_have_their_limits(limit: int, spec: str) -> None:
    (finding,) = decode(HEAD % spec).findings
    assert finding.message == f"has {limit + 1} entries, at most {limit} are allowed"


def test_text_has_its_limits() -> None:
    (finding,) = decode(HEAD % f"{{rules: [{{matches: [{{path: {{value: /{'a' * 1024}}}}}]}}]}}").findings
    assert finding.message == "1025 characters long, at most 1024 are allowed"


def test_either_of_two_types_will_do() -> None:
    for target in (80, "http"):
        assert mismatches(ServicePort, {"port": 80, "targetPort": target})[1] == []
    (finding,) = mismatches(ServicePort, {"port": 80, "targetPort": []})[1]
    assert finding.message == "got a list, want an integer"


def test_labels_must_be_text() -> None:
    text = "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {b: 1, c: yes}}}"
    assert len(decode(text).findings) == 2
    (finding,) = decode("{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: [x]}}").findings
    assert finding.message == "got a list, want keys and values"


def test_the_values_of_a_secret_are_not_repeated() -> None:
    decoded = decode("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {pin: 4711}}")
    (finding,) = decoded.findings
    assert finding.message == "got an integer, want text"
    assert "4711" not in finding.hint


def test_long_values_are_cut() -> None:
    assert show("a" * 100) == f'"{"a" * 59}… (string)'


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 100_000) | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "matches", "path", "type", "value", "filters", "port"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(values)
def test_the_walker_and_msgspec_agree(value: object) -> None:
    """No findings if and only if the cleaned value converts: nothing is refused in silence or let through."""
    cleaned, findings = mismatches(HTTPRouteRule, value)
    try:
        msgspec.convert(cleaned, HTTPRouteRule, strict=True)
    except msgspec.ValidationError:
        assert findings
    else:
        assert not findings


def test_a_whole_route_has_no_mismatch() -> None:
    value = {"apiVersion": "a/v1", "kind": "HTTPRoute", "metadata": {}, "spec": {"rules": [{}]}}
    assert mismatches(HTTPRoute, value)[1] == []
