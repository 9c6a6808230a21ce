"""BackendTLSPolicy: what it is for, which of several counts, and what is said to whom."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from proxy.resources.meta import Wanted
from proxy.snapshot.snapshot import Upstream
from proxy.snapshot.upstream_tls import SubjectName, UpstreamTLS
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.certificates import Authority, pair
from tests.translate.declare import APP, WEB, condition, declare, route, route_condition, status, translated
from tests.translate.graph.test_ca_certificates import config_map
from tests.translate.graph.test_certificates import secret

ROOT, OTHER = Authority("root"), Authority("other")
CA = config_map(ROOT.pem)
ROUTE = route("[{backendRefs: [{name: shop, port: 443}]}]")
CLASS = """
kind: GatewayClass
metadata: {name: penstock}
spec: {controllerName: penstock.dev/gateway-controller}
"""
"""Where no file implies it."""
REF = {"group": "", "kind": "ConfigMap", "name": "ca"}


def service(
    name: str = "shop", ports: Mapping[int, str] = {443: "https", 8443: "admin"}, app_protocol: str = ""
) -> str:
    more = {"appProtocol": app_protocol} if app_protocol else {}
    spec = {"ports": [{"port": port, "name": called, **more} for port, called in ports.items()]}
    slice_ports = [{"name": called, "port": port} for port, called in ports.items()]
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": slice_ports,
        "endpoints": [{"addresses": ["10.0.0.1"]}],
    }
    declared = {"kind": "Service", "metadata": {"name": name}, "spec": spec}
    return "---\n".join([json.dumps(declared) + "\n", json.dumps(endpoints) + "\n"])


def policy(
    name: str = "p", *, section: str = "", target: str = "shop", created: str = "", generation: int = 0, **given: Any
) -> str:
    """`given`: fields of spec.validation, in Python's case."""
    names = {"refs": "caCertificateRefs", "system": "wellKnownCACertificates", "sans": "subjectAltNames"}
    validation = {"hostname": "shop.example", "caCertificateRefs": [REF]}
    validation |= {names.get(field, field): value for field, value in given.items()}
    ref = {"group": "", "kind": "Service", "name": target} | ({"sectionName": section} if section else {})
    meta = {"name": name, "generation": generation} | ({"creationTimestamp": created} if created else {})
    spec = {"targetRefs": [ref], "validation": validation}
    return json.dumps({"kind": "BackendTLSPolicy", "metadata": meta, "spec": spec})


def upstream(translation: Translation, key: str = "default/shop:443") -> Upstream:
    return translation.snapshot.upstreams[key]


def tls(translation: Translation, key: str = "default/shop:443") -> UpstreamTLS:
    return translation.snapshot.upstream_tls[upstream(translation, key).tls]


def ancestors(translation: Translation, name: str = "p") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status(translation, "BackendTLSPolicy", name)["ancestors"]
    return found


def conditions(translation: Translation, name: str = "p") -> list[tuple[str, str]]:
    """(status, reason) of Accepted and of ResolvedRefs."""
    [ancestor] = ancestors(translation, name)
    return [condition(ancestor["conditions"], kind) for kind in ("Accepted", "ResolvedRefs")]


GOOD = [("True", "Accepted"), ("True", "ResolvedRefs")]
LOST = [("False", "Conflicted"), ("True", "ResolvedRefs")]


def test_a_service_with_a_policy_is_spoken_to_over_tls() -> None:
    outcome = translated(WEB, ROUTE, service(), policy(generation=3), CA)
    assert tls(outcome) == UpstreamTLS("shop.example", (ROOT.bundle.digest,))
    assert outcome.snapshot.bundles == {ROOT.bundle.digest: ROOT.bundle}
    assert outcome.wanted == {Wanted("ConfigMap", "default", "ca")}
    [ancestor] = ancestors(outcome)
    assert ancestor["ancestorRef"] == {
        "group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "default", "name": "web",
    }  # fmt: skip
    assert ancestor["controllerName"] == TranslateSettings().controller_name
    assert {item["observedGeneration"] for item in ancestor["conditions"]} == {3}
    assert conditions(outcome) == GOOD


def test_names_stand_for_the_hostname_and_the_system_for_a_bundle() -> None:
    sans = [{"type": "URI", "uri": "spiffe://a/b"}, {"type": "Hostname", "hostname": "*.a.example"}]
    outcome = translated(WEB, ROUTE, service(), policy(sans=sans, refs=[], system="System"))
    assert tls(outcome) == UpstreamTLS(
        "shop.example", (), (SubjectName("URI", "spiffe://a/b"), SubjectName("DNS", "*.a.example"))
    )
    assert conditions(outcome) == GOOD


