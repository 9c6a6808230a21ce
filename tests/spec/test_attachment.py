"""Which routes attach to which listeners, and the reason where none does (RouteParentStatus, AllowedRoutes)."""

import pytest

from tests.spec.declared import Declared
from tests.spec.served import answers
from tests.spec.site import WEB, gateway, listener, namespaces, prefix, route, rule

IN = ", namespace: {}"
THERE = "{{name: web, namespace: default{}}}"
PASSTHROUGH = ", tls: {mode: Passthrough}"


def allowing(rule: str) -> str:
    return f", allowedRoutes: {{namespaces: {{{rule}}}}}"


SELECTED = allowing("from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: shop}}")

HOME, SHOP = "default", "shop"
REASONS = {
    # the parent, the route's namespace, its parentRef and hostnames -> Accepted, and the listeners' counts
    "it attaches": (WEB, HOME, "", "", "True Accepted", {"http": 1}),
    "no listener of that name": (WEB, HOME, ", sectionName: nope", "", "False NoMatchingParent", {"http": 0}),
    "no listener of that port": (WEB, HOME, ", port: 81", "", "False NoMatchingParent", {"http": 0}),
    "a listener of that name at another port": (
        WEB, HOME, ", sectionName: http, port: 81", "", "False NoMatchingParent", {"http": 0}),
    "a name and a port of two listeners": (
        gateway(listener("a"), listener("b", port=81)), HOME, ", sectionName: a, port: 81", "",
        "False NoMatchingParent", {"a": 0, "b": 0}),
    "another namespace": (WEB, SHOP, "", "", "False NotAllowedByListeners", {"http": 0}),
    "a namespace that is selected": (
        gateway(listener("http", more=SELECTED)), SHOP, "", "", "True Accepted", {"http": 1}),
    "a namespace that is not selected": (
        gateway(listener("http", more=SELECTED)), HOME, "", "", "False NotAllowedByListeners", {"http": 0}),
    "another kind of routes alone": (
        gateway(listener("http", more=", allowedRoutes: {kinds: [{kind: GRPCRoute}]}")), HOME, "", "",
        "False NotAllowedByListeners", {"http": 0}),
    "listeners of another protocol": (
        gateway(listener("tls", port=443, protocol="TLS", more=PASSTHROUGH)), HOME, "", "",
        "False NotAllowedByListeners", {"tls": 0}),
    "no hostname in common": (
        gateway(listener("http", "*.example.com")), HOME, "", "example.com, a.net",
        "False NoMatchingListenerHostname", {"http": 0}),
    "several steps fail: the earliest is told": (
        gateway(listener("http", "a.com")), SHOP, ", sectionName: nope", "b.com",
        "False NoMatchingParent", {"http": 0}),
    "kind and namespace before hostnames": (
        gateway(listener("http", "a.com")), SHOP, "", "b.com", "False NotAllowedByListeners", {"http": 0}),
}  # fmt: skip


@pytest.mark.parametrize("case", REASONS)
def test_why_a_route_attaches_or_not(case: str) -> None:
    """Whatever the reason, that references are resolved is told as well."""
    parent, namespace, ref, hosts, accepted, counts = REASONS[case]
    child = route("r", rule(), meta=IN.format(namespace), parents=THERE.format(ref), hosts=hosts)
    declared = Declared(parent + child)
    said = declared.said("HTTPRoute", f"{namespace}/r")
    assert said == {"Accepted": accepted, "ResolvedRefs": "True ResolvedRefs"}
    assert declared.attached("web") == counts


def test_of_a_parent_that_is_not_ours_nothing_is_said() -> None:
    foreign = """
---
kind: GatewayClass
metadata: {name: other}
spec: {controllerName: example.com/other}
---
kind: Gateway
metadata: {name: web}
spec: {gatewayClassName: other, listeners: [{name: http, protocol: HTTP, port: 80}]}
"""
    declared = Declared(
        foreign
        + route("r")
        + route("s", parents="{name: nowhere}")
        + route("t", parents="{kind: Service, group: '', name: web}")
    )
    assert declared.translation.statuses == []


