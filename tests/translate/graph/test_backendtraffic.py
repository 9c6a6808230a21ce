"""XBackendTrafficPolicy: what it is for, which of several counts, what follows from it, and what is said to whom."""

import json
from typing import Any

import pytest

from proxy.snapshot.session import RetryBudget
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.declare import APP, WEB, condition, declare, route, route_condition, status, translated

ROUTE = route("[{backendRefs: [{name: shop, port: 80}]}]")
SHOP = {"group": "", "kind": "Service", "name": "shop"}
OWN = {"group": "penstock.dev", "kind": "Backend", "name": "app"}
COOKIE = {"cookie": {"name": "c"}}


def service(name: str = "shop", *ports: int) -> str:
    spec = {"ports": [{"port": port, "name": f"p{port}"} for port in ports or (80,)]}
    return json.dumps({"kind": "Service", "metadata": {"name": name}, "spec": spec})


def policy(
    name: str = "p",
    *targets: dict[str, str],
    retry: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
    created: str = "",
    generation: int = 0,
) -> str:
    meta = {"name": name, "generation": generation} | ({"creationTimestamp": created} if created else {})
    spec: dict[str, Any] = {"targetRefs": targets or (SHOP,)}
    spec |= {} if retry is None else {"retryConstraint": retry}
    spec |= {} if session is None else {"sessionPersistence": session}
    return json.dumps({"kind": "XBackendTrafficPolicy", "metadata": meta, "spec": spec})


def budget(translation: Translation, key: str = "default/shop:80") -> RetryBudget | None:
    return translation.snapshot.upstreams[key].retry_budget


def session_policy(translation: Translation, rule: int = 0) -> str | None:
    """The policy that decides of a rule's sessions; "" for the rule itself, None for no sessions."""
    [bucket] = translation.snapshot.buckets.values()
    session = next(each for each in bucket.rules if each.index == rule).session
    return None if session is None else session.policy


def accepted(translation: Translation, name: str = "p") -> tuple[str, str]:
    [ancestor] = status(translation, "XBackendTrafficPolicy", name)["ancestors"]
    assert [item["type"] for item in ancestor["conditions"]] == ["Accepted"]
    return condition(ancestor["conditions"], "Accepted")


def test_it_holds_for_its_service_on_every_port_and_for_no_other() -> None:
    rules = "[{backendRefs: [{name: shop, port: 80}, {name: shop, port: 81}, {name: other, port: 80}]}]"
    found = translated(WEB, route(rules), service("shop", 80, 81), service("other"), policy(retry={}))
    assert budget(found) == RetryBudget("Service/default/shop", 20, 10.0, 10, 1.0)
    assert budget(found, "default/shop:81") == budget(found)
    assert budget(found, "default/other:80") is None


def test_it_may_be_for_our_own_kind() -> None:
    rules = "[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]"
    given = {"budget": {"percent": 5, "interval": "1m"}, "minRetryRate": {"count": 2, "interval": "500ms"}}
    found = translated(WEB, route(rules), APP, policy("p", OWN, retry=given, session=COOKIE))
    assert budget(found, "default/app") == RetryBudget("Backend/default/app", 5, 60.0, 2, 0.5)
    assert session_policy(found) == "default/p"
    assert accepted(found) == ("True", "Accepted")


def test_its_status_names_the_gateways_that_lead_to_its_target() -> None:
    found = translated(WEB, ROUTE, service(), policy(retry={}, generation=3))
    [ancestor] = status(found, "XBackendTrafficPolicy", "p")["ancestors"]
    assert ancestor["ancestorRef"] == {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": "default",
        "name": "web",
    }
    assert ancestor["controllerName"] == TranslateSettings().controller_name
    assert [item["observedGeneration"] for item in ancestor["conditions"]] == [3]


def test_nobody_speaks_of_one_that_is_for_what_nobody_uses() -> None:
    found = translated(WEB, ROUTE, service(), service("idle"), policy("p", {**SHOP, "name": "idle"}, retry={}))
    assert [item.kind for item in found.statuses if item.kind == "XBackendTrafficPolicy"] == []


