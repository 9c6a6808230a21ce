"""What can be found about spec.tls.frontend of a Gateway, as named constructors (see graph.conditions)."""

from proxy.translate.graph.ca_certificates import BadReference
from proxy.translate.graph.conditions import ACCEPTED, Finding, advice, unresolved

INSECURE = "InsecureFrontendValidationMode"
"""A condition of Gateways that is there only while it is True."""

REASONS = {
    "kind": "InvalidCACertificateKind",
    "permission": "RefNotPermitted",
    "missing": "InvalidCACertificateRef",
    "content": "InvalidCACertificateRef",
}
"""ListenerReasons of ResolvedRefs, by where a reference went wrong."""


def bad_authority(field: str, bad: BadReference) -> Finding:
    """`field`: the reference."""
    return unresolved(REASONS[bad.wrong], f"{field}.{bad.part}", bad.message, bad.hint)


def no_authority(field: str) -> Finding:
    """Never served without: who asks for client certificates must not get a listener open to everybody."""
    message = "no CA certificate is left by which clients could be checked, so HTTPS is not served there"
    return Finding(ACCEPTED, "NoValidCACertificate", field, message, "mend one of its references")


def of_gateway(field: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The same for a ListenerSet, which is told nothing of what its Gateway refers to: that may be another's affair."""
    found = {finding.type: finding.reason for finding in reversed(findings) if finding.type}
    message = "the Gateway asks for client certificates, and not all is well with the authorities that it names"
    return tuple(
        Finding(kind, reason, field, message, "see the Gateway's own status") for kind, reason in found.items()
    )


def authorities_expired(field: str, config_map: str) -> Finding:
    return advice(
        field, f"the CA certificates of ConfigMap {config_map} have expired", "renew them; no client is valid"
    )


def insecure_fallback(field: str) -> Finding:
    message = "AllowInsecureFallback lets in clients that have no valid certificate, and tells backends nothing of it"
    return advice(field, message, "use AllowValidOnly as soon as all clients have one")


def no_such_port(field: str, port: int) -> Finding:
    return advice(field, f"no HTTPS listener is on port {port}, so this has no effect")