async def test_a_namespace_is_selected_by_its_labels() -> None:
    site = namespaces("shop", labels="team: web") + namespaces("bank", labels="team: money")
    site += gateway(listener("http", more=allowing("from: Selector, selector: {matchLabels: {team: web}}")))
    for name in ("shop", "bank"):
        site += route("r", rule(prefix(f"/{name}"), to="v1"), meta=IN.format(name), parents=THERE.format(""))
    await answers(site, {"a/shop": "v1", "a/bank": 404}, services=["shop/v1", "bank/v1"])


async def test_a_section_is_the_only_one_that_counts_and_serves_the_route() -> None:
    """Two listeners on the ports 8080 and 80; a route names one of them."""
    site = gateway(listener("port-8080", port=8080), listener("port-80"))
    site += route("r", rule(to="v1"), parents="{name: web, sectionName: port-80}")
    assert Declared(site).attached("web") == {"port-8080": 0, "port-80": 1}
    await answers(site, {"a/": "v1"})
    await answers(site, {"a/": 404}, port=8080)


def test_routes_are_counted_as_they_are_accepted_and_whatever_becomes_of_the_listener() -> None:
    """A route with broken references counts, and so does one of a listener that cannot be programmed."""
    secure = ", tls: {certificateRefs: [{name: missing}]}"
    listeners = [listener("http"), listener("https", port=443, protocol="HTTPS", more=secure)]
    routes = route("a", rule(to="nowhere"))
    routes += route("b", rule(to="{kind: Odd, name: x}"), parents="{name: web, sectionName: https}")
    declared = Declared(gateway(*listeners) + routes)
    assert declared.attached("web") == {"http": 1, "https": 2}
    said = declared.said("Gateway", "web", "https")
    assert (said["Programmed"], said["ResolvedRefs"]) == ("False Invalid", "False InvalidCertificateRef")
    for name, reason in (("a", "BackendNotFound"), ("b", "InvalidKind")):
        conditions = declared.said("HTTPRoute", name)
        assert (conditions["Accepted"], conditions["ResolvedRefs"]) == ("True Accepted", f"False {reason}")


def test_each_parent_is_judged_by_itself_and_named_as_the_route_names_it() -> None:
    site = WEB + gateway(listener("a", "a.com", more=allowing("from: All")), name="two")
    in_full = "{group: gateway.networking.k8s.io, kind: Gateway, name: web, namespace: default}"
    parents = f"{{name: two, sectionName: a, port: 80}}, {in_full}"
    declared = Declared(site + route("r", rule(to="v1"), hosts="b.com", parents=parents))
    entries = declared.status("HTTPRoute", "r")["parents"]
    full = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
    assert [entry["parentRef"] for entry in entries] == [
        {**full, "name": "two", "sectionName": "a", "port": 80},
        {**full, "name": "web", "namespace": "default"},
    ]
    assert {entry["controllerName"] for entry in entries} == {"penstock.dev/gateway-controller"}
    said = [declared.said("HTTPRoute", "r", parent=i)["Accepted"] for i in (0, 1)]
    assert said == ["False NoMatchingListenerHostname", "True Accepted"]


def test_conditions_are_of_the_generation_that_was_read() -> None:
    """Of every object and of every entry in its status."""
    generation = ", generation: {}"
    texts = [
        gateway(listener("http"), meta=generation.format(n), more=", allowedListeners: {namespaces: {from: All}}")
        + "---\nkind: GatewayClass\nmetadata: {name: penstock" + generation.format(n)
        + "}\nspec: {controllerName: penstock.dev/gateway-controller}\n"
        + route("r", rule(to="v1" if n == 1 else "v2"), meta=generation.format(n))
        for n in (1, 2)
    ]  # fmt: skip
    first = Declared(texts[0])
    for n, declared in enumerate((first, Declared(texts[1], after=first)), 1):
        found = [condition for each in declared.translation.statuses for condition in conditions_of(each.status)]
        assert {condition["observedGeneration"] for condition in found} == {n}
        assert len(found) == 3 + 4 + 2 + 1  # Gateway, its listener, the route, the class


def conditions_of(status: dict[str, object]) -> list[dict[str, object]]:
    """All of one status, however deep."""
    found: list[dict[str, object]] = []
    for name, value in status.items():
        if name == "conditions":
            assert isinstance(value, list)
            found += value
        elif isinstance(value, list):
            found += [condition for entry in value for condition in conditions_of(entry)]
    return found
