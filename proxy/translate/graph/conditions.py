"""What translation can find, as named constructors: condition, reason, field, message, hint.

A message says what is wrong and where, the hint what to do about it. A finding makes its condition
False in the status, and is a Problem of `penstock check`; it is written once for both.
Reasons are those of the Gateway API types (apis/v1/*_types.go).

Here: what a finding is, and those about classes, Gateways, listeners and backends. Beside it:
`route_conditions`, `listenerset_conditions`, `address_conditions` and `name_conditions`.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from proxy.resources.problem import Severity

ACCEPTED = "Accepted"
PROGRAMMED = "Programmed"
RESOLVED_REFS = "ResolvedRefs"
CONFLICTED = "Conflicted"
PARTIALLY_INVALID = "PartiallyInvalid"
ADVICE = ""
"""The type of findings that change no condition."""


class Finding(Struct, frozen=True, gc=False):
    """One thing wrong, or worth knowing, about one object."""

    type: str
    """The condition that it makes False (Conflicted: True); ADVICE for none."""
    reason: str
    field: str
    """Dotted path within the object; "" for the object as a whole."""
    message: str
    hint: str = ""
    severity: Severity = "error"

    def under(self, field: str) -> "Finding":
        """The same, found in a part of an object that stands there."""
        return replace(self, field=f"{field}.{self.field}" if self.field else field)

    def __str__(self) -> str:
        """One sentence or two, for a condition's message."""
        place = f"{self.field}: " if self.field else ""
        return f"{place}{self.message}" + (f" ({self.hint})" if self.hint else "")


Findings = tuple[Finding, ...]

_LISTED = 5


def of_type(findings: Iterable[Finding], kind: str) -> list[Finding]:
    return [finding for finding in findings if finding.type == kind]


def sentence(findings: list[Finding]) -> str:
    """Several findings as one message; the status has room for a few, `penstock check` lists all."""
    listed = "; ".join(map(str, findings[:_LISTED]))
    more = len(findings) - _LISTED
    return listed + (f"; and {more} more" if more > 0 else "")


def advice(field: str, message: str, hint: str = "") -> Finding:
    """Served, but perhaps not as meant."""
    return Finding(ADVICE, "", field, message, hint, "warning")


def unsupported_value(field: str, message: str, hint: str = "") -> Finding:
    """A value that cannot be served: refuses a listener, or one rule of a route."""
    return Finding(ACCEPTED, "UnsupportedValue", field, message, hint)


def unresolved(reason: str, field: str, message: str, hint: str = "") -> Finding:
    """A reference that leads nowhere: InvalidKind, RefNotPermitted, BackendNotFound, UnsupportedProtocol."""
    return Finding(RESOLVED_REFS, reason, field, message, hint)


# --- GatewayClass and Gateway -----------------------------------------------------------------


def class_refused(name: str) -> Finding:
    return Finding(
        ACCEPTED,
        "Invalid",
        "spec.gatewayClassName",
        f"GatewayClass {name} is not accepted, so its Gateways are not served",
        f"see the conditions of GatewayClass {name}",
    )


def unknown_class(name: str, hint: str) -> Finding:
    return Finding(
        ADVICE,
        "",
        "spec.gatewayClassName",
        f"no GatewayClass is named {name!r}, so nobody serves this Gateway",
        hint,
    )


def foreign_class(name: str, controller: str) -> Finding:
    return Finding(
        ADVICE,
        "",
        "spec.gatewayClassName",
        f"GatewayClass {name} belongs to controller {controller}, so this Gateway is not served here",
        severity="notice",
    )


def address_type(field: str, kind: str) -> Finding:
    return Finding(
        ACCEPTED,
        "UnsupportedAddress",
        field,
        f"addresses of type {kind!r} cannot be bound",
        "use type IPAddress",
    )


def address_value(field: str, value: str) -> Finding:
    return Finding(
        ACCEPTED,
        "UnsupportedAddress",
        field,
        f"{value!r} is not an IP address",
        "write an IPv4 or IPv6 address, or leave the value out to use the default address",
    )


# --- listeners --------------------------------------------------------------------------------


def unknown_protocol(field: str, protocol: str, served: str) -> Finding:
    return Finding(
        ACCEPTED,
        "UnsupportedProtocol",
        field,
        f"{protocol!r} is not a protocol of listeners",
        f"this version serves {served}",
    )


def hostname_conflict(field: str, port: int, hostname: str, others: str) -> Finding:
    return Finding(
        CONFLICTED,
        "HostnameConflict",
        field,
        f"port {port} and {hostname or 'no hostname'} are also those of listener {others}, so none of them is served",
        "give each listener of a port a hostname of its own",
    )


def protocol_conflict(field: str, port: int, protocols: list[str], others: str) -> Finding:
    many = f"port {port} cannot carry {' and '.join(protocols)} at once (listener {others})"
    one = f"port {port} is also that of listener {others}, and {protocols[0]} has no hostnames to tell them apart by"
    return Finding(
        CONFLICTED,
        "ProtocolConflict",
        field,
        f"{many if len(protocols) > 1 else one}, so none of them is served",
        "use a port for each protocol" if len(protocols) > 1 else "use a port for each",
    )


