"""Routes and ListenerSets: each parentRef reaches its own parent's listeners, and is judged by itself."""

from typing import Any

import pytest

from proxy.snapshot.explain import explain_request
from proxy.snapshot.question import Asked
from proxy.translate.translate import Translation
from tests.translate.declare import condition, entry, listener_set, status, translated

ALL = ", allowedRoutes: {namespaces: {from: All}}"
BACKEND = "kind: Backend\nmetadata: {name: app, namespace: infra}\nspec: {endpoints: [{host: 127.0.0.1, port: 9000}]}"
GRANT = """
kind: ReferenceGrant
metadata: {name: all, namespace: infra}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop},
         {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: bank}]
  to: [{group: penstock.dev, kind: Backend}]
"""


def gateway(*listeners: str, allowed: str = "All") -> str:
    return f"""
kind: Gateway
metadata: {{name: web, namespace: infra}}
spec:
  gatewayClassName: penstock
  allowedListeners: {{namespaces: {{from: {allowed}}}}}
  listeners: [{", ".join(listeners)}]
"""


def of_web(name: str, *entries: str, namespace: str = "infra") -> str:
    return listener_set(name, *entries, parent="{name: web, namespace: infra}", meta=f", namespace: {namespace}")


def route(name: str, *parents: str, namespace: str = "infra", more: str = "") -> str:
    """It takes /NAME."""
    return f"""
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{", ".join(parents)}]
  rules:
    - matches: [{{path: {{value: /{name}}}}}]
      backendRefs: [{{group: penstock.dev, kind: Backend, name: app, namespace: infra}}]
{more}"""


def to_web(section: str = "") -> str:
    return "{name: web, namespace: infra" + (f", sectionName: {section}" if section else "") + "}"


def to_set(name: str, narrowed: str = "", namespace: str = "infra") -> str:
    return f"{{kind: ListenerSet, name: {name}, namespace: {namespace}{narrowed and f', {narrowed}'}}}"


def parents(outcome: Translation, name: str) -> dict[str, tuple[str, str]]:
    """Accepted of each parent of a route, by the parent's name."""
    return {
        item["parentRef"]["name"]: condition(item["conditions"], "Accepted")
        for item in status(outcome, "HTTPRoute", name)["parents"]
    }


def counts(outcome: Translation, kind: str, name: str) -> dict[str, int]:
    return {item["name"]: item["attachedRoutes"] for item in status(outcome, kind, name)["listeners"]}


def answering(outcome: Translation, host: str, path: str) -> str | None:
    """The name of the route that answers; None for 404."""
    winner: dict[str, Any] | None = explain_request(outcome.snapshot, Asked("GET", f"http://{host}{path}"))["winner"]
    return winner and str(winner["route"]).partition("/")[2]


HOSTS = {"gw-1", "gw-2", "one-1", "one-2", "two-1", "two-2"}
REACH = {
    "everywhere": HOSTS,
    "gw": {"gw-1", "gw-2"},
    "gw-section": {"gw-1"},
    "one": {"one-1", "one-2"},
    "one-section": {"one-1"},
    "one-port": {"one-1", "one-2"},
    "two": {"two-1", "two-2"},
}


@pytest.fixture(scope="module")
def six_listeners() -> Translation:
    """Gateway web and the sets one and two, each with two listeners named 1 and 2."""

    def pair(owner: str) -> list[str]:
        return [entry(f"n{i}", f"{owner}-{i}.example.com", more=ALL) for i in (1, 2)]

    return translated(
        gateway(*pair("gw")),
        of_web("one", *pair("one")),
        of_web("two", *pair("two")),
        route("everywhere", to_web(), to_set("one"), to_set("two")),
        route("gw", to_web()),
        route("gw-section", to_web("n1")),
        route("one", to_set("one")),
        route("one-section", to_set("one", "sectionName: n1")),
        route("one-port", to_set("one", "port: 80")),
        route("two", to_set("two")),
        BACKEND,
    )