def test_the_oldest_counts_then_the_first_by_name_and_the_others_are_told() -> None:
    texts = [
        policy("a", retry={}, created="2026-01-02T00:00:00Z"),
        policy("b", session=COOKIE, created="2026-01-01T00:00:00Z"),
        policy("c", retry={}, created="2026-01-01T00:00:00Z"),
    ]
    found = translated(WEB, ROUTE, service(), *texts)
    assert budget(found) is None and session_policy(found) == "default/b"
    assert [accepted(found, name) for name in "abc"] == [
        ("False", "Conflicted"),
        ("True", "Accepted"),
        ("False", "Conflicted"),
    ]
    [message] = [problem.message for problem in found.problems if problem.name == "a"]
    assert message == "XBackendTrafficPolicy default/b is for Service default/shop, too, and is older or first by name"


def test_one_that_lost_a_target_counts_for_its_others() -> None:
    rules = "[{backendRefs: [{name: shop, port: 80}, {name: other, port: 80}]}]"
    late = policy("z", SHOP, {**SHOP, "name": "other"}, retry={"budget": {"percent": 1}})
    found = translated(WEB, route(rules), service(), service("other"), policy("a", retry={}), late)
    assert budget(found, "default/shop:80") == RetryBudget("Service/default/shop", 20, 10.0, 10, 1.0)
    assert budget(found, "default/other:80") == RetryBudget("Service/default/other", 1, 10.0, 10, 1.0)


BAD = [
    # (retryConstraint, sessionPersistence, the field)
    ({"budget": {"interval": "0s"}}, None, "spec.retryConstraint.budget.interval"),
    ({"budget": {"interval": "2h"}}, None, "spec.retryConstraint.budget.interval"),
    ({"minRetryRate": {"interval": "0s"}}, None, "spec.retryConstraint.minRetryRate.interval"),
    ({"minRetryRate": {"interval": "2h"}}, None, "spec.retryConstraint.minRetryRate.interval"),
    (None, {"sessionName": "a b"}, "spec.sessionPersistence.sessionName"),
    (None, {"sessionName": ""}, "spec.sessionPersistence.sessionName"),
    (None, {"sessionName": "a\r\nX: y"}, "spec.sessionPersistence.sessionName"),
    (None, {"type": "Header", "sessionName": "Content-Length"}, "spec.sessionPersistence.sessionName"),
    (None, {"type": "Header", "header": {"name": "x_forwarded_for"}}, "spec.sessionPersistence.header.name"),
    (None, {"type": "Header", "header": {"name": "Cookie"}}, "spec.sessionPersistence.header.name"),
    (None, {"cookie": {"path": "shop"}}, "spec.sessionPersistence.cookie.path"),
    (None, {"cookie": {"path": "/a; Domain=evil.example"}}, "spec.sessionPersistence.cookie.path"),
    (None, {"cookie": {"path": "/a\r\n"}}, "spec.sessionPersistence.cookie.path"),
    (None, {"cookie": {"lifetimeType": "Permanent"}}, "spec.sessionPersistence.absoluteTimeout"),
    (
        None,
        {"cookieConfig": {"lifetimeType": "Permanent"}, "absoluteTimeout": "0s"},
        "spec.sessionPersistence.absoluteTimeout",
    ),
    (None, {"type": "Header", "cookie": {}}, "spec.sessionPersistence.cookie"),
    (None, {"header": {"name": "x"}}, "spec.sessionPersistence.header"),
]


@pytest.mark.parametrize(("retry", "session", "field"), BAD)
def test_one_that_makes_no_sense_is_invalid_and_has_no_effect(
    retry: dict[str, Any] | None, session: dict[str, Any] | None, field: str
) -> None:
    found = translated(WEB, ROUTE, service(), policy(retry=retry or {}, session=session or COOKIE))
    assert accepted(found) == ("False", "Invalid")
    assert budget(found) is None and session_policy(found) is None
    assert [problem.field for problem in found.problems if problem.name == "p"] == [field]
    assert route_condition(found, "Accepted") == ("True", "Accepted")


