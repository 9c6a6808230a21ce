"""What stands for an endpoint in tokens: known to all who serve it, told by nothing that clients see."""

import json
from typing import Any

import pytest

from proxy.snapshot.session import Seat, Session
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.declare import APP, WEB, declare, route, translated

SESSIONS = route("[{sessionPersistence: {cookie: {name: c}}, backendRefs: [{name: shop, port: 80}]}]")
OWN = "[{sessionPersistence: {}, backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]"


def service(*pods: tuple[str, str], uid: str = "s-1", port: int = 80) -> str:
    """`pods`: address and uid."""
    spec: dict[str, Any] = {"ports": [{"port": port}]}
    endpoints = {
        "kind": "EndpointSlice",
        "metadata": {"name": "shop", "labels": {"kubernetes.io/service-name": "shop"}},
        "addressType": "IPv4",
        "ports": [{"port": 8080}],
        "endpoints": [{"addresses": [at], "targetRef": {"kind": "Pod", "uid": pod}} for at, pod in pods],
    }
    declared = {"kind": "Service", "metadata": {"name": "shop", "uid": uid}, "spec": spec}
    return json.dumps(declared) + "\n---\n" + json.dumps(endpoints)


def seats(translation: Translation, key: str = "default/shop:80") -> dict[str, Seat]:
    """Address to what stands for it."""
    upstream = translation.snapshot.upstreams[key]
    return {at.host: seat for at, seat in zip(upstream.endpoints, upstream.seats, strict=True)}


def compiled(translation: Translation) -> list[Session | None]:
    [bucket] = translation.snapshot.buckets.values()
    return [rule.session for rule in bucket.rules]


def test_every_endpoint_has_its_own_and_all_who_translate_agree() -> None:
    pods = (("10.0.0.1", "p-1"), ("10.0.0.2", "p-2"))
    one, other = (seats(translated(WEB, SESSIONS, service(*pods))) for _ in range(2))
    assert one == other
    assert len({seat.name for seat in one.values()} | {seat.key for seat in one.values()}) == 4
    assert all(len(seat.name) == 16 and len(seat.key) == 16 for seat in one.values())


def test_a_session_is_with_the_pod_and_not_with_its_address() -> None:
    before = seats(translated(WEB, SESSIONS, service(("10.0.0.1", "p-1"), ("10.0.0.2", "p-2"))))
    after = seats(translated(WEB, SESSIONS, service(("10.0.0.1", "p-3"), ("10.0.0.9", "p-2"))))
    assert after["10.0.0.1"] != before["10.0.0.1"]
    assert after["10.0.0.9"] == before["10.0.0.2"]


@pytest.mark.parametrize(
    ("uid", "pod", "key"),
    [("s-2", "p-1", b""), ("s-1", "p-2", b""), ("s-1", "p-1", b"another key"), ("s-1", "", b"")],
)
def test_it_hangs_on_the_service_the_pod_and_the_key(uid: str, pod: str, key: bytes) -> None:
    known = seats(translated(WEB, SESSIONS, service(("10.0.0.1", "p-1"))))["10.0.0.1"]
    found = seats(translated(WEB, SESSIONS, service(("10.0.0.1", pod), uid=uid), session_key=key))["10.0.0.1"]
    assert found.name != known.name and found.key != known.key


def test_where_no_rule_persists_sessions_nothing_stands_for_anything() -> None:
    plain = route("[{backendRefs: [{name: shop, port: 80}]}]")
    assert translated(WEB, plain, service(("10.0.0.1", "p-1"))).snapshot.upstreams["default/shop:80"].seats == ()


def test_they_are_made_again_only_when_endpoints_change() -> None:
    resources = declare(WEB, SESSIONS, service(("10.0.0.1", "p-1")))
    first = translate(resources, TranslateSettings())
    again = translate(declare(WEB, SESSIONS, service(("10.0.0.1", "p-1"))), TranslateSettings(), first)
    assert again.compiled.seated["default/shop:80"].upstream is first.compiled.seated["default/shop:80"].upstream
    more = translate(
        declare(WEB, SESSIONS, service(("10.0.0.1", "p-1"), ("10.0.0.2", "p-2"))), TranslateSettings(), again
    )
    assert seats(more)["10.0.0.1"] == seats(first)["10.0.0.1"] and len(seats(more)) == 2


def test_endpoints_of_our_own_kind_are_known_by_their_addresses() -> None:
    found = seats(translated(WEB, route(OWN), APP, session_key=b"k"), "default/app")
    assert found == seats(translated(WEB, route(OWN), APP, session_key=b"k"), "default/app")
    assert found != seats(translated(WEB, route(OWN), APP, session_key=b"l"), "default/app")


