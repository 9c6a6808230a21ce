"""useDefaultGateways and defaultScope (GEP-3793): who is a parent, as Gateways become default ones and cease to be."""

import pytest

from proxy.resources.meta import ObjectKey
from tests.translate.declare import APP, condition, status, translated
from tests.translate.test_incremental import World

CLASS = """
kind: GatewayClass
metadata: {name: penstock}
spec: {controllerName: penstock.dev/gateway-controller}
"""


def gateway(name: str, scope: str = "", port: int = 80, since: str = "", listeners: str = "") -> str:
    own = f"{{name: http, protocol: HTTP, port: {port}, allowedRoutes: {{namespaces: {{from: All}}}}}}"
    return f"""
kind: Gateway
metadata: {{name: {name}{f', creationTimestamp: "{since}"' if since else ""}}}
spec:
  gatewayClassName: penstock
  {f"defaultScope: {scope}" if scope else ""}
  listeners: [{listeners or own}]
"""


def route(name: str = "r", asks: str = "useDefaultGateways: All", hostname: str = "") -> str:
    return f"""
kind: HTTPRoute
metadata: {{name: {name}, namespace: app}}
spec:
  {asks}
  {f"hostnames: [{hostname}]" if hostname else ""}
  rules: [{{backendRefs: [{{group: penstock.dev, kind: Backend, name: app, namespace: app}}]}}]
"""


APP_THERE = APP.replace("{name: app}", "{name: app, namespace: app}")


def parents(*texts: str) -> list[tuple[str, str]]:
    """(Gateway, reason of Accepted) of route app/r."""
    statuses = translated(*texts, APP_THERE).statuses
    found = [one.status for one in statuses if (one.kind, one.key) == ("HTTPRoute", ObjectKey("app", "r"))]
    return [
        (parent["parentRef"]["name"], condition(parent["conditions"], "Accepted")[1])
        for each in found
        for parent in each["parents"]
    ]


def said(*texts: str, **settings: bool) -> list[str]:
    return [problem.message for problem in translated(*texts, APP_THERE, **settings).problems]


@pytest.mark.parametrize(
    ("scope", "asks", "attached"),
    [
        ("All", "useDefaultGateways: All", True),
        ("None", "useDefaultGateways: All", False),
        ("", "useDefaultGateways: All", False),
        ("All", "useDefaultGateways: None", False),
        ("All", "parentRefs: []", False),
    ],
)
def test_both_sides_have_to_say_so(scope: str, asks: str, attached: bool) -> None:
    assert parents(gateway("web", scope), route(asks=asks)) == ([("web", "Accepted")] if attached else [])


@pytest.mark.parametrize(("scope", "told"), [("All", ("True", "DefaultScope")), ("None", None), ("", None)])
def test_a_default_gateway_says_that_it_is_one_and_no_other_does(scope: str, told: tuple[str, str] | None) -> None:
    conditions = status(translated(gateway("web", scope)), "Gateway", "web")["conditions"]
    found = [(each["status"], each["reason"]) for each in conditions if each["type"] == "DefaultGateway"]
    assert found == ([told] if told else [])


def test_all_default_gateways_take_it_the_senior_first() -> None:
    old, new = gateway("old", "All", 81, "2026-01-01T00:00:00Z"), gateway("new", "All", 80, "2026-02-01T00:00:00Z")
    assert parents(new, old, route()) == [("old", "Accepted"), ("new", "Accepted")]


def test_a_status_names_the_namespace_of_a_default_gateway() -> None:
    [found] = [one for one in translated(gateway("web", "All"), route(), APP_THERE).statuses if one.kind == "HTTPRoute"]
    [parent] = found.status["parents"]
    assert parent["parentRef"] == {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": "web",
        "namespace": "default",
    }
    assert condition(parent["conditions"], "Accepted") == ("True", "Accepted")
    assert parent["conditions"][0]["message"] == "attached to listener http of this default Gateway"


def test_the_rules_of_its_listeners_hold() -> None:
    closed = gateway("web", "All", listeners="{name: http, protocol: HTTP, port: 80}")
    assert parents(closed, route()) == [("web", "NotAllowedByListeners")]
    elsewhere = "{name: http, protocol: HTTP, port: 80, hostname: a.example, allowedRoutes: {namespaces: {from: All}}}"
    other = gateway("web", "All", listeners=elsewhere)
    assert parents(other, route(hostname="b.example")) == [("web", "NoMatchingListenerHostname")]


def test_being_taken_by_none_is_an_error_and_by_some_a_warning() -> None:
    closed = gateway("closed", "All", listeners="{name: http, protocol: HTTP, port: 81}")
    for others, severity in (((), "error"), ((gateway("web", "All"),), "warning")):
        [problem] = translated(closed, *others, route(), APP_THERE).problems
        assert (problem.severity, problem.field) == (severity, "spec.useDefaultGateways")


def test_without_a_default_gateway_it_is_as_if_nobody_had_asked() -> None:
    assert parents(gateway("web"), route()) == []
    words = "there is no default Gateway, so it has no effect"
    assert said(gateway("web"), route()) == [words]
    assert said(CLASS, gateway("web"), route(), file_mode=False) == [], "another controller may have some"


# --- as time goes by --------------------------------------------------------------------------


def test_gateways_become_default_ones_and_cease_to_be() -> None:
    here = World(web=gateway("web"), next=gateway("next", "None", 81), r=route(), app=APP_THERE)
    for web, following, expected in (
        ("", "", []),
        ("All", "", ["web"]),
        ("All", "All", ["next", "web"]),
        ("None", "All", ["next"]),
        ("", "None", []),
    ):
        here.change(web=gateway("web", web), next=gateway("next", following, 81))
        now = here.translate()
        served = sorted(key.split("/")[1] for (key, _), bucket in now.snapshot.buckets.items() if bucket.rules)
        routes = [one.status for one in now.statuses if one.kind == "HTTPRoute"]
        told = sorted(parent["parentRef"]["name"] for one in routes for parent in one["parents"])
        assert (served, told) == (expected, expected)


def test_a_default_gateway_that_goes_takes_nothing_else_with_it() -> None:
    here = World(web=gateway("web", "All"), next=gateway("next", "All", 81), r=route(), app=APP_THERE)
    assert len(here.translate().snapshot.buckets) == 2
    del here.objects["web"]
    [(listener, _)] = here.translate().snapshot.buckets
    assert listener == "default/next/http"
