"""What can be found about TLS to backends: of BackendTLSPolicy, of Backend.spec.tls, and of what they lead to.

Reasons are those of BackendTLSPolicyConditionResolvedRefs, PolicyConditionReason and GatewayConditionResolvedRefs.
"""

from msgspec.structs import replace

from proxy.translate.graph.ca_certificates import BadReference
from proxy.translate.graph.conditions import ACCEPTED, RESOLVED_REFS, Broken, Finding, advice
from proxy.translate.graph.policy_conditions import invalid


def bad_reference(field: str, bad: BadReference) -> Finding:
    """`field`: the reference."""
    reason = "InvalidKind" if bad.wrong == "kind" else "InvalidCACertificateRef"
    return Finding(RESOLVED_REFS, reason, f"{field}.{bad.part}", bad.message, bad.hint)


def no_valid_ca(field: str) -> Finding:
    return Finding(
        ACCEPTED,
        "NoValidCACertificate",
        field,
        "none of the references leads to a CA certificate, so requests get 500",
        "they are never sent unverified or in clear text",
    )


def unknown_trust(field: str, name: str) -> Finding:
    return invalid(field, f"{name!r} is not a set of CA certificates that this version knows", "use System")


def unsound() -> Finding:
    return invalid("", "it is not sound, so what it is for is not spoken to", "see its other problems")


def no_trust(field: str) -> Finding:
    return invalid(field, "it names nobody to trust", "add caCertificateRefs, or wellKnownCACertificates: System")


def not_a_name(field: str, name: str) -> Finding:
    return invalid(
        field,
        f"{name!r} is not a DNS name",
        "a server name is no IP address (RFC 6066 section 3), and its labels have up to 63 octets",
    )


def bad_alternative(field: str, kind: str) -> Finding:
    return invalid(field, f"an entry of type {kind} needs a {kind.lower()}", "add it")


def tls_option(field: str, name: str) -> Finding:
    return advice(field, f"option {name!r} is not known and has no effect", "remove it")


def bundle_expired(field: str, config_map: str) -> Finding:
    return advice(field, f"all CA certificates of ConfigMap {config_map} have expired", "renew them")


# --- routes and Gateways ----------------------------------------------------------------------


def needs_policy(what: str, protocol: str) -> Broken:
    return Broken(
        "UnsupportedProtocol",
        "port",
        f"{what} wants {protocol}, but no BackendTLSPolicy says who it must be",
        "it is never spoken to unverified or in clear text; add a BackendTLSPolicy for the Service",
    )


def client_certificate(finding: Finding) -> Finding:
    """What is wrong with spec.tls.backend.clientCertificateRef, in the words for it."""
    permitted = finding.reason == "RefNotPermitted"
    return replace(finding, reason="RefNotPermitted" if permitted else "InvalidClientCertificateRef")