NAMED = """
kind: Backend
metadata: {name: app, uid: b-1}
spec: {endpoints: [{host: one.test, port: 80}, {host: 10.0.0.1, port: 80}, {host: two.test, port: 80}]}
"""
OUTSIDE = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: app, uid: x-1}
spec: {type: ExternalHostname, port: {port: 80}, protocol: HTTP, externalHostname: {hostname: one.test}}
"""
EXTERNAL = """
kind: Service
metadata: {name: shop, uid: s-1}
spec: {type: ExternalName, externalName: one.test, ports: [{port: 80}]}
"""


def test_names_have_theirs_after_those_of_endpoints() -> None:
    upstream = translated(WEB, route(OWN), NAMED).snapshot.upstreams["default/app"]
    assert [at.host for at in (*upstream.endpoints, *upstream.names)] == ["10.0.0.1", "one.test", "two.test"]
    assert len({seat.name for seat in upstream.seats}) == 3
    again = translated(WEB, route(OWN), NAMED.replace("{host: one.test, port: 80}, ", "")).snapshot
    assert again.upstreams["default/app"].seats == (upstream.seats[0], upstream.seats[2])


def test_names_outside_hang_on_the_uid_of_what_names_them() -> None:
    elsewhere = OWN.replace("penstock.dev", "gateway.networking.x-k8s.io").replace("Backend", "XBackend")
    one = translated(WEB, route(elsewhere), OUTSIDE).snapshot.upstreams["default/xbackend/app"]
    other = translated(WEB, route(elsewhere), OUTSIDE.replace("x-1", "x-2")).snapshot.upstreams["default/xbackend/app"]
    assert len(one.names) == len(one.seats) == 1 and one.seats != other.seats
    external = translated(WEB, SESSIONS, EXTERNAL, external_name=True).snapshot.upstreams["default/shop:80"]
    assert len(external.names) == len(external.seats) == 1


def test_beside_names_the_sessions_of_addresses_are_with_their_pods() -> None:
    fqdn = """
kind: EndpointSlice
metadata: {name: shop-2, labels: {kubernetes.io/service-name: shop}}
addressType: FQDN
ports: [{port: 8080}]
endpoints: [{addresses: [one.test]}]
"""
    pods = service(("10.0.0.1", "p-1"), ("10.0.0.2", ""))
    upstream = translated(WEB, SESSIONS, pods, fqdn).snapshot.upstreams["default/shop:80"]
    assert upstream.seats[:2] == tuple(seats(translated(WEB, SESSIONS, pods)).values())
    assert len(upstream.names) == 1 and len(upstream.seats) == 3


def test_sessions_of_rules_are_told_apart_by_name_else_by_place() -> None:
    rules = [f"{{name: {name}, matches: [{{path: {{value: /{name}}}}}], {OWN[2:-2]}}}" for name in ("one", "two")]
    first = compiled(translated(WEB, route(f"[{', '.join(rules)}]"), APP))
    moved = compiled(translated(WEB, route(f"[{', '.join(reversed(rules))}]"), APP))
    assert None not in first and set(first) == set(moved) and len(set(first)) == 2
    unnamed = compiled(translated(WEB, route(OWN), APP))
    elsewhere = compiled(translated(WEB, route(OWN, name="other"), APP))
    assert unnamed[0] is not None and elsewhere[0] is not None
    assert unnamed[0].scope != elsewhere[0].scope and unnamed[0].name != elsewhere[0].name


@pytest.mark.parametrize(
    ("given", "session"),
    [
        ("{cookie: {name: Cart}}", Session("cookie", b"Cart", b"-")),
        ("{sessionName: Cart}", Session("cookie", b"Cart", b"-")),
        ("{type: Header, sessionName: X-Cart}", Session("header", b"x-cart", b"-")),
        (
            "{type: Header, header: {name: X-Cart}, absoluteTimeout: 90s}",
            Session("header", b"x-cart", b"-", timeout=90.0),
        ),
        ("{cookie: {name: c, path: /a}}", Session("cookie", b"c", b"-", path=b"/a")),
        (
            "{sessionName: c, cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: 1h}",
            Session("cookie", b"c", b"-", timeout=3600.0, permanent=True),
        ),
        ("{sessionName: c, absoluteTimeout: 0s}", Session("cookie", b"c", b"-")),
    ],
)
def test_both_shapes_come_to_the_same(given: str, session: Session) -> None:
    rule = OWN.replace("sessionPersistence: {}", f"sessionPersistence: {given}")
    [found] = compiled(translated(WEB, route(rule), APP))
    assert found is not None and len(found.scope) == 8
    assert found == Session(
        session.kind, session.name, found.scope, path=session.path, timeout=session.timeout, permanent=session.permanent
    )
