"""ListenerSets: who may add listeners, whose listener it is where two want one, and whose routes answer there."""

import pytest

from tests.certificates import pair
from tests.spec.certificates import secret, terminates
from tests.spec.declared import Declared
from tests.spec.served import Served, answers
from tests.spec.site import gateway, grant, listener, listener_set, namespaces, prefix, route, rule

GOOD = {
    "Accepted": "True Accepted",
    "Programmed": "True Programmed",
    "ResolvedRefs": "True ResolvedRefs",
    "Conflicted": "False NoConflicts",
}
NOT_ALLOWED = {"Accepted": "False NotAllowed", "Programmed": "False NotAllowed"}
SOUND = {"Accepted": "True Accepted", "Programmed": "True Programmed"}
PARENT = "{name: web, namespace: default}"
ROUTES_OF_ALL = ", allowedRoutes: {namespaces: {from: All}}"


def letting(rule: str) -> str:
    return f", allowedListeners: {{namespaces: {{{rule}}}}}"


ALL = letting("from: All")


# --- who may attach -----------------------------------------------------------------------------------

WHO = {
    # allowedListeners -> the namespaces whose sets attach
    "nothing is said": ("", set()),
    "None": (letting("from: None"), set()),
    "Same": (letting("from: Same"), {"default"}),
    "All": (ALL, {"default", "chosen", "other"}),
    "Selector": (letting("from: Selector, selector: {matchLabels: {team: web}}"), {"chosen"}),
}


@pytest.mark.parametrize("case", WHO)
def test_the_gateway_says_from_where_sets_attach(case: str) -> None:
    more, allowed = WHO[case]
    site = gateway(listener("own", "own.example"), more=more) + namespaces("chosen", labels="team: web")
    for place in ("default", "chosen", "other"):
        site += listener_set("set", listener("l", f"{place}.example"), parent=PARENT, meta=f", namespace: {place}")
    declared = Declared(site)
    for place in ("default", "chosen", "other"):
        name = f"{place}/set"
        if place in allowed:
            assert declared.said("ListenerSet", name) == SOUND
            assert declared.said("ListenerSet", name, "l") == GOOD
        else:
            assert declared.said("ListenerSet", name) == NOT_ALLOWED
    assert declared.status("Gateway", "web")["attachedListenerSets"] == len(allowed)


# --- conflicts ----------------------------------------------------------------------------------------

OLD, YOUNG = ", creationTimestamp: '2024-01-01T00:00:00Z'", ", creationTimestamp: '2024-06-01T00:00:00Z'"


def contested(reason: str) -> str:
    """The Gateway, an old set and two young ones that all want what another has, by hostname or by protocol."""

    def wanting(name: str, host: str) -> str:
        if reason == "HostnameConflict":
            return listener(name, host)
        return listener(name, protocol="TCP") if name != "first" else listener(name, host)

    return (
        gateway(listener("own", "gateway.example"), more=ALL)
        + listener_set("z-old", wanting("clash", "gateway.example"), listener("first", "old.example"), meta=OLD)
        + listener_set("a-young", wanting("clash", "old.example"), listener("good", "young.example"), meta=YOUNG)
        + listener_set("b-young", wanting("clash", "young.example"), meta=YOUNG)
    )


@pytest.mark.parametrize("reason", ["HostnameConflict", "ProtocolConflict"])
def test_the_gateway_comes_first_then_the_older_set_then_the_name(reason: str) -> None:
    declared = Declared(contested(reason))
    assert declared.said("Gateway", "web", "own") == GOOD
    for name in ("z-old", "a-young", "b-young"):
        said = declared.said("ListenerSet", name, "clash")
        assert (said["Accepted"], said["Programmed"], said["Conflicted"]) == (
            f"False {reason}", f"False {reason}", f"True {reason}",
        )  # fmt: skip
    for name, good in (("z-old", "first"), ("a-young", "good")):
        assert declared.said("ListenerSet", name, good) == GOOD
        assert declared.said("ListenerSet", name) == {
            "Accepted": "True ListenersNotValid",
            "Programmed": "True Programmed",
        }
    nothing = "False ListenersNotValid"
    assert declared.said("ListenerSet", "b-young") == {"Accepted": nothing, "Programmed": nothing}
    assert declared.status("Gateway", "web")["attachedListenerSets"] == 2


