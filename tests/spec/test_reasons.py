"""Every reason that the Gateway API names for a condition of our kinds: what brings it about, or why nothing does.

Conditions that are well have their reason in the first rows. Where a file would be refused before it comes to a
condition, as by an API server, the objects are translated as an older or laxer one would have taken them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate
from tests.certificates import pair
from tests.spec.certificates import bundle, secret, terminates
from tests.spec.declared import Declared
from tests.spec.site import WEB, gateway, listener, listener_set, route, rule
from tests.spec.test_backend_tls import CA, policy
from tests.spec.test_filters import EXTENSION
from tests.spec.test_redirects import redirect
from tests.spec.test_rewrites import rewrite
from tests.translate.declare import declare


class Case(NamedTuple):
    """A configuration in which an object has a condition for a reason."""

    kind: str
    condition: str
    reason: str
    text: str
    name: str = "web"
    listener: str = ""


HTTP = listener("http")
SERVICE = "\n---\nkind: Service\nmetadata: {name: tls}\nspec: {ports: [{name: http, port: 8080}]}\n"
USES = WEB + SERVICE + route("r", rule(to="tls"))
SECRET = secret("cert", pair("example.org"))
ALL = ", allowedListeners: {namespaces: {from: All}}"
CLASS = (
    "\n---\nkind: GatewayClass\nmetadata: {name: penstock}\nspec: {controllerName: penstock.dev/gateway-controller%s}\n"
)
NOWHERE = "{group: example.com, kind: Odd, name: x, namespace: default}"


def https(name: str, hostname: str = "", more: str = "") -> str:
    return listener(name, hostname, port=443, protocol="HTTPS", more=more or terminates("cert"))


def checking(ref: str) -> str:
    return SECRET + gateway(
        https("https"), more=f", tls: {{frontend: {{default: {{validation: {{caCertificateRefs: [{ref}]}}}}}}}}"
    )


def of_gateway() -> Iterator[Case]:
    def case(condition: str, reason: str, text: str) -> Case:
        return Case("Gateway", condition, reason, text)

    def with_address(address: str) -> str:
        return gateway(HTTP, more=f", addresses: [{address}]")

    parameters = f", infrastructure: {{parametersRef: {NOWHERE.replace(', namespace: default', '')}}}"
    client = ", tls: {{backend: {{clientCertificateRef: {{name: x{}}}}}}}"
    fallback = checking("{group: '', kind: ConfigMap, name: ca}").replace("]}}}", "], mode: AllowInsecureFallback}}}")
    yield case("Accepted", "Accepted", WEB)
    yield case("Programmed", "Programmed", WEB)
    yield case("ResolvedRefs", "ResolvedRefs", WEB)
    yield case("Accepted", "ListenersNotValid", gateway(listener("odd", protocol="example.com/odd")))
    yield case("Accepted", "InvalidParameters", gateway(HTTP, more=parameters))
    yield case("Accepted", "UnsupportedAddress", with_address("{type: Hostname, value: a.example}"))
    yield case("Accepted", "Invalid", WEB + CLASS % f", parametersRef: {NOWHERE}")
    yield case("Programmed", "Invalid", gateway(HTTP, more=parameters))
    yield case("ResolvedRefs", "ListenersNotResolved", gateway(https("https")))
    yield case("ResolvedRefs", "InvalidClientCertificateRef", gateway(HTTP, more=client.format("")))
    yield case("ResolvedRefs", "RefNotPermitted", gateway(HTTP, more=client.format(", namespace: y")))
    yield case("InsecureFrontendValidationMode", "ConfigurationChanged", fallback + bundle("ca", pair("ca")))


def of_listener() -> Iterator[Case]:
    def case(condition: str, reason: str, *listeners: str, more: str = SECRET) -> Case:
        return Case("Gateway", condition, reason, more + gateway(*listeners), listener="it")

    def refused(condition: str, reason: str, ref: str) -> Case:
        return Case("Gateway", condition, reason, checking(ref), listener="https")

    it = listener("it")
    older = gateway(listener("o"), name="a", meta=", creationTimestamp: '2020-01-01T00:00:00Z'")
    younger = ", creationTimestamp: '2024-01-01T00:00:00Z'"
    yield case("Accepted", "Accepted", it)
    yield case("Programmed", "Programmed", it)
    yield case("ResolvedRefs", "ResolvedRefs", it)
    yield case("Conflicted", "NoConflicts", it)
    yield case("Accepted", "UnsupportedProtocol", listener("it", protocol="example.com/odd"))
    yield case("Accepted", "UnsupportedValue", listener("it", more=", allowedRoutes: {namespaces: {from: Selector}}"))
    yield Case("Gateway", "Accepted", "PortUnavailable", older + gateway(it, meta=younger), listener="it")
    yield case("Conflicted", "HostnameConflict", it, listener("other"))
    yield case("Conflicted", "ProtocolConflict", it, listener("other", protocol="TCP"))
    yield case("ResolvedRefs", "InvalidRouteKinds", listener("it", more=", allowedRoutes: {kinds: [{kind: Odd}]}"))
    yield case("ResolvedRefs", "InvalidCertificateRef", https("it"), more="")
    elsewhere = ", tls: {certificateRefs: [{name: cert, namespace: x}]}"
    yield case("ResolvedRefs", "RefNotPermitted", https("it", more=elsewhere))
    yield case("Programmed", "Invalid", https("it"), more="")
    yield case("OverlappingTLSConfig", "OverlappingCertificates", https("it", "a.org"), https("b", "b.org"))
    apart = secret("two", pair("two.example")) + SECRET
    wide = https("other", "*.example.org", terminates("two"))
    yield case("OverlappingTLSConfig", "OverlappingHostnames", https("it", "a.example.org"), wide, more=apart)
    yield refused("ResolvedRefs", "InvalidCACertificateRef", "{group: '', kind: ConfigMap, name: x}")
    yield refused("ResolvedRefs", "InvalidCACertificateKind", "{group: '', kind: Odd, name: x}")
    yield refused("Accepted", "NoValidCACertificate", "{group: '', kind: ConfigMap, name: x}")


def of_listener_set() -> Iterator[Case]:
    def case(condition: str, reason: str, text: str, listener: str = "") -> Case:
        return Case("ListenerSet", condition, reason, text, "set", listener)

    own = gateway(listener("own", "own.example"), more=ALL)
    sound = own + listener_set("set", listener("l", "l.example"))
    for condition, reason in (("Accepted", "Accepted"), ("Programmed", "Programmed")):
        yield case(condition, reason, sound)
        yield case(condition, reason, sound, "l")
    yield case("ResolvedRefs", "ResolvedRefs", sound, "l")
    taken = own + listener_set("set", listener("l", "own.example"))
    yield case("Accepted", "ListenersNotValid", taken)
    yield case("Conflicted", "HostnameConflict", taken, "l")
    yield case("Conflicted", "ProtocolConflict", own + listener_set("set", listener("l", protocol="TCP")), "l")
    yield case("Accepted", "NotAllowed", WEB + listener_set("set", listener("l")))
    refused = own.replace("spec: {", "spec: {addresses: [{type: Hostname, value: a.example}], ")
    yield case("Accepted", "ParentNotAccepted", refused + listener_set("set", listener("l", "l.example")))
    kinds = listener("l", "l.example", more=", allowedRoutes: {kinds: [{kind: Odd}]}")
    yield case("ResolvedRefs", "InvalidRouteKinds", own + listener_set("set", kinds), "l")
    yield case("Accepted", "UnsupportedProtocol", own + listener_set("set", listener("l", protocol="a.com/odd")), "l")
    yield case("ResolvedRefs", "InvalidCertificateRef", own + listener_set("set", https("l")), "l")
    yield case("Programmed", "Invalid", own + listener_set("set", https("l")), "l")
    elsewhere = https("l", more=", tls: {certificateRefs: [{name: cert, namespace: x}]}")
    yield case("ResolvedRefs", "RefNotPermitted", own + listener_set("set", elsewhere), "l")


def of_route() -> Iterator[Case]:
    def case(condition: str, reason: str, one: str, parents: str = "{name: web}", text: str = WEB, **more: str) -> Case:
        return Case("HTTPRoute", condition, reason, text + route("r", one, parents=parents, **more), "r")

    to = rule(to="x")
    yield case("Accepted", "Accepted", to)
    yield case("ResolvedRefs", "ResolvedRefs", rule())
    yield case("Accepted", "NoMatchingParent", to, "{name: web, sectionName: x}")
    closed = gateway(listener("l", more=", allowedRoutes: {kinds: [{kind: GRPCRoute}]}"))
    yield case("Accepted", "NotAllowedByListeners", to, text=closed)
    yield case("Accepted", "NoMatchingListenerHostname", to, text=gateway(listener("l", "a.com")), hosts="b.com")
    yield case("Accepted", "UnsupportedValue", rule("{path: {type: RegularExpression, value: '('}}", to="x"))
    both = f"{redirect('port: 80')}, {rewrite('hostname: a.example')}"
    yield case("Accepted", "IncompatibleFilters", rule(filters=both))
    pattern = rule("{headers: [{type: RegularExpression, name: x, value: '('}]}")
    yield case("PartiallyInvalid", "UnsupportedValue", f"{pattern}, {to}")
    yield case("ResolvedRefs", "BackendNotFound", to)
    yield case("ResolvedRefs", "InvalidKind", rule(to="{kind: Odd, name: x}"))
    yield case("ResolvedRefs", "InvalidKind", rule(filters=EXTENSION))
    yield case("ResolvedRefs", "RefNotPermitted", rule(to="{name: x, namespace: y, port: 80}"))
    udp = SERVICE.replace("port: 8080", "port: 8080, protocol: UDP")
    yield case("ResolvedRefs", "UnsupportedProtocol", rule(to="tls"), text=WEB + udp)


def of_policy() -> Iterator[Case]:
    def case(condition: str, reason: str, text: str, name: str = "p") -> Case:
        return Case("BackendTLSPolicy", condition, reason, USES + text, name)

    good = bundle("ca", pair("ca"))
    yield case("Accepted", "Accepted", policy() + good)
    yield case("ResolvedRefs", "ResolvedRefs", policy() + good)
    yield case("Accepted", "Conflicted", policy("a") + policy() + good)
    yield case("Accepted", "Invalid", policy(host="127.0.0.1") + good)
    yield case("Accepted", "NoValidCACertificate", policy())
    yield case("ResolvedRefs", "InvalidCACertificateRef", policy())
    yield case("ResolvedRefs", "InvalidKind", policy(trust=CA.replace("ConfigMap", "Odd")))
    yield case("Accepted", "TargetNotFound", policy(section="odd") + good)


def of_class() -> Iterator[Case]:
    yield Case("GatewayClass", "Accepted", "Accepted", CLASS % "", "penstock")
    yield Case("GatewayClass", "Accepted", "InvalidParameters", CLASS % f", parametersRef: {NOWHERE}", "penstock")


CASES = [*of_gateway(), *of_listener(), *of_listener_set(), *of_route(), *of_policy(), *of_class()]


def said(case: Case) -> dict[str, str]:
    declared = Declared(case.text)
    if not declared.has_status(case.kind, case.name):
        declared.translation = translate(declare(*case.text.split("---")), TranslateSettings(address="127.0.0.1"))
    return declared.said(case.kind, case.name, case.listener)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.listener}-{case.condition}-{case.reason}")
def test_what_brings_a_reason_about(case: Case) -> None:
    status, _, reason = said(case)[case.condition].partition(" ")
    assert reason == case.reason
    good = case.reason in ("Accepted", "Programmed", "ResolvedRefs") or case.condition in (
        "OverlappingTLSConfig", "InsecureFrontendValidationMode", "PartiallyInvalid",
    )  # fmt: skip
    clashes = case.condition == "Conflicted" and case.reason != "NoConflicts"
    assert status == ("True" if good or clashes else "False")


NAMED = {
    # kind -> reasons of apis/v1/*_types.go, v1.6.1, but those that are deprecated or reserved
    "GatewayClass": "Accepted InvalidParameters",
    "Gateway": "Accepted ListenersNotValid InvalidParameters UnsupportedAddress Invalid Programmed ResolvedRefs "
    "ListenersNotResolved InvalidClientCertificateRef RefNotPermitted ConfigurationChanged",
    "listener": "Accepted PortUnavailable UnsupportedProtocol UnsupportedValue NoValidCACertificate HostnameConflict "
    "ProtocolConflict NoConflicts ResolvedRefs InvalidCertificateRef InvalidRouteKinds RefNotPermitted Programmed "
    "InvalidCACertificateRef InvalidCACertificateKind Invalid OverlappingHostnames OverlappingCertificates",
    "ListenerSet": "Accepted NotAllowed ParentNotAccepted ListenersNotValid Programmed",
    "HTTPRoute": "Accepted NotAllowedByListeners NoMatchingListenerHostname NoMatchingParent UnsupportedValue "
    "IncompatibleFilters ResolvedRefs RefNotPermitted InvalidKind BackendNotFound UnsupportedProtocol",
    "BackendTLSPolicy": "Accepted Conflicted Invalid TargetNotFound NoValidCACertificate ResolvedRefs "
    "InvalidCACertificateRef InvalidKind",
}
"""Told elsewhere: AddressNotUsable, AddressNotAssigned and NoResources, Pending and ParentNotProgrammed are of binding
and of Services (tests/translate/graph/test_addresses.py, tests/translate/status/test_failures.py); SupportedVersion is
of a cluster's CRDs (tests/controller/test_version.py). Pending of routes and classes, Waiting, TooManyListeners and
ListenerConflict never come about: nothing is put off here, and no number of listeners is too many."""


def test_every_reason_of_the_api_has_its_row() -> None:
    rows: dict[str, set[str]] = {}
    for case in CASES:
        rows.setdefault("listener" if case.kind == "Gateway" and case.listener else case.kind, set()).add(case.reason)
    for kind, reasons in NAMED.items():
        assert set(reasons.split()) - rows[kind] == set(), kind