def port_unavailable(field: str, port: int, hostname: str, winner: str) -> Finding:
    return Finding(
        ACCEPTED,
        "PortUnavailable",
        field,
        f"port {port} with {hostname or 'no hostname'} is that of listener {winner}, which is older or first by name",
        "use another port, hostname or address",
    )


def invalid_route_kind(field: str, kind: str, protocol: str, possible: str) -> Finding:
    return Finding(
        RESOLVED_REFS,
        "InvalidRouteKinds",
        field,
        f"routes of kind {kind} cannot attach to a listener of protocol {protocol}",
        f"possible: {possible}" if possible else "this version serves no routes there",
    )


def tls_missing(field: str) -> Finding:
    return unsupported_value(field, "the listener needs a certificate", "add tls with certificateRefs")


def tls_mode(field: str, mode: str) -> Finding:
    return unsupported_value(
        field, f"{mode} is not possible with protocol HTTPS", "use Terminate, or protocol TLS with a TLSRoute"
    )


def tls_option(field: str, name: str) -> Finding:
    return advice(field, f"option {name!r} is not known and has no effect", "remove it")


def no_certificate(field: str) -> Finding:
    return unresolved("InvalidCertificateRef", field, "none is named", "name the Secret that holds the certificate")


def certificate_kind(field: str, group: str, kind: str) -> Finding:
    named = f"{kind}.{group}" if group else kind
    return unresolved("InvalidCertificateRef", field, f"{named} cannot hold a certificate", "use a core Secret")


def certificate_not_permitted(field: str, secret: str, kind: str, namespace: str) -> Finding:
    target, _, name = secret.partition("/")
    return unresolved(
        "RefNotPermitted",
        field,
        f"no ReferenceGrant lets {kind}s of namespace {namespace} refer to Secret {secret}",
        f"add a ReferenceGrant to namespace {target}: from {kind} in {namespace}, to Secret {name}",
    )


def certificate_missing(field: str, secret: str, hint: str) -> Finding:
    return unresolved("InvalidCertificateRef", field, f"there is no Secret {secret}", hint)


def certificate_unusable(field: str, secret: str, part: str, message: str, hint: str) -> Finding:
    return unresolved("InvalidCertificateRef", field, f"{part} of Secret {secret} {message}", hint)


def certificate_expired(field: str, secret: str) -> Finding:
    return advice(field, f"the certificate of Secret {secret} has expired", "renew it; until then clients refuse it")


# --- backends ---------------------------------------------------------------------------------


class Broken(Struct, frozen=True, gc=False):
    """Why a backend cannot be used: the same wherever it is named, so it knows no more than a part of the field."""

    reason: str
    part: str
    """The field of the reference that is to blame."""
    message: str
    hint: str = ""

    def at(self, field: str) -> Finding:
        """`field`: the reference."""
        return unresolved(self.reason, f"{field}.{self.part}", self.message, self.hint)


def backend_kind(group: str, kind: str) -> Broken:
    named = f"{kind}.{group}" if group else kind
    return Broken(
        "InvalidKind",
        "kind",
        f"{named} is not a kind of backend",
        "use Service, XBackend, or Backend of group penstock.dev",
    )


def backend_not_permitted(route: str, kind: str, name: str, namespace: str, from_namespace: str) -> Broken:
    return Broken(
        "RefNotPermitted",
        "namespace",
        f"no ReferenceGrant lets {route}s of namespace {from_namespace} refer to {kind} {namespace}/{name}",
        f"add a ReferenceGrant to namespace {namespace}: from {route} in {from_namespace}, to {kind} {name}",
    )


def backend_missing(kind: str, name: str, namespace: str, hint: str) -> Broken:
    return Broken("BackendNotFound", "name", f"there is no {kind} {namespace}/{name}", hint)


def port_missing(service: str) -> Broken:
    return Broken(
        "BackendNotFound", "port", f"the reference names no port of Service {service}", "add port: to the reference"
    )


def no_such_port(service: str, port: int, ports: str) -> Broken:
    return Broken(
        "BackendNotFound", "port", f"Service {service} has no port {port}", f"its ports are: {ports or 'none'}"
    )


def transport_protocol(service: str, port: int, protocol: str, needs: str) -> Broken:
    return Broken(
        "UnsupportedProtocol",
        "port",
        f"port {port} of Service {service} is {protocol}, routes of this kind need {needs}",
        f"use a {needs} port",
    )


def no_calls(what: str, protocol: str) -> Broken:
    message = f"{what} speaks {protocol}, and gRPC needs HTTP/2"
    return Broken("UnsupportedProtocol", "port", message, "set its appProtocol to kubernetes.io/h2c, or leave it out")


def app_protocol(part: str, what: str, protocol: str, served: str) -> Broken:
    message = f"{what} wants {protocol}, which this version does not speak"
    return Broken("UnsupportedProtocol", part, message, f"it speaks {served}")