MISSING = {**REF, "name": "nobody"}
ODD = {"group": "a.example", "kind": "Bundle", "name": "ca"}
BROKEN = [
    # (fields of validation, Accepted, ResolvedRefs)
    ({"refs": [MISSING]}, ("False", "NoValidCACertificate"), ("False", "InvalidCACertificateRef")),
    ({"refs": [ODD]}, ("False", "NoValidCACertificate"), ("False", "InvalidKind")),
    ({"refs": [MISSING, ODD]}, ("False", "NoValidCACertificate"), ("False", "InvalidCACertificateRef")),
    ({"refs": []}, ("False", "Invalid"), ("True", "ResolvedRefs")),
    ({"refs": [], "system": "a.example/roots"}, ("False", "Invalid"), ("True", "ResolvedRefs")),
    ({"hostname": "127.0.0.1"}, ("False", "Invalid"), ("True", "ResolvedRefs")),
    ({"hostname": "a" * 64 + ".example"}, ("False", "Invalid"), ("True", "ResolvedRefs")),
    ({"sans": [{"type": "URI"}]}, ("False", "Invalid"), ("True", "ResolvedRefs")),
]


@pytest.mark.parametrize(("given", "accepted", "resolved"), BROKEN)
def test_what_cannot_be_followed_leads_nowhere(
    given: dict[str, Any], accepted: tuple[str, str], resolved: tuple[str, str]
) -> None:
    outcome = translated(WEB, ROUTE, service(), policy(**given), CA)
    assert conditions(outcome) == [accepted, resolved]
    found = upstream(outcome)
    assert (found.endpoints, found.tls, found.invalid) == ((), "", "backend_tls_invalid")
    assert route_condition(outcome, "ResolvedRefs") == ("True", "ResolvedRefs")
    assert any(problem.kind == "BackendTLSPolicy" for problem in outcome.problems)


@pytest.mark.parametrize("bundle", [None, b"", b"none"])
def test_a_bundle_that_goes_bad_takes_its_connections_with_it(bundle: bytes | None) -> None:
    declared = (WEB, ROUTE, service(), policy())
    before = translated(*declared, CA)
    turned = translate(declare(*declared, config_map(bundle)), TranslateSettings(), before)
    assert upstream(turned).invalid == "backend_tls_invalid"
    assert conditions(turned) == [("False", "NoValidCACertificate"), ("False", "InvalidCACertificateRef")]
    again = translate(declare(*declared, CA), TranslateSettings(), turned)
    assert upstream(again) == upstream(before)
    assert conditions(again) == GOOD


def test_one_of_several_bundles_is_enough() -> None:
    outcome = translated(WEB, ROUTE, service(), policy(refs=[MISSING, REF]), CA)
    assert tls(outcome).bundles == (ROOT.bundle.digest,)
    assert conditions(outcome) == [("True", "Accepted"), ("False", "InvalidCACertificateRef")]


def test_a_rotated_bundle_is_another_identity_and_nothing_else_is() -> None:
    declared = (WEB, ROUTE, service(), policy())
    before = translated(*declared, CA)
    rotated = translate(declare(*declared, config_map(OTHER.pem)), TranslateSettings(), before)
    assert tls(rotated).bundles == (OTHER.bundle.digest,)
    assert rotated.snapshot.buckets == before.snapshot.buckets
    assert rotated.snapshot.bundles.keys() == {OTHER.bundle.digest}


# --- precedence -------------------------------------------------------------------------------


def test_of_two_for_one_target_the_older_counts_then_the_name() -> None:
    young, old = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
    by_age = [policy("a", created=young, hostname="a.example"), policy("b", created=old, hostname="b.example")]
    by_name = [policy("b", hostname="b.example"), policy("a", hostname="a.example")]
    for declared, winner, loser in ((by_age, "b", "a"), (by_name, "a", "b")):
        outcome = translated(WEB, ROUTE, service(), CA, *declared)
        assert tls(outcome).server_name == f"{winner}.example"
        assert (conditions(outcome, winner), conditions(outcome, loser)) == (GOOD, LOST)