def test_kinds_that_its_protocol_has_no_routes_of() -> None:
    entry = listener(
        "l", port=443, protocol="HTTPS", more=", allowedRoutes: {kinds: [{kind: TLSRoute}]}" + terminates("c")
    )
    site = gateway(listener("own"), more=ALL) + secret("c", pair("a.example")) + listener_set("set", entry)
    declared = Declared(site)
    assert declared.said("ListenerSet", "set", "l")["ResolvedRefs"] == "False InvalidRouteKinds"
    assert declared.listener("ListenerSet", "set", "l")["supportedKinds"] == []


# --- certificates -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ListenerSet", "Gateway", ""])
def test_a_certificate_of_another_namespace_takes_a_grant_to_sets(kind: str) -> None:
    """One to the Gateway is not inherited."""
    ref = ", tls: {certificateRefs: [{name: c, namespace: certs}]}"
    site = gateway(listener("own"), more=ALL) + secret("c", pair("a.example"), ", namespace: certs")
    site += listener_set("set", listener("l", "a.example", port=443, protocol="HTTPS", more=ref))
    if kind:
        source = f"{{group: gateway.networking.k8s.io, kind: {kind}, namespace: default}}"
        site += grant("g", source, '{group: "", kind: Secret}', namespace="certs")
    declared = Declared(site)
    if kind == "ListenerSet":
        assert declared.said("ListenerSet", "set", "l") == GOOD
        assert declared.said("ListenerSet", "set") == SOUND
    else:
        assert declared.said("ListenerSet", "set", "l")["ResolvedRefs"] == "False RefNotPermitted"
        nothing = "False ListenersNotValid"
        assert declared.said("ListenerSet", "set") == {"Accepted": nothing, "Programmed": nothing}


# --- routes -------------------------------------------------------------------------------------------

OWNERS = {
    "gw": "{name: web%s}",
    "set1": "{kind: ListenerSet, name: set1%s}",
    "set2": "{kind: ListenerSet, name: set2%s}",
}
HOSTS = [f"{owner}-{n}.com" for owner in OWNERS for n in (1, 2)]
SIX = gateway(listener("gw-1", "gw-1.com"), listener("gw-2", "gw-2.com"), more=ALL) + "".join(
    listener_set(name, *(listener(f"{name}-{n}", f"{name}-{n}.com") for n in (1, 2))) for name in ("set1", "set2")
)
ROUTES = {
    # route -> (its parents, its backend, the hosts that it answers for)
    "all": (", ".join(each % "" for each in OWNERS.values()), "v1", HOSTS),
    "gw": (OWNERS["gw"] % "", "v2", ["gw-1.com", "gw-2.com"]),
    "gw-section": (OWNERS["gw"] % ", sectionName: gw-1", "v3", ["gw-1.com"]),
    "set1": (OWNERS["set1"] % "", "v2", ["set1-1.com", "set1-2.com"]),
    "set1-section": (OWNERS["set1"] % ", sectionName: set1-1", "v3", ["set1-1.com"]),
    "set2": (OWNERS["set2"] % "", "v2", ["set2-1.com", "set2-2.com"]),
}


async def test_a_route_answers_on_the_listeners_of_its_own_parents_alone() -> None:
    site = SIX + "".join(
        route(name, rule(prefix(f"/{name}"), to=to), parents=parents) for name, (parents, to, _) in ROUTES.items()
    )
    expected = {f"{host}/{name}": to if host in own else 404 for name, (_, to, own) in ROUTES.items() for host in HOSTS}
    assert len(expected) == 36
    await answers(site, expected)


