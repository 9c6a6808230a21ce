"""HTTPRoutes and GRPCRoutes of one listener: where their hostnames meet the senior one is served, and no other."""

import pytest

from proxy.translate.graph.exclusive import Hosts
from proxy.translate.graph.nodes import RouteKey
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.declare import APP, WEB, condition, declare, entry, status

LISTENERS = f"{entry('one', 'one.example.com')}, {entry('two', repr('*.example.com'))}"
TWO = f"""
kind: Gateway
metadata: {{name: web}}
spec: {{gatewayClassName: penstock, listeners: [{LISTENERS}]}}
"""


def route(kind: str, name: str, hostnames: str = "", created: str = "", parents: str = "{name: web}") -> str:
    stamp = f', creationTimestamp: "{created}"' if created else ""
    rules = "[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]"
    return f"""
kind: {kind}
metadata: {{name: {name}{stamp}}}
spec: {{parentRefs: [{parents}], hostnames: [{hostnames}], rules: {rules}}}
"""


def outcome(*texts: str, previous: Translation | None = None) -> Translation:
    return translate(declare(APP, *texts), TranslateSettings(), previous)


def accepted(translation: Translation, kind: str, name: str) -> tuple[str, str]:
    return condition(status(translation, kind, name)["parents"][0]["conditions"], "Accepted")


YES, NO = ("True", "Accepted"), ("False", "HostnameConflict")
EARLY, LATE = "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("http", "grpc"),
    [
        ("", ""),
        ("a.example.com", "a.example.com"),
        ("a.example.com", ""),
        ("'*.example.com'", "a.b.example.com"),
        ("a.example.com", "'*.example.com'"),
        ("'*.example.com'", "'*.b.example.com'"),
        ("x.com, a.example.com", "y.com, a.example.com"),
    ],
)
def test_where_hostnames_meet_the_older_is_served(http: str, grpc: str) -> None:
    for older, first, second in ((EARLY, YES, NO), ("2024-01-03T00:00:00Z", NO, YES)):
        translation = outcome(WEB, route("HTTPRoute", "h", http, older), route("GRPCRoute", "g", grpc, LATE))
        assert accepted(translation, "HTTPRoute", "h") == first
        assert accepted(translation, "GRPCRoute", "g") == second
        kinds = {rule.kind for bucket in translation.snapshot.buckets.values() for rule in bucket.rules}
        assert kinds == {"HTTPRoute" if first == YES else "GRPCRoute"}
        assert status(translation, "Gateway", "web")["listeners"][0]["attachedRoutes"] == 1


def test_of_one_age_the_name_decides() -> None:
    translation = outcome(WEB, route("HTTPRoute", "b"), route("GRPCRoute", "a"))
    assert (accepted(translation, "GRPCRoute", "a"), accepted(translation, "HTTPRoute", "b")) == (YES, NO)


@pytest.mark.parametrize(
    ("http", "grpc"), [("a.example.com", "b.example.com"), ("example.com", "'*.example.com'"), ("a.com", "'*.org'")]
)
def test_where_hostnames_do_not_meet_both_are_served(http: str, grpc: str) -> None:
    translation = outcome(WEB, route("HTTPRoute", "r", http), route("GRPCRoute", "r", grpc))
    assert accepted(translation, "HTTPRoute", "r") == accepted(translation, "GRPCRoute", "r") == YES
    assert len(translation.snapshot.buckets) == 2


def test_each_listener_is_judged_by_itself() -> None:
    here = (TWO, route("HTTPRoute", "a", "", EARLY, "{name: web, sectionName: one}"), route("GRPCRoute", "b", "", LATE))
    translation = outcome(*here)
    assert accepted(translation, "GRPCRoute", "b") == YES
    places = {at: {rule.kind for rule in bucket.rules} for at, bucket in translation.snapshot.buckets.items()}
    assert places == {
        ("default/web/one", b"one.example.com"): {"HTTPRoute"},
        ("default/web/two", b"*.example.com"): {"GRPCRoute"},
    }


def test_what_is_refused_takes_nothing_from_others() -> None:
    """The GRPCRoute yields to the first HTTPRoute; so the second, which is younger than it, is served."""
    translation = outcome(
        WEB,
        route("HTTPRoute", "a", "x.com", "2024-01-01T00:00:00Z"),
        route("GRPCRoute", "b", "x.com, y.com", "2024-01-02T00:00:00Z"),
        route("HTTPRoute", "c", "y.com", "2024-01-03T00:00:00Z"),
    )
    assert accepted(translation, "GRPCRoute", "b") == NO
    assert accepted(translation, "HTTPRoute", "c") == YES


def test_what_is_refused_is_served_when_the_other_goes() -> None:
    http, grpc = route("HTTPRoute", "a"), route("GRPCRoute", "b")
    first = outcome(WEB, http, grpc)
    assert accepted(first, "GRPCRoute", "b") == NO
    second = outcome(WEB, grpc, previous=first)
    assert accepted(second, "GRPCRoute", "b") == YES


def test_nothing_changed_is_the_same_snapshot() -> None:
    resources = declare(APP, WEB, route("HTTPRoute", "a"), route("GRPCRoute", "b"))
    first = translate(resources, TranslateSettings())
    second = translate(resources, TranslateSettings(), first)
    assert second.snapshot is first.snapshot
    key = RouteKey("GRPCRoute", "default", "b")
    assert second.graph.attachments[key] is first.graph.attachments[key]


A, B = RouteKey("HTTPRoute", "n", "a"), RouteKey("HTTPRoute", "n", "b")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"a.b.c", A),
        (b"x.b.c", None),
        (b"*.b.c", A),
        (b"*.c", A),
        (b"*.a.b.c", None),
        (b"x.y", B),
        (b"w.x.y", B),
        (b"*.x.y", B),
        (b"y", None),
        (b"*.z", None),
        (b"", A),
    ],
)
def test_hostnames_that_meet(name: bytes, expected: RouteKey | None) -> None:
    hosts = Hosts()
    hosts.add(A, [b"a.b.c"])
    hosts.add(B, [b"*.y"])
    assert hosts.met_by(name) == expected


def test_no_hostname_meets_every_one() -> None:
    hosts = Hosts()
    assert hosts.met_by(b"") is None
    hosts.add(A, [b""])
    assert hosts.met_by(b"a.b") == hosts.met_by(b"*.b") == hosts.met_by(b"") == A