@pytest.mark.parametrize("host", sorted(HOSTS))
@pytest.mark.parametrize("name", sorted(REACH))
def test_a_route_answers_on_the_listeners_of_its_own_parents_alone(
    six_listeners: Translation, name: str, host: str
) -> None:
    expected = name if host in REACH[name] else None
    assert answering(six_listeners, f"{host}.example.com", f"/{name}") == expected


def test_attached_routes_are_counted_at_each_listener(six_listeners: Translation) -> None:
    assert counts(six_listeners, "Gateway", "web") == {"n1": 3, "n2": 2}
    assert counts(six_listeners, "ListenerSet", "one") == {"n1": 4, "n2": 3}
    assert counts(six_listeners, "ListenerSet", "two") == {"n1": 2, "n2": 2}
    assert status(six_listeners, "Gateway", "web")["attachedListenerSets"] == 2


def test_a_route_has_a_status_for_each_parent_it_names_and_no_other(six_listeners: Translation) -> None:
    assert parents(six_listeners, "everywhere") == dict.fromkeys(("web", "one", "two"), ("True", "Accepted"))
    [only] = status(six_listeners, "HTTPRoute", "one-section")["parents"]
    assert only["parentRef"] == {
        "group": "gateway.networking.k8s.io",
        "kind": "ListenerSet",
        "name": "one",
        "namespace": "infra",
        "sectionName": "n1",
    }
    [only] = status(six_listeners, "HTTPRoute", "gw")["parents"]
    assert (only["parentRef"]["kind"], only["parentRef"]["name"]) == ("Gateway", "web")


def test_a_gateway_reference_finds_no_section_of_a_set_and_the_other_way_round() -> None:
    outcome = translated(
        gateway(entry("gw", "gw.example.com")),
        of_web("set", entry("added", "ls.example.com")),
        route("one-of-two", to_web("added"), to_set("set", "sectionName: added")),
        route("neither", to_web("added"), to_set("set", "sectionName: gw")),
        route("both", to_web(), to_set("set")),
        route("no-such-port", to_set("set", "port: 81")),
        BACKEND,
    )
    assert parents(outcome, "one-of-two") == {"web": ("False", "NoMatchingParent"), "set": ("True", "Accepted")}
    assert parents(outcome, "neither") == dict.fromkeys(("web", "set"), ("False", "NoMatchingParent"))
    assert parents(outcome, "no-such-port") == {"set": ("False", "NoMatchingParent")}
    assert counts(outcome, "ListenerSet", "set") == {"added": 2}
    assert answering(outcome, "ls.example.com", "/one-of-two") == "one-of-two"
    assert answering(outcome, "gw.example.com", "/one-of-two") is None
    assert {answering(outcome, host, "/neither") for host in ("gw.example.com", "ls.example.com")} == {None}
    assert {answering(outcome, host, "/both") for host in ("gw.example.com", "ls.example.com")} == {"both"}


def test_allowed_routes_are_relative_to_the_namespace_of_the_set() -> None:
    selector = ", allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}"
    outcome = translated(
        gateway(entry("gw", "gw.example.com")),
        of_web("near", entry("all", "all.example.com", more=ALL), entry("same", "same.example.com"),
               entry("selected", "selected.example.com", more=selector)),
        of_web("far", entry("same", "far.example.com"), namespace="bank"),
        "kind: Namespace\nmetadata: {name: shop, labels: {team: shop}}",
        route("here", to_set("near")),
        route("shop", to_set("near"), namespace="shop"),
        route("bank", to_set("near"), namespace="bank"),
        route("at-home", to_set("far", namespace="bank"), namespace="bank"),
        route("of-the-gateway", to_set("far", namespace="bank")),
        BACKEND,
        GRANT,
    )  # fmt: skip
    assert counts(outcome, "ListenerSet", "near") == {"all": 3, "same": 1, "selected": 1}
    assert counts(outcome, "ListenerSet", "far") == {"same": 1}
    assert {parents(outcome, name)["near"] for name in ("here", "shop", "bank")} == {("True", "Accepted")}
    assert parents(outcome, "at-home") == {"far": ("True", "Accepted")}
    assert parents(outcome, "of-the-gateway") == {"far": ("False", "NotAllowedByListeners")}
    served = {
        (host, name)
        for host in ("all", "same", "selected", "far")
        for name in ("here", "shop", "bank", "at-home", "of-the-gateway")
        if answering(outcome, f"{host}.example.com", f"/{name}")
    }
    assert served == {
        ("all", "here"), ("all", "shop"), ("all", "bank"), ("same", "here"), ("selected", "shop"), ("far", "at-home"),
    }  # fmt: skip


