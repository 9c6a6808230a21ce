"""Every expectation: one request for which it holds, and one for which it does not, with the words for it."""

from typing import Any

import msgspec
import pytest

from proxy.cases.answer import Outcome
from proxy.cases.compare import EXPECTATIONS, compare
from proxy.cases.model import Expectations
from proxy.cli.loading import explained, load_given
from proxy.snapshot.question import Asked
from proxy.sources.read import FileBytes
from proxy.translate.explain.explain import Explained

CONFIG = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: web}]
  rules:
  - name: split
    matches: [{path: {value: /split}}]
    backendRefs:
    - {group: penstock.dev, kind: Backend, name: one, weight: 2}
    - group: penstock.dev
      kind: Backend
      name: two
      filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /two}}}]
  - matches: [{path: {value: /half}}]
    backendRefs:
    - {group: penstock.dev, kind: Backend, name: one}
    - {group: penstock.dev, kind: Backend, name: missing}
  - matches: [{path: {value: /idle}}]
    backendRefs: [{name: idle, port: 80}]
  - matches: [{path: {value: /none}}]
  - matches: [{path: {value: /old}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: new.example, statusCode: 301}}]
  - matches: [{path: {value: /whole}}, {path: {value: /all}}]
    timeouts: {request: 90s}
    retry: {codes: [503], attempts: 3, backoff: 50ms}
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: b}], remove: [X-Gone]}}
    - type: RequestMirror
      requestMirror: {backendRef: {group: penstock.dev, kind: Backend, name: two}, percent: 25}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: Vary, value: x}]}}
    backendRefs: [{group: penstock.dev, kind: Backend, name: one}]
