"""TCPRoutes, TLSRoutes and UDPRoutes: what is kept from one translation to the next, and how backends are spoken to."""

import json
from base64 import b64encode

import pytest

from proxy.translate.translate import Translation
from tests.certificates import pair
from tests.translate.declare import condition, status, translated
from tests.translate.test_incremental import SERVICE, World, endpoints

GATEWAY = """
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners:
    - {name: http, protocol: HTTP, port: 80}
    - {name: tcp, protocol: TCP, port: 9000}
    - {name: passed, protocol: TLS, port: 443, tls: {mode: Passthrough}}
"""


def route(name: str, kind: str = "TCPRoute", listener: str = "tcp", hostname: str = "", service: str = "app") -> str:
    hostnames = f"hostnames: [{hostname}]" if hostname else ""
    return f"""
kind: {kind}
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: web, sectionName: {listener}}}]
  {hostnames}
  rules: [{{backendRefs: [{{name: {service}, port: 80}}]}}]
"""


def world() -> World:
    return World(
        web=GATEWAY, one=route("one"), sni=route("sni", "TLSRoute", "passed", "a.example"), app=SERVICE,
        slice=endpoints("10.0.0.1"),
    )  # fmt: skip


TCP, PASSED = "default/web/tcp", "default/web/passed"


def test_nothing_changed_is_the_same_snapshot() -> None:
    here = world()
    first = here.translate()
    assert here.translate().snapshot is first.snapshot
    assert first.snapshot.l4.keys() == {TCP, PASSED}


def test_a_changed_route_leaves_the_other_listeners_alone() -> None:
    here = world()
    first = here.translate()
    here.change(one=route("one", service="other"))
    second = here.translate()
    assert second.snapshot.l4[TCP][0].backends[0].invalid == "BackendNotFound"
    assert second.snapshot.l4[PASSED] is first.snapshot.l4[PASSED]
    assert (
        second.graph.l4.routes["TLSRoute", here.objects["sni"].key]
        is first.graph.l4.routes["TLSRoute", here.objects["sni"].key]
    )


def test_a_service_that_goes_and_endpoints_that_change() -> None:
    here = world()
    first = here.translate()
    here.change(slice=endpoints("10.0.0.2"))
    second = here.translate()
    assert second.snapshot.l4[TCP] is first.snapshot.l4[TCP]
    assert {upstream.endpoints[0].host for upstream in second.snapshot.upstreams.values()} == {"10.0.0.2"}
    del here.objects["app"]
    gone = here.translate()
    assert not gone.snapshot.upstreams
    assert (
        condition(status(gone, "TLSRoute", "sni")["parents"][0]["conditions"], "ResolvedRefs")[1] == "BackendNotFound"
    )


def test_routes_of_different_kinds_may_have_one_name() -> None:
    here = world()
    here.change(same=route("same"), http=route("same", "HTTPRoute", "http"))
    made = here.translate()
    assert [one.route for one in made.snapshot.l4[TCP]] == ["default/one", "default/same"]
    assert made.snapshot.buckets["default/web/http", b""].rules[0].route == "default/same"
    assert made.snapshot.upstreams.keys() == {"default/app:80", "raw://default/app:80", "tcp://default/app:80"}
    assert {made.snapshot.upstreams[key].protocol for key in made.snapshot.upstreams} == {"http", "tcp"}


# --- TLS to backends --------------------------------------------------------------------------

POLICY = """
kind: BackendTLSPolicy
metadata: {name: app}
spec:
  targetRefs: [{group: "", kind: Service, name: app}]
  validation: {hostname: app.internal, wellKnownCACertificates: System}
"""


def ancestors(made: Translation) -> list[str]:
    return [one["ancestorRef"]["name"] for item in made.statuses if item.kind == "BackendTLSPolicy"
            for one in item.status["ancestors"]]  # fmt: skip


def test_a_policy_holds_for_connections_and_not_for_tls_of_the_clients_own() -> None:
    both = translated(GATEWAY, route("one"), route("sni", "TLSRoute", "passed", "a.example"), SERVICE, POLICY)
    assert both.snapshot.upstreams["tcp://default/app:80"].tls in both.snapshot.upstream_tls
    assert not both.snapshot.upstreams["raw://default/app:80"].tls
    assert ancestors(both) == ["web"]
    passed = translated(GATEWAY, route("sni", "TLSRoute", "passed", "a.example"), SERVICE, POLICY)
    assert ancestors(passed) == [] and not passed.snapshot.upstream_tls


def test_a_policy_that_cannot_be_followed_leaves_nobody_to_speak_to() -> None:
    unsound = POLICY.replace("wellKnownCACertificates: System", "wellKnownCACertificates: example.com/nobody")
    made = translated(GATEWAY, route("one"), SERVICE, endpoints("10.0.0.1"), unsound)
    upstream = made.snapshot.upstreams["tcp://default/app:80"]
    assert upstream.invalid and not upstream.endpoints


def test_tls_of_a_backend_holds_likewise() -> None:
    backend = """
kind: Backend
metadata: {name: app}
spec: {endpoints: [{host: 10.0.0.9, port: 1}], tls: {hostname: app.internal, wellKnownCACertificates: System}}
"""
    refs = "{group: penstock.dev, kind: Backend, name: app}"
    texts = [route("one"), route("sni", "TLSRoute", "passed", "a.example")]
    made = translated(GATEWAY, backend, *(text.replace("{name: app, port: 80}", refs) for text in texts))
    assert made.snapshot.upstreams["tcp://default/app"].tls and not made.snapshot.upstreams["raw://default/app"].tls


# --- what no source lets through --------------------------------------------------------------


def test_hostnames_that_are_none_are_dropped_and_a_route_of_none_else_is_refused() -> None:
    some = translated(GATEWAY, route("sni", "TLSRoute", "passed", "'192.0.2.1', a.example"), SERVICE)
    assert [one.hostname for one in some.snapshot.l4[PASSED]] == [b"a.example"]
    conditions = status(some, "TLSRoute", "sni")["parents"][0]["conditions"]
    assert condition(conditions, "PartiallyInvalid") == ("True", "UnsupportedValue")
    none = translated(GATEWAY, route("sni", "TLSRoute", "passed", "'192.0.2.1'"), SERVICE)
    assert not none.snapshot.l4
    assert condition(status(none, "TLSRoute", "sni")["parents"][0]["conditions"], "Accepted") == (
        "False",
        "UnsupportedValue",
    )


# --- where TLS ends ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["Terminate", "Passthrough"])
def test_the_mode_of_the_listener_says_how_the_backend_is_spoken_to(mode: str) -> None:
    data = pair("a.example")
    values = {"tls.crt": b64encode(data.chain).decode(), "tls.key": b64encode(data.key).decode()}
    secret = f"kind: Secret\nmetadata: {{name: cert}}\ntype: kubernetes.io/tls\ndata: {json.dumps(values)}"
    gateway = GATEWAY.replace("{mode: Passthrough}", f"{{mode: {mode}, certificateRefs: [{{name: cert}}]}}")
    made = translated(gateway, secret, route("sni", "TLSRoute", "passed", "a.example"), SERVICE)
    assert bool(made.snapshot.listeners[PASSED].certificates) == (mode == "Terminate")
    [one] = made.snapshot.l4[PASSED]
    assert one.backends[0].upstream == {"Terminate": "tcp", "Passthrough": "raw"}[mode] + "://default/app:80"
