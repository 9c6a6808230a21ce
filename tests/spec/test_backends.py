"""References to backends: what may be referred to, what is said where it may not, and the answers (HTTPBackendRef)."""

import pytest

from tests.spec.declared import Declared
from tests.spec.echo import echo
from tests.spec.served import Served, answers
from tests.spec.site import WEB, backend, gateway, grant, listener, prefix, route, rule

ROUTE = "group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: {}"
OURS = "{" + ROUTE.format("default") + "}"
TO_SERVICES = '{group: "", kind: Service}'
NEARLY = {
    "its own namespace": ("default", OURS, TO_SERVICES),
    "from.group": ("shop", "{group: '', kind: HTTPRoute, namespace: default}", TO_SERVICES),
    "from.kind": ("shop", "{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}", TO_SERVICES),
    "from.namespace": ("shop", "{" + ROUTE.format("other") + "}", TO_SERVICES),
    "to.group": ("shop", OURS, "{group: gateway.networking.k8s.io, kind: Service}"),
    "to.kind": ("shop", OURS, '{group: "", kind: Secret}'),
    "to.name": ("shop", OURS, '{group: "", kind: Service, name: other}'),
}
THERE = backend("s1", ", namespace: shop")
SERVICES = ["v1", "v2", "v3", "shop/s1"]