async def test_two_parents_are_judged_apart_and_told_apart() -> None:
    """A Gateway reference that names a section of a set finds nothing; its other parent is not touched by that."""
    parents = f"{OWNERS['gw'] % ', sectionName: set1-1'}, {OWNERS['set1'] % ''}"
    site = SIX + route("both", rule(to="v1"), parents=parents) + route("own", rule(to="v2"), parents=OWNERS["gw"] % "")
    site += route("section", rule(to="v3"), parents=OWNERS["gw"] % ", sectionName: set2-1")
    async with Served(site) as served:
        said = served.declared.said
        assert said("HTTPRoute", "both", parent=0)["Accepted"] == "False NoMatchingParent"
        assert said("HTTPRoute", "both", parent=1)["Accepted"] == "True Accepted"
        assert said("HTTPRoute", "section")["Accepted"] == "False NoMatchingParent"
        entries = {name: [each["parentRef"]["kind"] for each in served.declared.status("HTTPRoute", name)["parents"]]
                   for name in ("both", "own", "section")}  # fmt: skip
        assert entries == {"both": ["Gateway", "ListenerSet"], "own": ["Gateway"], "section": ["Gateway"]}
        rows = {"set1-1.com/": "v1", "set1-2.com/": "v1", "gw-1.com/": "v2", "gw-2.com/": "v2", "set2-1.com/": 404}
        assert await served.outcomes(rows) == rows


async def test_allowed_routes_are_relative_to_the_namespace_of_the_set() -> None:
    def entry(name: str, rule: str) -> str:
        return listener(name, f"{name}.com", more=f", allowedRoutes: {{namespaces: {{{rule}}}}}")

    label = "selector: {matchLabels: {kubernetes.io/metadata.name: chosen}}"
    entries = [entry("all", "from: All"), entry("same", "from: Same"), entry("selected", f"from: Selector, {label}")]
    site = gateway(listener("own", "own.com"), more=ALL)
    site += listener_set("set", *entries, parent=PARENT, meta=", namespace: sets")
    for place in ("sets", "chosen", "default"):
        parent = "{kind: ListenerSet, name: set, namespace: sets}"
        site += route("r", rule(prefix(f"/{place}"), to="v1"), parents=parent, meta=f", namespace: {place}")
        only = parent.replace("sets}", "sets, sectionName: same}")
        site += route("only-same", rule(prefix("/never"), to="v1"), parents=only, meta=f", namespace: {place}")
    async with Served(site, services=[f"{place}/v1" for place in ("sets", "chosen", "default")]) as served:
        counts = {
            each["name"]: each["attachedRoutes"]
            for each in served.declared.status("ListenerSet", "sets/set")["listeners"]
        }
        assert counts == {"all": 3, "same": 2, "selected": 1}
        for place in ("sets", "chosen", "default"):
            assert served.declared.said("HTTPRoute", f"{place}/r")["Accepted"] == "True Accepted"
        assert served.declared.said("HTTPRoute", "chosen/only-same")["Accepted"] == "False NotAllowedByListeners"
        rows = {"all.com/sets": "v1", "all.com/chosen": "v1", "all.com/default": "v1", "same.com/sets": "v1",
                "same.com/chosen": 404, "same.com/default": 404, "selected.com/chosen": "v1", "selected.com/sets": 404,
                "own.com/sets": 404}  # fmt: skip
        assert await served.outcomes(rows) == rows


def test_of_a_set_that_may_not_attach_routes_are_told() -> None:
    site = gateway(listener("own", "own.com")) + listener_set("set", listener("l", "a.com"))
    declared = Declared(site + route("r", rule(to="nowhere"), parents="{kind: ListenerSet, name: set}"))
    assert declared.said("HTTPRoute", "r")["Accepted"].startswith("False")
