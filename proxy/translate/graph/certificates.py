"""References to certificates, of listeners and towards backends: which Secrets they lead to, and what can be served.

Checked in the order of backends: kind, permission, existence, content. Permission comes before existence,
so that nobody learns by asking what other namespaces hold. A Secret that is there and turns bad takes nothing
down: what it last held is served until it is good again or gone.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from proxy.resources.core import Secret
from proxy.resources.gateway import Gateway, Listener
from proxy.resources.listenerset import ListenerSet
from proxy.resources.meta import ObjectKey, Resource, SecretObjectReference, Wanted
from proxy.resources.own import Backend
from proxy.resources.policy import ReferenceGrant
from proxy.resources.store import ResourceSet
from proxy.resources.validate_core import TLS_SECRET
from proxy.resources.xbackend import XBackend
from proxy.translate.graph import conditions as c
from proxy.translate.graph.conditions import Finding, Findings
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.nodes import CertificateNode
from proxy.translate.graph.references import Grants
from proxy.translate.graph.x509 import BadCertificate, read_certificate


class _Read(NamedTuple):
    """What came of one Secret; kept as long as it is the same instance."""

    secret: Secret
    good: CertificateNode | None
    """What can be served: of the Secret as it is or, when that is bad, as it last was good."""
    bad: BadCertificate | None


class Certificates:
    """Resolves references to Secrets, and remembers which were asked for."""

    def __init__(self, resources: ResourceSet, now: float, previous: "Certificates | None" = None) -> None:
        """`now`: seconds since the epoch; certificates that ended before are served with a warning."""
        self._secrets = resources.by_kind(Secret)
        self._grant_objects: Iterable[ReferenceGrant] = resources.by_kind(ReferenceGrant).values()
        self._grants: Grants | None = None
        self._names: Names | None = None
        self._now = now
        self._known: Mapping[ObjectKey, _Read] = previous._read if previous else {}
        self._read: dict[ObjectKey, _Read] = {}
        self.wanted: set[Wanted] = set()
        """Secrets that are referred to and may be read, whether they are there or not."""

    def of_listener(
        self, owner: Gateway | ListenerSet, field: str, listener: Listener
    ) -> tuple[tuple[CertificateNode, ...], Findings]:
        """Those that can be served, in the order of its references, and what is wrong with the others."""
        tls = listener.tls
        if tls is None:
            return (), (c.tls_missing(f"{field}.tls"),)
        if tls.mode != "Terminate":
            return (), (c.tls_mode(f"{field}.tls.mode", tls.mode),)
        found: dict[str, CertificateNode] = {}
        findings = [c.tls_option(f"{field}.tls.options", name) for name in tls.options]
        if not tls.certificate_refs:
            findings.append(c.no_certificate(f"{field}.tls.certificateRefs"))
        for i, ref in enumerate(tls.certificate_refs):
            at = f"{field}.tls.certificateRefs[{i}]"
            node, finding = self.resolve(owner, at, ref)
            if finding is not None:
                findings.append(finding)
            if node is not None:
                found.setdefault(node.key, node)
                if node.certificate.not_after < self._now:
                    findings.append(c.certificate_expired(at, node.secret))
        return tuple(found.values()), tuple(findings)

    def resolve(
        self, owner: Gateway | ListenerSet | Backend | XBackend, field: str, ref: SecretObjectReference
    ) -> tuple[CertificateNode | None, Finding | None]:
        """What the reference at `field` leads to, and what is wrong with that; both where an earlier one stands in."""
        if (ref.group, ref.kind) != ("", "Secret"):
            part = "group" if ref.kind == "Secret" else "kind"
            return None, c.certificate_kind(f"{field}.{part}", ref.group, ref.kind)
        kind, namespace = type(owner).__name__, owner.metadata.namespace
        key = ObjectKey(ref.namespace or namespace, ref.name)
        if not self._permits(owner, key):
            return None, c.certificate_not_permitted(f"{field}.namespace", str(key), kind, namespace)
        self.wanted.add(Wanted("Secret", key.namespace, key.name))
        secret = self._secrets.get(key)
        if secret is None:
            return None, c.certificate_missing(f"{field}.name", str(key), self._hint(namespace, key))
        read = self._read_once(key, secret)
        bad = read.bad
        if bad is None:
            return read.good, None
        kept = "" if read.good is None else ", so its last good certificate is still served"
        return read.good, c.certificate_unusable(f"{field}.name", str(key), bad.part, bad.message + kept, bad.hint)

    def _permits(self, owner: Resource, key: ObjectKey) -> bool:
        """Grants are to the kind: what a Gateway may read its ListenerSets may not, nor the other way round."""
        if self._grants is None:
            self._grants = Grants(self._grant_objects)
        return self._grants.permits(
            from_group=owner.group, from_kind=type(owner).__name__, from_namespace=owner.metadata.namespace,
            group="", kind="Secret", namespace=key.namespace, name=key.name,
        )  # fmt: skip

    def _hint(self, namespace: str, key: ObjectKey) -> str:
        """Names of other namespaces are nobody's business."""
        if key.namespace != namespace:
            return "create it"
        if self._names is None:
            self._names = Names(str(known) for known in self._secrets if known.namespace == namespace)
        return self._names.hint(str(key), "Secrets")

    def _read_once(self, key: ObjectKey, secret: Secret) -> _Read:
        known = self._read.get(key) or self._known.get(key)
        if known is None or known.secret is not secret:
            outcome = _read(key, secret)
            if isinstance(outcome, BadCertificate):
                known = _Read(secret, known.good if known else None, outcome)
            else:
                known = _Read(secret, outcome, None)
        self._read[key] = known
        return known


def _read(key: ObjectKey, secret: Secret) -> CertificateNode | BadCertificate:
    """A Secret of another type with both keys is served, too: some tools write them as Opaque."""
    chain, private = secret.value("tls.crt"), secret.value("tls.key")
    for part, value in (("tls.crt", chain), ("tls.key", private)):
        if not value:
            return BadCertificate(part, "is missing", f"use a Secret of type {TLS_SECRET}")
    assert chain is not None and private is not None
    try:
        certificate = read_certificate(chain, private)
    except BadCertificate as bad:
        return bad
    return CertificateNode(str(key), certificate.digest, certificate)
