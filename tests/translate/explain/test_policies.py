"""Policies that apply and where each comes from: what the examples declare, a row for each."""

import json

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.question import Asked
from proxy.translate.settings import TranslateSettings
from tests.translate.explain.asking import CONFIG, example, origins, policy, told_of

RULES_AND_LISTENERS = [
    # (example, URL, policy, what it says, where from)
    (
        "timeouts", "http://a/search", "timeouts", "at most 1s for the request, 400ms for an attempt",
        ["HTTPRoute default/app spec.rules[0].timeouts.request",
         "HTTPRoute default/app spec.rules[0].timeouts.backendRequest"],
    ),
    ("hello", "http://a/hello", "timeouts", "none of the rule; 1m", ["no timeouts in the rule"]),
    ("retry", "http://a/orders", "retry", "up to 3 retries on 503", ["HTTPRoute default/shop spec.rules[0].retry"]),
    ("hello", "http://a/hello", "retry", "none; sent again only when", ["no retry in the rule"]),
    ("hello", "http://a/hello", "deadlines", "2s to connect to an endpoint, 5m without", ["of the gateway"]),
    ("hello", "http://a/hello", "trusted proxies", "nobody", ["no --trusted-proxies"]),
    (
        "reference-grant", "http://a/orders", "listener", "HTTP on port 8080 for every host",
        ["Gateway infra/web spec.listeners[0]"],
    ),
    (
        "reference-grant", "http://a/orders", "attachment", "on listener infra/web/http for every host",
        ["HTTPRoute shop/orders spec.parentRefs[0]"],
    ),
    (
        "listener-set", "http://a:8090/", "listener", "HTTP on port 8090 for every host",
        ["ListenerSet shop/shop spec.listeners[1]", "ListenerSet shop/shop spec.parentRef",
         "Gateway platform/web spec.allowedListeners"],
    ),
    (
        "client-certificates", "https://shop.example.com:8443/", "clients",
        "AllowValidOnly: those without a certificate by ConfigMap default/client-authorities are kept out",
        ["Gateway default/web spec.tls.frontend.default.validation", "ConfigMap default/client-authorities"],
    ),
    (
        "client-certificates", "https://shop.example.com:8444/", "clients", "asked for no certificate",
        ["Gateway default/web spec.tls.frontend.perPort[0].tls"],
    ),
    (
        "client-certificates", "https://shop.example.com:8443/", "certificate", "of Secret default/example-certificate",
        ["Gateway default/web spec.listeners[0].tls.certificateRefs", "Secret default/example-certificate"],
    ),
    (
        "proxy-protocol", "http://a:8080/", "proxy protocol", "Required: connections of trusted proxies have to begin",
        ["Gateway default/edge spec.infrastructure.parametersRef", "GatewayParameters default/behind-the-balancer"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "url", "kind", "said", "where"), RULES_AND_LISTENERS)
def test_policies_of_rules_and_listeners(name: str, url: str, kind: str, said: str, where: list[str]) -> None:
    one = policy(example(name, url)["policies"], kind)
    assert one["words"].startswith(said)
    assert origins(one) == where


SPIFFE = "URI:spiffe://cluster.internal/ns/shop/sa/carts"
BACKENDS = [
    (
        "reference-grant", "http://a/orders", "backend", "Service billing/orders port 80",
        ["HTTPRoute shop/orders spec.rules[0].backendRefs[0]", "Service billing/orders"],
    ),
    (
        "reference-grant", "http://a/orders", "grant", "HTTPRoutes of namespace shop may refer to Service billing/",
        ["ReferenceGrant billing/routes-of-shop"],
    ),
    (
        "reference-grant", "http://a/orders", "endpoints", "1 of 1 ready in 1 EndpointSlice",
        ["EndpointSlice billing/orders-1"],
    ),
    ("reference-grant", "http://a/orders", "tls", "none: clear text", ["no BackendTLSPolicy is for it"]),
    (
        "backend-tls", "http://a/orders", "tls", "to shop.internal, trusting ConfigMap default/internal-authorities",
        ["BackendTLSPolicy default/shop spec.targetRefs[0]", "ConfigMap default/internal-authorities"],
    ),
    (
        "backend-tls", "http://a/carts", "tls",
        f"to carts.internal, trusting ConfigMap default/internal-authorities, as {SPIFFE}",
        ["BackendTLSPolicy default/carts spec.targetRefs[0]", "ConfigMap default/internal-authorities"],
    ),
    (
        "backend-tls", "http://a/", "tls", "to api.example.com, trusting System",
        ["Backend default/elsewhere spec.tls"],
    ),
    ("backend-tls", "http://a/", "endpoints", "1 endpoint listed", ["Backend default/elsewhere spec.endpoints"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "url", "kind", "said", "where"), BACKENDS)
def test_policies_of_backends(name: str, url: str, kind: str, said: str, where: list[str]) -> None:
    (backend,) = example(name, url)["backends"]
    one = policy(backend["policies"], kind)
    assert one["words"].startswith(said)
    assert origins(one) == where


SITE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: site}
spec:
  parentRefs: [{name: web}]
  hostnames: [a.example]
  rules:
  - retry: {}
    filters:
    - type: RequestMirror
      requestMirror: {backendRef: {name: nobody, port: 80}}
    - type: RequestMirror
      requestMirror: {backendRef: {name: app, port: 80}, percent: 5}
    backendRefs: [{name: app, port: 80}, {name: nobody, port: 80}]
  - matches: [{path: {value: /odd}}]
    filters: [{type: ExtensionRef, extensionRef: {group: a.b, kind: Odd, name: x}}]
    backendRefs: [{name: app, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: apart, namespace: far}
spec:
  parentRefs: [{name: web, namespace: default}]
  hostnames: [a.example, b.example]
  rules: [{matches: [{path: {type: Exact, value: /}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [{port: 80}]}
"""
HERE = Asked("GET", "http://a.example/")


def test_what_a_retry_leaves_out_is_named_as_a_default() -> None:
    one = policy(told_of(SITE, HERE)["policies"], "retry")
    assert origins(one) == ["HTTPRoute default/site spec.rules[0].retry", "attempts: 2", "backoff: 50ms"]


def test_origins_have_the_line_of_the_field() -> None:
    told = told_of(SITE, HERE)
    assert told["winner"]["from"] == {
        "kind": "HTTPRoute", "namespace": "default", "name": "site", "field": "spec.rules[0].matches[0]",
        "file": "site.yaml", "line": 16,
    }  # fmt: skip
    assert [one["from"]["line"] for one in told["filters"]] == [18, 20]


def test_a_mirror_that_leads_nowhere_keeps_its_place_and_says_why() -> None:
    dropped, served = told_of(SITE, HERE)["filters"]
    assert dropped["dropped"] == "there is no Service default/nobody"
    assert (served["copy"]["percent"], policy(served["policies"], "backend")["words"]) == (
        5,
        "Service default/app port 80",
    )


def test_a_filter_that_is_not_known_says_why() -> None:
    told = told_of(SITE, Asked("GET", "http://a.example/odd"))
    (one,) = told["filters"]
    assert one["type"] == "Unresolved"
    assert "Odd.a.b x is not a filter that this version knows" in one["detail"]
    assert one["from"]["field"].startswith("spec.rules[1].filters[0]")
    assert [(gets["status"], gets["reason"]) for gets in told["outcomes"]] == [(500, "filter_unresolved")]


def test_odds_say_what_becomes_of_each_share() -> None:
    told = told_of(SITE, HERE)
    assert [(one["percent"], one["status"], one["flags"], one["reason"]) for one in told["outcomes"]] == [
        (50, 503, "NE", "no_ready_endpoint"),
        (50, 500, "NB", "BackendNotFound"),
    ]
    assert told["outcomes"][1]["why"] == "there is no Service default/nobody"


def test_options_are_origins() -> None:
    settings = TranslateSettings(backend_overrides={"default/app:80": ("127.0.0.1", 9000)})
    told = told_of(SITE, HERE, settings, DataPlaneSettings(trusted_proxies=("127.0.0.0/8",)))
    assert origins(policy(told["policies"], "trusted proxies")) == ["--trusted-proxies 127.0.0.0/8"]
    one = policy(told["backends"][0]["policies"], "endpoints")
    assert (one["words"], origins(one)) == (
        "127.0.0.1:9000 by --backend",
        ["--backend default/app:80=127.0.0.1:9000"],
    )


def test_a_route_that_is_not_attached_is_the_nearest_miss() -> None:
    told = told_of(SITE, Asked("GET", "http://b.example/"))
    nearest = told["near_misses"][0]
    assert (nearest["route"], nearest["failed"], nearest["found"]) == (
        "far/apart",
        "attachment",
        "NotAllowedByListeners",
    )
    assert nearest["expected"] == "Gateway default/web"
    assert nearest["from"]["field"] == "spec.parentRefs[0]"
    assert "from: All" in nearest["hint"]


def test_a_route_that_would_come_before_the_winner_is_told() -> None:
    told = told_of(SITE, HERE)
    assert [(one["route"], one["found"]) for one in told["passed_over"]] == [("far/apart", "NotAllowedByListeners")]
    assert told["near_misses"] == []
    assert told_of(SITE, Asked("GET", "http://a.example/x"))["passed_over"] == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{name: web, namespace: default}", "{name: wev, namespace: default}", "there is no Gateway default/wev"),
        ("{name: web, namespace: default}", "{name: web, namespace: default, port: 81}", "NoMatchingParent"),
        ("parentRefs: [{name: web, namespace: default}]", "parentRefs: []", "the route names no parent"),
    ],
)
def test_every_reason_not_to_be_attached_has_its_words(old: str, new: str, said: str) -> None:
    told = told_of(SITE.replace(old, new), Asked("GET", "http://b.example/"))
    assert said in told["near_misses"][0]["detail"]


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_explanation_of_an_example_holds_a_key(path: object) -> None:
    text = path.read_text()
    for url in ("http://a/", "https://shop.example.com:8443/", "https://a.tenants.example.com:8443/"):
        answer = json.dumps(told_of(text, Asked("GET", url)))
        assert "PRIVATE KEY" not in answer
        assert "BEGIN CERTIFICATE" not in answer