def test_a_target_that_is_not_there() -> None:
    found = translated(WEB, ROUTE, service(), policy("p", SHOP, {**SHOP, "name": "shpo"}, retry={}))
    assert accepted(found) == ("False", "TargetNotFound")
    assert budget(found) is not None, "the one that is there is treated as it says"
    [problem] = [problem for problem in found.problems if problem.name == "p"]
    assert (problem.field, problem.hint) == ("spec.targetRefs[1].name", "did you mean 'shop'?")


@pytest.mark.parametrize(("group", "kind"), [("", "ConfigMap"), ("example.com", "Service"), ("", "Backend")])
def test_a_kind_that_policies_cannot_be_for(group: str, kind: str) -> None:
    found = translated(WEB, ROUTE, service(), policy("p", SHOP, {"group": group, "kind": kind, "name": "shop"}))
    assert accepted(found) == ("False", "Invalid")
    [problem] = [problem for problem in found.problems if problem.name == "p"]
    assert (problem.field, problem.hint) == ("spec.targetRefs[1].kind", "use Service or Backend.penstock.dev")


# --- sessions of rules ------------------------------------------------------------------------

SPLIT = "[{%sbackendRefs: [{name: shop, port: 80, weight: 0}, {name: other, port: 80}]}]"


def split(*texts: str, own: str = "") -> Translation:
    return translated(WEB, route(SPLIT % own), service(), service("other"), *texts)


def test_what_the_rule_says_overrides_every_policy() -> None:
    found = split(policy(session=COOKIE), own="sessionPersistence: {cookie: {name: mine}}, ")
    assert session_policy(found) == "" and found.problems == split(policy(session=COOKIE)).problems


def test_the_policy_of_one_backend_decides_for_all_of_the_rule() -> None:
    assert session_policy(split(policy("p", {**SHOP, "name": "other"}, session=COOKIE))) == "default/p"


def test_of_several_the_first_backend_s_decides_and_the_rest_are_named() -> None:
    same = split(policy("a", {**SHOP, "name": "other"}, session=COOKIE), policy("z", session=COOKIE))
    assert session_policy(same) == "default/z"
    assert [problem for problem in same.problems if "sessions" in problem.message] == []
    differs = split(policy("a", {**SHOP, "name": "other"}, session={}), policy("z", session=COOKIE))
    [problem] = [problem for problem in differs.problems if "sessions" in problem.message]
    assert (problem.severity, problem.field) == ("warning", "spec.rules[0].backendRefs[1]")
    assert problem.message == "sessions of the rule follow default/z, not default/a of this backend"


def test_a_policy_reaches_rules_of_routes_that_did_not_change() -> None:
    base = [WEB, ROUTE, service()]
    first = translate(declare(*base), TranslateSettings())
    shared = list(first.resources)
    steps = [(policy(session=COOKIE, retry={}), "default/p"), ("", None), (policy("q", session=COOKIE), "default/q")]
    previous = first
    for text, expected in steps:
        resources = type(first.resources)([*shared, *(list(declare(text)) if text else [])])
        previous = translate(resources, TranslateSettings(), previous)
        assert session_policy(previous) == expected
        assert (budget(previous) is not None) == (expected == "default/p")


def test_a_bad_session_drops_its_rule_as_unsupported() -> None:
    rules = "[{sessionPersistence: {sessionName: 'a b'}, %s}, {matches: [{path: {value: /ok}}], %s}]"
    refs = "backendRefs: [{name: shop, port: 80}]"
    found = translated(WEB, route(rules % (refs, refs)), service())
    assert route_condition(found, "Accepted") == ("True", "Accepted")
    assert route_condition(found, "PartiallyInvalid") == ("True", "UnsupportedValue")
    [problem] = [problem for problem in found.problems if problem.severity == "error"]
    assert problem.field == "spec.rules[0].sessionPersistence.sessionName"