BROKEN = {
    "an unknown kind": ("{group: unknown.example, kind: NonExistent, name: v1, port: 8080}", "InvalidKind"),
    "a kind of our own that is none": ("{group: penstock.dev, kind: GatewayParameters, name: v1}", "InvalidKind"),
    "another namespace": (THERE, "RefNotPermitted"),
    "another namespace, where it is not": (backend("none", ", namespace: shop"), "RefNotPermitted"),
    "a Service that is not there": (backend("nonexistent"), "BackendNotFound"),
    "a port that is not there": ("{name: v1, port: 81}", "BackendNotFound"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_reference_that_leads_nowhere_is_told_and_answered_with_500(case: str) -> None:
    """Exactly 500: neither 404, as the rule matches, nor 503, as nothing will change by itself."""
    ref, reason = BROKEN[case]
    site = WEB + route("r", rule(prefix("/bad"), to=ref), rule(prefix("/"), to="v1"))
    async with Served(site, services=SERVICES) as served:
        said = served.declared.said("HTTPRoute", "r")
        assert (said["Accepted"], said["ResolvedRefs"]) == ("True Accepted", f"False {reason}")
        assert "PartiallyInvalid" not in said
        assert served.declared.attached("web") == {"http": 1}
        rows = {"a/bad": 500, "a/bad/x": 500, "a/good": "v1"}
        assert await served.outcomes(rows) == rows


@pytest.mark.parametrize("near", NEARLY)
async def test_a_grant_that_is_nearly_right_permits_nothing(near: str) -> None:
    namespace, source, target = NEARLY[near]
    site = WEB + grant("g", source, target, namespace=namespace)
    site += route("r", rule(prefix("/v2"), to=THERE), rule(prefix("/"), to="v1"))
    async with Served(site, services=SERVICES) as served:
        assert served.declared.said("HTTPRoute", "r")["ResolvedRefs"] == "False RefNotPermitted"
        assert await served.outcomes(["a/v2", "a/"]) == {"a/v2": 500, "a/": "v1"}


@pytest.mark.parametrize("target", [TO_SERVICES, '{group: "", kind: Service, name: s1}',
                                    '{group: "", kind: Secret}, {group: "", kind: Service, name: s1}'])  # fmt: skip
async def test_a_grant_permits_until_it_is_gone(target: str) -> None:
    site = WEB + route("r", rule(to=THERE))
    async with Served(site + grant("g", OURS, target, namespace="shop"), services=SERVICES) as served:
        assert served.declared.said("HTTPRoute", "r")["ResolvedRefs"] == "True ResolvedRefs"
        assert (await served.ask("a/")).outcome == "s1"
        await served.turn_to(site)
        assert served.declared.said("HTTPRoute", "r")["ResolvedRefs"] == "False RefNotPermitted"
        assert (await served.ask("a/")).outcome == 500


async def test_grants_add_up() -> None:
    others = grant("a", OURS, '{group: "", kind: Service, name: x}', namespace="shop")
    site = (
        WEB
        + route("r", rule(to=THERE))
        + others
        + grant("b", OURS, '{group: "", kind: Service, name: s1}', namespace="shop")
    )
    await answers(site, {"a/": "s1"}, services=SERVICES)


NOBODY = {"no field": "{}", "an empty list": "{backendRefs: []}", "only zeros": rule(to=backend("v1", ", weight: 0"))}


@pytest.mark.parametrize("case", NOBODY)
async def test_a_rule_without_backends_is_500_and_no_broken_reference(case: str) -> None:
    async with Served(WEB + route("r", NOBODY[case])) as served:
        said = served.declared.said("HTTPRoute", "r")
        assert (said["Accepted"], said["ResolvedRefs"]) == ("True Accepted", "True ResolvedRefs")
        assert (await served.ask("a/")).status == 500


async def test_a_redirect_needs_no_backend() -> None:
    redirect = "{type: RequestRedirect, requestRedirect: {hostname: example.org}}"
    await answers(WEB + route("r", rule(filters=redirect)), {"a/": 302})


async def test_no_ready_endpoint_is_503_and_no_broken_reference() -> None:
    empty = """
---
kind: Service
metadata: {name: empty}
spec: {ports: [{port: 8080}]}
"""
    async with Served(WEB + empty + route("r", rule(to="empty"))) as served:
        assert served.declared.said("HTTPRoute", "r")["ResolvedRefs"] == "True ResolvedRefs"
        assert (await served.ask("a/")).status == 503


async def test_weights_are_shares_and_broken_references_keep_theirs() -> None:
    refs = "{}, {}, {}".format(
        backend("v1", ", weight: 70"), backend("v2", ", weight: 30"), backend("v3", ", weight: 0")
    )
    half = f"{backend('v1')}, {backend('nowhere')}"
    async with Served(WEB + route("r", rule(prefix("/w"), to=refs), rule(prefix("/half"), to=half))) as served:
        shares = [(await served.ask("a/w")).outcome for _ in range(100)]
        assert {name: shares.count(name) for name in set(shares)} == {"v1": 70, "v2": 30}
        halves = [(await served.ask("a/half")).outcome for _ in range(20)]
        assert {name: halves.count(name) for name in set(halves)} == {"v1": 10, 500: 10}


SLICES = """
---
kind: Service
metadata: {{name: manual}}
spec: {{{spec}ports: [{{name: first, port: 8080, targetPort: 3000}}]}}
---
kind: EndpointSlice
metadata: {{name: manual-v4, labels: {{kubernetes.io/service-name: manual}}}}
addressType: IPv4
ports: [{{name: other, port: 9}}, {{name: first, port: {port}}}]
endpoints: [{{addresses: [127.0.0.1]}}, {{addresses: [127.0.0.9], conditions: {{ready: false}}}}]
---
kind: EndpointSlice
metadata: {{name: manual-v6, labels: {{kubernetes.io/service-name: manual}}}}
addressType: IPv6
ports: [{{name: first, port: {port}}}]
endpoints: []
"""


@pytest.mark.parametrize("spec", ["", "clusterIP: None, ", "clusterIP: None, selector: {app: v1}, "])
async def test_endpoints_are_those_of_slices_at_the_port_of_that_name(spec: str) -> None:
    """Without a selector, headless, and both; the port of the Service itself is nobody's."""
    site = WEB + SLICES.format(spec=spec, port="$manual") + route("r", rule(to="manual"))
    async with Served(site, backends={"manual": echo("manual")}) as served:
        assert [(await served.ask("a/")).outcome for _ in range(4)] == ["manual"] * 4


async def test_a_route_of_an_allowed_namespace_leads_to_its_own_services() -> None:
    site = gateway(listener("http", more=", allowedRoutes: {namespaces: {from: All}}"))
    site += route("r", rule(to="s1"), meta=", namespace: shop", parents="{name: web, namespace: default}")
    await answers(site, {"a/": "s1"}, services=SERVICES)


async def test_answers_of_the_gateway_itself_are_text_and_say_nothing_of_a_backend() -> None:
    redirect = "{type: RequestRedirect, requestRedirect: {}}"
    site = WEB + route("r", rule(prefix("/500"), to="nowhere"), rule(prefix("/302"), filters=redirect))
    async with Served(site) as served:
        for status in (404, 500, 302):
            answer = await served.ask(f"a/{status}")
            assert answer.status == status
            assert str(answer.field("content-type")).startswith("text/plain")
            assert len(answer.body) < 100 and b"nowhere" not in answer.body


async def test_the_simplest_route() -> None:
    await answers(WEB + route("r", rule(to="v1")), {"a/": "v1"})


def test_a_changed_backend_is_read_in_its_new_generation() -> None:
    one = Declared(WEB + route("r", rule(to="v1"), meta=", generation: 1"))
    two = Declared(WEB + route("r", rule(to="v2"), meta=", generation: 2"), after=one)
    generations = {each["observedGeneration"] for each in two.status("HTTPRoute", "r")["parents"][0]["conditions"]}
    assert generations == {2}