---
apiVersion: penstock.dev/v1alpha1
kind: Backend
metadata: {name: one}
spec: {endpoints: [{host: 127.0.0.1, port: 1}]}
---
apiVersion: penstock.dev/v1alpha1
kind: Backend
metadata: {name: two}
spec: {endpoints: [{host: 127.0.0.1, port: 2}]}
---
apiVersion: v1
kind: Service
metadata: {name: idle}
spec: {ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def source() -> Explained:
    return explained(load_given([FileBytes("config.yaml", CONFIG.encode())]))


def differences(source: Explained, url: str, **expected: Any) -> list[str]:
    wanted = msgspec.convert(expected, Expectations)
    return list(map(str, compare(wanted, Outcome(source, Asked("GET", url, (("X-Gone", "1"),))))))


WHOLE, SPLIT, HALF, IDLE, OLD, NONE, NOWHERE = (
    f"http://a/{path}" for path in ("whole", "split", "half", "idle", "old", "none", "nowhere")
)
ODDS = "default/one (66.67 %), default/two (33.33 %)"
HELD = [
    (NOWHERE, {"no_match": True, "status": 404}),
    (WHOLE, {"no_match": False, "route": "r", "rule": 5, "match": 0, "listener": "http", "backend": "one"}),
    (WHOLE, {"route": "default/r", "listener": "default/web/http", "backend": "default/one", "path": "/whole"}),
    (WHOLE, {"host": "a", "headers": {"X-A": "b", "x-gone": None, "via": ["1.1 penstock-*"]}}),
    (WHOLE, {"response_headers": {"Vary": ["x"], "server": None}, "mirrors": {"two": 25}}),
    (WHOLE, {"timeouts": {"request": "1m30s", "backendRequest": "0s"}, "retry": {"attempts": 3, "codes": [503]}}),
    (SPLIT, {"rule": "split", "backends": {"one": 66.67, "two": 33.33, "three": 0}, "mirrors": []}),
    (HALF, {"backends": {"one": 50, "missing": 50}}),
    (IDLE, {"status": 503, "backend": "idle:80", "path": "/idle"}),
    (NONE, {"status": 500, "backends": {}}),
    (OLD, {"status": 301, "location": "http://new.example/old", "headers": {"location": "http://new.example/old"}}),
    ("http://a/%zz", {"status": 400}),
]
BROKEN = [
    (WHOLE, "no_match", True, "no_match: expected no rule to take it, got default/r rule 5 match 0"),
    (NOWHERE, "no_match", False, "no_match: expected a rule to take it, got no rule that takes it"),
    (WHOLE, "route", "s", "route: expected default/s, got default/r rule 5 match 0"),
    (WHOLE, "rule", 4, "rule: expected 4, got default/r rule 5 match 0"),
    (SPLIT, "rule", "whole", "rule: expected whole, got default/r rule 0 (split) match 0"),
    (WHOLE, "match", 1, "match: expected 1, got default/r rule 5 match 0"),
    (WHOLE, "listener", "https", "listener: expected https, got default/web/http"),
    (WHOLE, "listener", "p", "listener: expected p, got default/web/http"),
    ("http://a:81/", "listener", "http", "listener: expected http, got nothing listens on port 81; declared ports: 80"),
    ("http://a:81/", "status", 404, "status: expected the gateway to answer 404, got nothing listens on port 81"),
    (WHOLE, "status", 404, "status: expected the gateway to answer 404, got default/one"),
    (
        HALF,
        "status",
        500,
        "status: expected the gateway to answer 500, got default/one (50 %), 500: default/missing cannot be used: Ba",
    ),
    (OLD, "location", "http://b/", "location: expected http://b/, got 301 to http://new.example/old"),
    (WHOLE, "location", "http://b/", "location: expected http://b/, got default/one"),
    (SPLIT, "backend", "one", f"backend: expected default/one, got {ODDS}"),
    (NONE, "backend", "one", "backend: expected default/one, got 500: the rule has no backend"),
    (
        SPLIT,
        "backends",
        {"one": 50, "two": 50},
        f"backends: expected default/one (50 %), default/two (50 %), got {ODDS}",
    ),
    (SPLIT, "path", "/two", "path[default/one]: expected /two, got /split"),
    (SPLIT, "host", "b", "host[default/one]: expected b, got a"),
    (OLD, "path", "/old", "path: expected /old, got nothing forwarded: 301 to http://new.example/old"),
    (WHOLE, "headers", {"X-A": None}, "headers.x-a: expected none, got 'b'"),
    (WHOLE, "headers", {"X-Gone": ["1", "2"]}, "headers.x-gone: expected '1', '2', got none"),
    (WHOLE, "response_headers", {"Vary": "y"}, "response_headers.vary: expected 'y', got 'x'"),
    (WHOLE, "mirrors", ["two"], "mirrors: expected default/two (100 %), got default/two (25 %)"),
    (NONE, "mirrors", ["two"], "mirrors: expected default/two (100 %), got nobody"),
    (WHOLE, "timeouts", {"request": "1s"}, "timeouts.request: expected 1s, got 1m30s"),
    (SPLIT, "timeouts", {"backendRequest": "1s"}, "timeouts.backendRequest: expected 1s, got 0s"),
    (SPLIT, "retry", {"attempts": 1}, "retry: expected retries, got none"),
    (WHOLE, "retry", {"attempts": 1}, "retry.attempts: expected 1, got 3"),
    (WHOLE, "retry", {"codes": [504]}, "retry.codes: expected [504], got [503]"),
    (WHOLE, "retry", {"backoff": "1s"}, "retry.backoff: expected 1s, got 50ms"),
]


@pytest.mark.parametrize(("url", "expected"), HELD)
def test_what_is_so_holds(source: Explained, url: str, expected: dict[str, Any]) -> None:
    assert differences(source, url, **expected) == []


@pytest.mark.parametrize(("url", "field", "expected", "words"), BROKEN)
def test_what_is_not_so_is_told(source: Explained, url: str, field: str, expected: Any, words: str) -> None:
    told = differences(source, url, **{field: expected})
    assert told
    assert told[0].startswith(words)


def test_every_expectation_is_tried_in_both_directions() -> None:
    fields = set(Expectations.__struct_fields__)
    assert list(EXPECTATIONS) == list(Expectations.__struct_fields__)
    assert {field for _, expected in HELD for field in expected} == fields
    assert {field for _, field, _, _ in BROKEN} == fields


def test_a_difference_at_one_of_several_backends_names_it(source: Explained) -> None:
    told = differences(source, SPLIT, path="/", response_headers={"a": "b"})
    assert told == [
        "path[default/one]: expected /, got /split",
        "path[default/two]: expected /, got /two",
        "response_headers[default/one].a: expected 'b', got none",
        "response_headers[default/two].a: expected 'b', got none",
    ]
