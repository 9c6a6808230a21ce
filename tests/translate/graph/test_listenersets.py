"""ListenerSets: which a Gateway lets attach, and who yields to whom."""

import pytest

from proxy.translate.translate import Translation
from tests.translate.declare import condition, entry, listener_conditions, listener_set, status, translated

OWN = entry("own", "own.example.com")


def gateway(*listeners: str, allowed: str = "{namespaces: {from: All}}", more: str = "") -> str:
    return f"""
kind: Gateway
metadata: {{name: web, namespace: infra}}
spec: {{gatewayClassName: penstock, allowedListeners: {allowed}, listeners: [{", ".join(listeners or (OWN,))}]{more}}}
"""


def of_web(name: str, *entries: str, namespace: str = "infra", created: str = "") -> str:
    stamp = f', creationTimestamp: "{created}"' if created else ""
    return listener_set(name, *entries, parent="{name: web, namespace: infra}", meta=f", namespace: {namespace}{stamp}")


def judged(outcome: Translation, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Accepted and Programmed of a ListenerSet."""
    conditions = status(outcome, "ListenerSet", name)["conditions"]
    return condition(conditions, "Accepted"), condition(conditions, "Programmed")


def attached_sets(outcome: Translation) -> int:
    return int(status(outcome, "Gateway", "web")["attachedListenerSets"])


GOOD = ("True", "Accepted"), ("True", "Programmed")
NOT_ALLOWED = ("False", "NotAllowed"), ("False", "NotAllowed")
NOTHING_VALID = ("False", "ListenersNotValid"), ("False", "ListenersNotValid")
SOME_VALID = ("True", "ListenersNotValid"), ("True", "Programmed")


# --- allowedListeners -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "near", "far"),
    [
        ("{}", NOT_ALLOWED, NOT_ALLOWED),
        ("{namespaces: {from: None}}", NOT_ALLOWED, NOT_ALLOWED),
        ("{namespaces: {from: Same}}", GOOD, NOT_ALLOWED),
        ("{namespaces: {from: All}}", GOOD, GOOD),
        ("{namespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}", NOT_ALLOWED, GOOD),
        ("{namespaces: {from: Selector, selector: {matchLabels: {team: bank}}}}", NOT_ALLOWED, NOT_ALLOWED),
        ("{namespaces: {from: Selector}}", NOT_ALLOWED, NOT_ALLOWED),
        (
            "{namespaces: {from: Selector, selector: {matchExpressions: [{key: team, operator: NotIn}]}}}",
            NOT_ALLOWED,
            NOT_ALLOWED,
        ),
    ],
)
def test_a_gateway_says_from_where_listener_sets_attach(allowed: str, near: object, far: object) -> None:
    outcome = translated(
        gateway(allowed=allowed),
        "kind: Namespace\nmetadata: {name: shop, labels: {team: shop}}",
        of_web("near", entry("a", "a.example.com")),
        of_web("far", entry("b", "b.example.com"), namespace="shop"),
    )
    assert (judged(outcome, "near"), judged(outcome, "far")) == (near, far)
    assert attached_sets(outcome) == [near, far].count(GOOD)
    added = {"infra/web/infra/near/a": near, "infra/web/shop/far/b": far}
    assert set(outcome.snapshot.listeners) == {"infra/web/own"} | {key for key, how in added.items() if how == GOOD}
    assert condition(status(outcome, "Gateway", "web")["conditions"], "Accepted") == ("True", "Accepted")


def test_a_selector_that_makes_no_sense_is_worth_a_word() -> None:
    selector = "{matchExpressions: [{key: team, operator: NotIn}]}"
    outcome = translated(gateway(allowed=f"{{namespaces: {{from: Selector, selector: {selector}}}}}"))
    [problem] = outcome.problems
    assert problem.field == "spec.allowedListeners.namespaces.selector.matchExpressions[0].values"
    assert (problem.severity, problem.message) == ("warning", "NotIn needs values, so no ListenerSet may attach")


def test_a_gateway_that_says_nothing_lets_none_attach() -> None:
    silent = gateway().replace("allowedListeners: {namespaces: {from: All}}, ", "")
    outcome = translated(silent, of_web("set", entry("a", "a.example.com")))
    assert judged(outcome, "set") == NOT_ALLOWED
    assert attached_sets(outcome) == 0
    [problem] = outcome.problems
    assert problem.message.endswith("namespace infra attach (it allows from: None)")


def test_a_namespace_is_selected_by_its_name_without_being_declared() -> None:
    allowed = "{namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: shop}}}}"
    outcome = translated(gateway(allowed=allowed), of_web("set", entry("a", "a.example.com"), namespace="shop"))
    assert judged(outcome, "set") == GOOD


def test_without_a_namespace_the_parent_is_one_of_the_sets_own() -> None:
    outcome = translated(gateway(), listener_set("set", entry("a", "a.example.com"), meta=", namespace: infra"))
    assert judged(outcome, "set") == GOOD


@pytest.mark.parametrize(
    ("parent", "field", "message", "hint"),
    [
        (
            "{name: wbe, namespace: infra}",
            "spec.parentRef.name",
            "there is no Gateway infra/wbe, so nobody serves this ListenerSet",
            "did you mean 'infra/web'?",
        ),
        (
            "{name: web, kind: Service, group: ''}",
            "spec.parentRef.kind",
            "Service is not a kind that ListenerSets attach to",
            "refer to a Gateway",
        ),
    ],
)
def test_a_set_that_no_gateway_answers_to_has_no_status_and_a_word_of_advice(
    parent: str, field: str, message: str, hint: str
) -> None:
    outcome = translated(gateway(), listener_set("set", entry("a"), parent=parent))
    assert not [item for item in outcome.statuses if item.kind == "ListenerSet"]
    [problem] = outcome.problems
    assert (problem.kind, problem.field, problem.message, problem.hint) == ("ListenerSet", field, message, hint)


def test_sets_of_gateways_that_are_not_ours_are_somebody_elses() -> None:
    foreign = gateway().replace("gatewayClassName: penstock", "gatewayClassName: other")
    outcome = translated(foreign, of_web("set", entry("a")), file_mode=False)
    assert (outcome.statuses, outcome.problems) == ([], ())


# --- the parent -------------------------------------------------------------------------------


def test_nothing_is_added_to_a_gateway_that_is_not_accepted() -> None:
    outcome = translated(
        gateway(more=", addresses: [{type: Hostname, value: x.example.com}]"),
        of_web("set", entry("a", "a.example.com")),
    )
    assert judged(outcome, "set") == (("False", "ParentNotAccepted"), ("False", "ParentNotProgrammed"))
    programmed = condition(listener_conditions(outcome, "ListenerSet", "set", "a"), "Programmed")
    assert programmed == ("False", "Invalid")
    assert attached_sets(outcome) == 0
    assert not outcome.snapshot.binds


def test_a_gateway_without_a_sound_listener_of_its_own_is_not_accepted_whatever_sets_add() -> None:
    twice = gateway(entry("a", "x.example.com"), entry("b", "x.example.com"))
    outcome = translated(twice, of_web("set", entry("a", "y.example.com")))
    conditions = status(outcome, "Gateway", "web")["conditions"]
    assert condition(conditions, "Accepted") == ("False", "ListenersNotValid")
    assert judged(outcome, "set") == (("False", "ParentNotAccepted"), ("False", "ParentNotProgrammed"))
    assert not outcome.snapshot.listeners


def test_a_bad_set_leaves_no_trace_in_the_gateways_conditions() -> None:
    outcome = translated(gateway(), of_web("set", entry("a", protocol="ODD")))
    found = status(outcome, "Gateway", "web")
    assert [condition(found["conditions"], kind) for kind in ("Accepted", "Programmed")] == [*GOOD]
    assert [item["name"] for item in found["listeners"]] == ["own"]


def test_a_sets_status_speaks_of_its_own_generation() -> None:
    text = of_web("set", entry("a", "a.example.com")).replace("name: set,", "name: set, generation: 7,")
    outcome = translated(gateway().replace("name: web,", "name: web, generation: 3,"), text)
    found = status(outcome, "ListenerSet", "set")
    conditions = [*found["conditions"], *found["listeners"][0]["conditions"]]
    assert {item["observedGeneration"] for item in conditions} == {7}


# --- conflicts --------------------------------------------------------------------------------


def refused(outcome: Translation, name: str, listener: str, reason: str) -> bool:
    conditions = listener_conditions(outcome, "ListenerSet", name, listener)
    return [condition(conditions, kind) for kind in ("Accepted", "Programmed", "Conflicted")] == [
        ("False", reason),
        ("False", reason),
        ("True", reason),
    ]


def sound(outcome: Translation, kind: str, name: str, listener: str) -> bool:
    conditions = listener_conditions(outcome, kind, name, listener)
    return all(condition(conditions, each)[0] == "True" for each in ("Accepted", "Programmed", "ResolvedRefs"))


@pytest.mark.parametrize(
    ("reason", "loser"),
    [("HostnameConflict", {}), ("ProtocolConflict", {"protocol": "TCP"})],
    ids=["hostname", "protocol"],
)
def test_gateway_then_older_set_then_name(reason: str, loser: dict[str, str]) -> None:
    """The later loses one entry, and no more: what is left of its set is served."""

    def losing(hostname: str) -> str:
        return entry("disputed", "" if loser else hostname, **loser)  # type: ignore[arg-type]

    old, young = "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"
    outcome = translated(
        gateway(entry("own", "own.example.com"), entry("disputed", "g.example.com")),
        of_web("b-1", entry("fine", "1.com"), losing("g.example.com"), entry("won", "s.example.com"), created=old),
        of_web("b-2", losing("g.example.com"), created=old),
        of_web("a-1", entry("fine", "2.com"), losing("s.example.com"), created=young),
        of_web("a-2", losing("s.example.com"), created=young),
    )
    assert sound(outcome, "Gateway", "web", "own") and sound(outcome, "Gateway", "web", "disputed")
    assert condition(status(outcome, "Gateway", "web")["conditions"], "Accepted") == ("True", "Accepted")
    assert attached_sets(outcome) == 2
    assert [judged(outcome, name) for name in ("b-1", "b-2", "a-1", "a-2")] == [
        SOME_VALID, NOTHING_VALID, SOME_VALID, NOTHING_VALID,
    ]  # fmt: skip
    assert all(refused(outcome, name, "disputed", reason) for name in ("b-1", "b-2", "a-1", "a-2"))
    assert sound(outcome, "ListenerSet", "b-1", "fine") and sound(outcome, "ListenerSet", "b-1", "won")
    assert sound(outcome, "ListenerSet", "a-1", "fine")
    assert set(outcome.snapshot.listeners) == {
        "infra/web/own", "infra/web/disputed", "infra/web/infra/b-1/fine", "infra/web/infra/b-1/won",
        "infra/web/infra/a-1/fine",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (("x", "a", ""), ("a-b", "a", ""), "a-b/a"),
        (("a", "x", ""), ("a-b", "x", ""), "a-b/x"),
        (("x", "a", "2024-01-01T00:00:00Z"), ("a", "a", "2024-01-01T00:00:01Z"), "x/a"),
        (("x", "a", "2024-01-01T01:00:00+01:00"), ("a", "a", "2024-01-01T00:30:00Z"), "x/a"),
    ],
)
def test_of_two_sets_the_older_wins_then_namespace_and_name(
    first: tuple[str, str, str], second: tuple[str, str, str], winner: str
) -> None:
    sets = [
        of_web(name, entry("e", "x.example.com"), namespace=space, created=at) for space, name, at in (first, second)
    ]
    for order in (sets, sets[::-1]):
        assert set(translated(gateway(), *order).snapshot.listeners) == {"infra/web/own", f"infra/web/{winner}/e"}


def test_what_cannot_be_told_apart_within_one_set_has_no_winner_and_no_heir() -> None:
    """Else a mistake in an older set would hand its hostname to whoever asks for it next."""
    outcome = translated(
        gateway(),
        of_web("a", entry("one", "x.example.com"), entry("two", "x.example.com"), entry("three", "y.example.com")),
        of_web("b", entry("heir", "x.example.com")),
    )
    assert refused(outcome, "a", "one", "HostnameConflict") and refused(outcome, "a", "two", "HostnameConflict")
    assert refused(outcome, "b", "heir", "HostnameConflict")
    assert set(outcome.snapshot.listeners) == {"infra/web/own", "infra/web/infra/a/three"}


def test_what_a_set_has_lost_is_in_nobodys_way() -> None:
    """a/tcp yields to the Gateway, so it takes neither a/http nor b/http with it."""
    outcome = translated(
        gateway(),
        of_web("a", entry("tcp", protocol="TCP"), entry("http", "a.example.com")),
        of_web("b", entry("http", "b.example.com")),
    )
    assert set(outcome.snapshot.listeners) == {"infra/web/own", "infra/web/infra/a/http", "infra/web/infra/b/http"}


def test_sets_that_may_not_attach_and_unknown_protocols_claim_nothing() -> None:
    allowed = "{namespaces: {from: Same}}"
    outcome = translated(
        gateway(allowed=allowed),
        of_web("a", entry("e", "x.example.com"), namespace="far", created="2020-01-01T00:00:00Z"),
        of_web("b", entry("odd", protocol="ODD")),
        of_web("c", entry("e", "x.example.com")),
    )
    assert set(outcome.snapshot.listeners) == {"infra/web/own", "infra/web/infra/c/e"}


def test_udp_and_tcp_ports_are_not_in_each_others_way() -> None:
    outcome = translated(gateway(), of_web("a", entry("dns", protocol="UDP"), entry("http", "a.example.com")))
    assert condition(listener_conditions(outcome, "ListenerSet", "a", "dns"), "Conflicted") == ("False", "NoConflicts")


@pytest.mark.parametrize(
    ("senior", "named"),
    [("infra", "ListenerSet infra/a"), ("secret-plans", "another ListenerSet")],
)
def test_siblings_of_other_namespaces_are_not_named(senior: str, named: str) -> None:
    outcome = translated(
        gateway(),
        of_web("a", entry("e", "x.example.com"), namespace=senior, created="2020-01-01T00:00:00Z"),
        of_web("b", entry("e", "x.example.com"), created="2020-01-01T00:00:01Z"),
    )
    [problem] = outcome.problems
    assert problem.message == f"port 80 with x.example.com is that of {named}, which comes first"
    assert problem.field == "spec.listeners[0].hostname"


# --- sockets ----------------------------------------------------------------------------------


def test_no_set_takes_a_socket_from_a_gateway() -> None:
    """The set belongs to the older Gateway, and is older than the other Gateway: still that one's own comes first."""
    other = gateway(entry("own", "x.example.com")).replace("name: web", "name: younger")
    outcome = translated(
        gateway().replace("name: web", 'name: web, creationTimestamp: "2020-01-01T00:00:00Z"'),
        other.replace("name: younger", 'name: younger, creationTimestamp: "2024-01-01T00:00:00Z"'),
        of_web("set", entry("e", "x.example.com"), created="2021-01-01T00:00:00Z"),
    )
    assert set(outcome.snapshot.listeners) == {"infra/web/own", "infra/younger/own"}
    conditions = listener_conditions(outcome, "ListenerSet", "set", "e")
    assert condition(conditions, "Accepted") == ("False", "PortUnavailable")
    assert condition(conditions, "Conflicted") == ("False", "NoConflicts")
    assert judged(outcome, "set") == NOTHING_VALID


def test_entries_are_bound_where_the_gateway_is() -> None:
    outcome = translated(
        gateway(more=", addresses: [{value: 127.0.0.1}, {value: '::1'}]"),
        of_web("set", entry("e", port=8080)),
        port_map={80: 8000},
    )
    assert [(bind.address, bind.port, bind.listeners) for bind in outcome.snapshot.binds] == [
        ("127.0.0.1", 8000, ("infra/web/own",)),
        ("127.0.0.1", 8080, ("infra/web/infra/set/e",)),
        ("::1", 8000, ("infra/web/own",)),
        ("::1", 8080, ("infra/web/infra/set/e",)),
    ]


def test_one_name_for_listeners_of_all_owners() -> None:
    outcome = translated(
        gateway(entry("http", "own.example.com")),
        of_web("web", entry("http", "a.example.com")),
        of_web("web", entry("http", "b.example.com"), namespace="shop"),
    )
    assert {key: (one.gateway, one.name) for key, one in outcome.snapshot.listeners.items()} == {
        "infra/web/http": ("infra/web", "http"),
        "infra/web/infra/web/http": ("infra/web", "infra/web/http"),
        "infra/web/shop/web/http": ("infra/web", "shop/web/http"),
    }