def test_an_entry_says_which_kinds_of_routes_it_takes() -> None:
    outcome = translated(
        gateway(entry("gw", "gw.example.com")),
        of_web(
            "set",
            entry("odd", "odd.example.com", more=", allowedRoutes: {kinds: [{kind: TLSRoute}]}"),
            entry("both", "both.example.com", more=", allowedRoutes: {kinds: [{kind: Odd}, {kind: HTTPRoute}]}"),
        ),
        route("r", to_set("set", "sectionName: odd")),
        BACKEND,
    )
    odd, both = status(outcome, "ListenerSet", "set")["listeners"]
    for item, kinds in ((odd, []), (both, ["HTTPRoute"])):
        assert condition(item["conditions"], "ResolvedRefs") == ("False", "InvalidRouteKinds")
        assert [kind["kind"] for kind in item["supportedKinds"]] == kinds
    assert parents(outcome, "r") == {"set": ("False", "NotAllowedByListeners")}
    assert set(outcome.snapshot.listeners) == {"infra/web/gw", "infra/web/infra/set/both"}


def test_hostnames_are_those_of_the_entry() -> None:
    outcome = translated(
        gateway(entry("gw", "gw.example.com")),
        of_web("set", entry("a", "'*.shop.example.com'")),
        route("in", to_set("set"), more="  hostnames: [eu.shop.example.com, gw.example.com]"),
        route("out", to_set("set"), more="  hostnames: [gw.example.com]"),
        BACKEND,
    )
    assert parents(outcome, "out") == {"set": ("False", "NoMatchingListenerHostname")}
    assert answering(outcome, "eu.shop.example.com", "/in") == "in"
    assert answering(outcome, "us.shop.example.com", "/in") is None
    assert answering(outcome, "gw.example.com", "/in") is None


def test_a_route_waits_at_an_entry_that_yields_and_serves_when_the_other_is_gone() -> None:
    texts = [gateway(entry("gw", "gw.example.com")), of_web("b", entry("e", "x.example.com")), BACKEND]
    texts += [route("first", to_set("a")), route("second", to_set("b"))]
    both = translated(*texts, of_web("a", entry("e", "x.example.com")))
    assert parents(both, "second") == {"b": ("True", "Accepted")}
    assert counts(both, "ListenerSet", "b") == {"e": 1}
    assert [answering(both, "x.example.com", path) for path in ("/first", "/second")] == ["first", None]
    alone = translated(*texts)
    assert [answering(alone, "x.example.com", path) for path in ("/first", "/second")] == [None, "second"]


def test_a_set_that_is_not_attached_has_no_listeners_for_routes() -> None:
    outcome = translated(
        gateway(entry("gw", "gw.example.com"), allowed="None"),
        of_web("set", entry("e", "x.example.com")),
        route("r", to_set("set"), to_web()),
        BACKEND,
    )
    assert parents(outcome, "r") == {"set": ("False", "NoMatchingParent"), "web": ("True", "Accepted")}
    assert counts(outcome, "ListenerSet", "set") == {"e": 0}
    assert [problem.message for problem in outcome.problems if problem.kind == "HTTPRoute"] == [
        "ListenerSet infra/set is not attached to Gateway infra/web, so it has no listeners"
    ]


def test_a_set_that_is_nowhere_gets_a_word_and_no_status() -> None:
    outcome = translated(
        gateway(entry("gw", "gw.example.com")), of_web("set", entry("e", "x.example.com")), route("r", to_set("sett"))
    )
    assert not [item for item in outcome.statuses if item.kind == "HTTPRoute"]
    found = [
        (problem.message, problem.hint) for problem in outcome.problems if problem.field == "spec.parentRefs[0].name"
    ]
    assert found == [("there is no ListenerSet infra/sett", "did you mean 'infra/set'?")]