def test_one_that_counts_is_not_replaced_by_the_next_when_it_is_bad() -> None:
    outcome = translated(WEB, ROUTE, service(), CA, policy("a", refs=[MISSING]), policy("b"))
    assert upstream(outcome).invalid == "backend_tls_invalid"
    assert conditions(outcome, "b") == LOST


def test_a_policy_for_a_port_and_one_for_the_service_are_no_conflict() -> None:
    both = route("[{backendRefs: [{name: shop, port: 443}, {name: shop, port: 8443}]}]")
    declared = [policy("all", hostname="all.example"), policy("one", section="https", hostname="one.example")]
    for given in (declared, declared[::-1]):
        outcome = translated(WEB, both, service(), CA, *given)
        assert tls(outcome).server_name == "one.example"
        assert tls(outcome, "default/shop:8443").server_name == "all.example"
        assert (conditions(outcome, "all"), conditions(outcome, "one")) == (GOOD, GOOD)


def test_two_for_one_port_are() -> None:
    outcome = translated(WEB, ROUTE, service(), CA, policy("a", section="https"), policy("b", section="https"))
    assert (conditions(outcome, "a"), conditions(outcome, "b")) == (GOOD, LOST)


def test_a_port_that_is_not_there() -> None:
    outcome = translated(WEB, ROUTE, service(), CA, policy(section="grpc"))
    assert conditions(outcome) == [("False", "TargetNotFound"), ("True", "ResolvedRefs")]
    assert upstream(outcome).tls == ""


# --- ancestors --------------------------------------------------------------------------------


def test_every_gateway_that_leads_there_is_an_ancestor_and_no_other() -> None:
    def gateway(name: str, port: int) -> str:
        return WEB.replace("name: web", f"name: {name}").replace("port: 80", f"port: {port}")

    gateways = [gateway("web", 80), gateway("edge", 81), gateway("apart", 82), gateway("beside", 83)]
    mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 443}}}"
    routes = [
        ROUTE.replace("[{name: web}]", "[{name: web}, {name: edge}]"),
        route("[{backendRefs: [{name: other, port: 443}]}]", name="r2").replace("name: web", "name: apart"),
        route(f"[{{filters: [{mirror}]}}]", name="r3").replace("name: web", "name: beside"),
    ]
    outcome = translated(*gateways, *routes, service(), service("other"), CA, policy(section="https"))
    assert [item["ancestorRef"]["name"] for item in ancestors(outcome)] == ["beside", "edge", "web"]


def test_a_policy_that_no_gateway_of_ours_has_use_for_is_not_ours_to_speak_of() -> None:
    declared = (WEB, APP, service(), CA, policy(), policy("port", section="admin"), policy("lost", target="nobody"))
    outcome = translated(*declared, ROUTE.replace("port: 443", "port: 8443").replace("shop", "other"))
    assert [item.kind for item in outcome.statuses if item.kind == "BackendTLSPolicy"] == []
    told = [(problem.name, problem.field) for problem in outcome.problems if problem.kind == "BackendTLSPolicy"]
    assert told == [("lost", "spec.targetRefs[0].name")]
    silent = translate(declare(CLASS, *declared, ROUTE), TranslateSettings(file_mode=False))
    assert silent.snapshot.listeners
    assert [problem.name for problem in silent.problems if problem.kind == "BackendTLSPolicy"] == []


# --- appProtocol ------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["HTTPS", "https", "kubernetes.io/wss", "http", "kubernetes.io/ws"])
def test_a_policy_is_followed_whatever_the_port_says_of_itself(protocol: str) -> None:
    outcome = translated(WEB, ROUTE, service(app_protocol=protocol), CA, policy())
    assert tls(outcome).server_name == "shop.example"
    assert route_condition(outcome, "ResolvedRefs") == ("True", "ResolvedRefs")


@pytest.mark.parametrize("protocol", ["HTTPS", "kubernetes.io/wss"])
def test_what_wants_tls_is_refused_until_somebody_says_who_it_is(protocol: str) -> None:
    declared = (WEB, ROUTE, service(app_protocol=protocol), CA)
    before = translated(*declared)
    assert route_condition(before, "ResolvedRefs") == ("False", "UnsupportedProtocol")
    assert not before.snapshot.upstreams
    after = translate(declare(*declared, policy()), TranslateSettings(), before)
    assert upstream(after).tls
    gone = translate(declare(*declared), TranslateSettings(), after)
    assert not gone.snapshot.upstreams


# --- Backend ----------------------------------------------------------------------------------


