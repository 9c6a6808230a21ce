"""Which of several rules answers (HTTPRouteSpec.hostnames, HTTPRouteRule.matches): step by step, and across routes.

Each row has two routes for one request, which differ in one step and, to show that later steps do not count,
are set against each other in the next. The first must win, whichever stands first in the file.
"""

import pytest

from tests.spec.served import Served, answers
from tests.spec.site import WEB, exact, gateway, listener, prefix, route, rule

OLD, YOUNG = ", creationTimestamp: '2024-01-01T00:00:00Z'", ", creationTimestamp: '2024-06-01T00:00:00Z'"
HEADER, QUERY = "headers: [{name: h, value: x}]", "queryParams: [{name: q, value: x}]"
HEADERS = "headers: [{name: h, value: x}, {name: i, value: x}]"

STEPS = {
    "an exact hostname before a wildcard": (
        route("b", rule(prefix("/"), to="v1"), hosts="a.example.com"),
        route("a", rule(exact("/path/to"), to="v2"), hosts="*.example.com"),
    ),
    "the longer wildcard": (
        route("b", rule(prefix("/"), to="v1"), hosts="*.example.com"),
        route("a", rule(exact("/path/to"), to="v2"), hosts="*.com"),
    ),
    "a wildcard before no hostname": (
        route("b", rule(prefix("/"), to="v1"), hosts="*.com"),
        route("a", rule(exact("/path/to"), to="v2")),
    ),
    "an exact path before a prefix": (
        route("b", rule(exact("/path/to"), to="v1")),
        route("a", rule(f"{{path: {{value: /path/to}}, method: GET, {HEADER}}}", to="v2")),
    ),
    "the longer prefix before a method": (
        route("b", rule(prefix("/path/to"), to="v1")),
        route("a", rule(f"{{path: {{value: /path}}, method: GET, {HEADER}}}", to="v2")),
    ),
    "a method before any number of headers": (
        route("b", rule("{method: GET}", to="v1")),
        route("a", rule(f"{{{HEADERS}, {QUERY}}}", to="v2")),
    ),
    "more headers before any number of parameters": (
        route("b", rule(f"{{{HEADERS}}}", to="v1")),
        route("a", rule(f"{{{HEADER}, {QUERY}}}", to="v2")),
    ),
    "more parameters before age": (
        route("b", rule(f"{{{QUERY}}}", to="v1"), meta=YOUNG),
        route("a", rule(to="v2"), meta=OLD),
    ),
    "age before the name": (
        route("b", rule(to="v1"), meta=OLD),
        route("a", rule(to="v2"), meta=YOUNG),
    ),
    "the name, compared joined": (
        route("x", rule(to="{name: v1, namespace: default, port: 8080}"), meta=", namespace: a-b",
              parents="{name: web, namespace: default}"),
        route("x", rule(to="{name: v2, namespace: default, port: 8080}"), meta=", namespace: a",
              parents="{name: web, namespace: default}"),
    ),
    "the earlier rule": (route("a", rule(to="v1"), rule(to="v2")), ""),
    "the same of matches of one rule": (
        route("a", rule(f"{{{QUERY}}}", f"{{{HEADER}}}", to="v1"), rule(f"{{{HEADER}}}", to="v2")), ""),
}  # fmt: skip
OPEN = gateway(listener("http", more=", allowedRoutes: {namespaces: {from: All}}"))
LET = """
---
kind: ReferenceGrant
metadata: {name: all}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a-b},
         {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}]
  to: [{group: "", kind: Service}]
"""


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("step", STEPS)
async def test_each_step_decides_whatever_the_later_ones_say(step: str, turned: bool) -> None:
    routes = STEPS[step][::-1] if turned else STEPS[step]
    await answers(OPEN + LET + "".join(routes), {"a.example.com/path/to?q=x h:x i:x": "v1"})


async def test_rules_of_routes_with_one_hostname_are_one_table() -> None:
    version = "{{headers: [{{name: version, value: {}}}]}}"
    site = (
        WEB
        + route("part1", rule(prefix("/"), version.format("one"), to="v1"), hosts="example.com, example.net")
        + route("part2", rule(prefix("/v2"), version.format("two"), to="v2"), hosts="example.com")
    )
    await answers(
        site,
        {
            "example.com/": "v1",
            "example.com/example": "v1",
            "example.net/example": "v1",
            "example.com/example Version:one": "v1",
            "example.com/v2": "v2",
            "example.net/v2": "v1",  # the second route is not of this host
            "example.com/v2/example": "v2",
            "example.com/ Version:two": "v2",
        },
    )


async def test_where_no_rule_of_the_most_specific_hostname_matches_the_next_of_the_listener_is_asked() -> None:
    site = (
        WEB
        + route("narrow", rule(prefix("/only"), to="v1"), hosts="a.example.com")
        + route("wide", rule(prefix("/"), to="v2"), hosts="*.example.com")
    )
    await answers(site, {"a.example.com/only": "v1", "a.example.com/else": "v2", "b.example.com/only": "v2"})


async def test_no_rule_is_404_and_never_an_error_of_a_backend() -> None:
    site = WEB + route("r", rule(prefix("/a"), to="{name: nowhere, port: 8080}"), hosts="a.com")
    await answers(site, {"a.com/b": 404, "b.com/a": 404, "a.com/a": 500})


async def test_named_rules_route_as_others_do() -> None:
    site = WEB + route("r", rule(prefix("/named"), to="v1", more="name: named-rule"), rule(prefix("/unnamed"), to="v2"))
    async with Served(site) as served:
        rows = {"a/named": "v1", "a/unnamed": "v2"}
        assert await served.outcomes(rows) == rows
        [name] = {
            each.name for b in served.declared.translation.snapshot.buckets.values() for each in b.rules if each.name
        }
        assert name == "named-rule"
