"""TLS to backends as it is declared, and what of it can be followed: the words of BackendTLSPolicy.spec.validation.

What cannot be followed is kept as such: whoever leads there gets an error, never clear text and never an endpoint
that nobody has verified.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from proxy.resources.backendtlspolicy import UNSOUND, BackendTLSPolicyValidation, SubjectAltName
from proxy.resources.meta import SecretObjectReference
from proxy.resources.own import Backend, BackendTLS
from proxy.resources.xbackend import XBackend, XBackendTLS
from proxy.snapshot.upstream_tls import SubjectName, UpstreamTLS
from proxy.translate.graph import upstream_tls_conditions as c
from proxy.translate.graph.addresses import is_ip
from proxy.translate.graph.ca_certificates import BundleNode, CACertificates
from proxy.translate.graph.certificates import Certificates
from proxy.translate.graph.conditions import ACCEPTED, Finding, Findings
from proxy.translate.graph.nodes import CertificateNode, has

SYSTEM = "System"
_LONGEST_LABEL = 63
"""Octets (RFC 1035 section 2.3.4)."""


class SecurityNode(Struct, frozen=True):
    """How a backend is spoken to over TLS."""

    tls: UpstreamTLS | None
    """None: not at all, as what is declared cannot be followed."""
    bundles: tuple[BundleNode, ...] = ()
    certificate: CertificateNode | None = None
    """Its own, to show to endpoints."""

    @property
    def key(self) -> str:
        """UpstreamTLS.digest; "" where nothing is to be sent."""
        return "" if self.tls is None else self.tls.digest


class Security:
    """Reads declarations of TLS. `now`, in seconds since the epoch, is what bundles are held against."""

    def __init__(self, authorities: CACertificates, certificates: Certificates, now: float) -> None:
        self._authorities = authorities
        self._certificates = certificates
        self._now = now

    def read(
        self, kind: str, namespace: str, given: BackendTLSPolicyValidation | BackendTLS, field: str
    ) -> tuple[SecurityNode, Findings]:
        """`kind` and `namespace`: of the object that declares it, at `field`."""
        bundles, findings = self._trust(kind, namespace, given, field)
        findings += (*_server_name(given, field), *_alternatives(given.subject_alt_names, field))
        if has(findings, ACCEPTED):
            return SecurityNode(None), findings
        names = tuple(map(_alternative, given.subject_alt_names))
        keys = tuple(sorted(bundle.key for bundle in bundles))
        return SecurityNode(UpstreamTLS(given.hostname, keys, names), bundles), findings

    def of_backend(self, backend: Backend, given: BackendTLS) -> tuple[SecurityNode, Findings]:
        """The same, and the client certificate that only our own kind can name."""
        node, findings = self.read("Backend", backend.metadata.namespace, given, "spec.tls")
        return self._showing(backend, given.client_certificate_ref, node, findings)

    def of_xbackend(self, backend: XBackend, given: XBackendTLS) -> tuple[SecurityNode, Findings]:
        """Where nothing is said of whom to trust, the machine does, and the name is the one that it is found by."""
        validation = given.validation or BackendTLSPolicyValidation(backend.hostname, well_known_ca_certificates=SYSTEM)
        node, findings = self.read("XBackend", backend.metadata.namespace, validation, "spec.tls.validation")
        return self._showing(backend, given.client_certificate_ref, node, findings)

    def _showing(
        self, owner: Backend | XBackend, ref: SecretObjectReference | None, node: SecurityNode, findings: Findings
    ) -> tuple[SecurityNode, Findings]:
        """The same with a client certificate, where the owner names one."""
        if ref is None:
            return node, findings
        certificate, finding = self._certificates.resolve(owner, "spec.tls.clientCertificateRef", ref)
        findings += () if finding is None else (c.client_certificate(finding),)
        if certificate is None or node.tls is None:
            return SecurityNode(None), findings
        return replace(node, tls=replace(node.tls, certificate=certificate.key), certificate=certificate), findings

    def _trust(
        self, kind: str, namespace: str, given: BackendTLSPolicyValidation | BackendTLS, field: str
    ) -> tuple[tuple[BundleNode, ...], Findings]:
        """Bundles that can be read, and what is wrong with the others; one that can is enough to go on."""
        if not given.ca_certificate_refs:
            return (), tuple(_system(given.well_known_ca_certificates, field))
        found: dict[str, BundleNode] = {}
        findings: list[Finding] = []
        for i, ref in enumerate(given.ca_certificate_refs):
            at = f"{field}.caCertificateRefs[{i}]"
            outcome = self._authorities.resolve(kind, namespace, ref)
            if not isinstance(outcome, BundleNode):
                findings.append(c.bad_reference(at, outcome))
                continue
            found.setdefault(outcome.key, outcome)
            if outcome.bundle.not_after < self._now:
                findings.append(c.bundle_expired(at, outcome.config_map))
        if not found:
            findings.insert(0, c.no_valid_ca(f"{field}.caCertificateRefs"))
        return tuple(found.values()), tuple(findings)


def _system(name: str | None, field: str) -> Iterator[Finding]:
    if name is None:
        yield c.no_trust(field)
    elif name == UNSOUND:
        yield c.unsound()
    elif name != SYSTEM:
        yield c.unknown_trust(f"{field}.wellKnownCACertificates", name)


def _server_name(given: BackendTLSPolicyValidation | BackendTLS, field: str) -> Iterator[Finding]:
    if is_ip(given.hostname) or any(len(label) > _LONGEST_LABEL for label in given.hostname.split(".")):
        yield c.not_a_name(f"{field}.hostname", given.hostname)


def _alternatives(names: tuple[SubjectAltName, ...], field: str) -> Iterator[Finding]:
    """Checked again, as an older API server may have let them pass: an empty list would mean the hostname."""
    for i, name in enumerate(names):
        if not _alternative(name).value:
            yield c.bad_alternative(f"{field}.subjectAltNames[{i}]", name.type)


def _alternative(name: SubjectAltName) -> SubjectName:
    return SubjectName("URI", name.uri or "") if name.type == "URI" else SubjectName("DNS", name.hostname or "")