def backend(**given: Any) -> str:
    spec = {"endpoints": [{"host": "192.0.2.1", "port": 9443}], "tls": {"hostname": "app.example", **given}}
    return json.dumps({"kind": "Backend", "metadata": {"name": "app"}, "spec": spec})


TO_APP = route("[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]")


def test_a_backend_says_itself_how_it_is_spoken_to() -> None:
    shown = pair("a.example")
    outcome = translated(
        WEB, TO_APP, CA, secret("client", shown),
        backend(caCertificateRefs=[REF], clientCertificateRef={"name": "client"}),
    )  # fmt: skip
    found = tls(outcome, "default/app")
    assert found == UpstreamTLS("app.example", (ROOT.bundle.digest,), (), shown.certificate.digest)
    assert outcome.snapshot.certificates == {shown.certificate.digest: shown.certificate}
    assert outcome.wanted == {Wanted("ConfigMap", "default", "ca"), Wanted("Secret", "default", "client")}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"caCertificateRefs": [MISSING]}, "spec.tls.caCertificateRefs"),
        ({"wellKnownCACertificates": "System", "clientCertificateRef": {"name": "nobody"}},
         "spec.tls.clientCertificateRef.name"),
    ],
)  # fmt: skip
def test_a_backend_whose_tls_cannot_be_had_leads_nowhere(given: dict[str, Any], field: str) -> None:
    outcome = translate(declare(CLASS, WEB, TO_APP, backend(**given)), TranslateSettings(file_mode=False))
    assert upstream(outcome, "default/app").invalid == "backend_tls_invalid"
    assert outcome.problems[0].kind == "Backend"
    assert outcome.problems[0].field == field


# --- Gateway.spec.tls.backend -----------------------------------------------------------------


def gateway(**ref: str) -> str:
    given = json.dumps({"backend": {"clientCertificateRef": ref}})
    return WEB.replace("  listeners:", f"  tls: {given}\n  listeners:")


def test_what_a_gateway_shows_is_that_of_its_listeners() -> None:
    shown = pair("a.example").certificate
    plain = WEB.replace("name: web", "name: plain").replace("port: 80", "port: 81")
    outcome = translated(gateway(name="cert"), plain, secret(), CA, service(), policy(), ROUTE)
    listeners = outcome.snapshot.listeners
    assert listeners["default/web/http"].client_certificate == shown.digest
    assert listeners["default/plain/http"].client_certificate == ""
    assert outcome.snapshot.certificates == {shown.digest: shown}
    assert outcome.wanted >= {Wanted("Secret", "default", "cert")}
    assert condition(status(outcome, "Gateway", "web")["conditions"], "ResolvedRefs") == ("True", "ResolvedRefs")


UNUSABLE = [
    ({"name": "nobody"}, "InvalidClientCertificateRef"),
    ({"name": "cert", "group": "wrong.example"}, "InvalidClientCertificateRef"),
    ({"name": "cert", "kind": "WrongKind"}, "InvalidClientCertificateRef"),
    ({"name": "empty"}, "InvalidClientCertificateRef"),
    ({"name": "cert", "namespace": "vault"}, "RefNotPermitted"),
]


@pytest.mark.parametrize(("ref", "reason"), UNUSABLE)
def test_a_gateway_whose_reference_leads_nowhere_is_served_without_it(ref: dict[str, str], reason: str) -> None:
    empty = json.dumps({"kind": "Secret", "metadata": {"name": "empty"}, "type": "Opaque"})
    outcome = translated(gateway(**ref), ROUTE, CA, service(), policy(), secret(), secret(namespace="vault"), empty)
    found = status(outcome, "Gateway", "web")["conditions"]
    assert condition(found, "ResolvedRefs") == ("False", reason)
    assert condition(found, "Accepted") == ("True", "Accepted")
    assert condition(found, "Programmed") == ("True", "Programmed")
    assert outcome.snapshot.listeners["default/web/http"].client_certificate == ""
    assert (Wanted("Secret", "vault", "cert") in outcome.wanted) is False


def test_listeners_that_are_not_resolved_are_told_by_their_gateway() -> None:
    https = WEB.replace("protocol: HTTP, port: 80", "protocol: HTTPS, port: 80, tls: {certificateRefs: [{name: none}]}")
    found = status(translated(https), "Gateway", "web")["conditions"]
    assert condition(found, "ResolvedRefs") == ("False", "ListenersNotResolved")
