"""XBackend: rules across fields, as its CRD has them."""

import re
from collections.abc import Iterator

from proxy.resources.problem import Finding
from proxy.resources.validate_backendtls import validate_trust
from proxy.resources.xbackend import XBackend, XBackendTLS

CLUSTER_DOMAIN = ".cluster.local"
"""Of the names of Services in most clusters: what they lead to is for ReferenceGrants to permit, not for DNS."""
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\Z")


def validate_xbackend(backend: XBackend) -> Iterator[Finding]:
    spec = backend.spec
    if spec.external_hostname is None:
        message = "required for type ExternalHostname, but missing"
        yield Finding(("spec", "externalHostname"), message, "add hostname: below it", at_key=True)
    elif spec.external_hostname.hostname.endswith(CLUSTER_DOMAIN):
        path = ("spec", "externalHostname", "hostname")
        yield Finding(path, f"must not end in {CLUSTER_DOMAIN}", "refer to the Service itself")
    if spec.port.name and not _LABEL.match(spec.port.name):
        yield Finding(("spec", "port", "name"), f'"{spec.port.name}" is not a DNS label')
    if spec.tls is not None:
        yield from _tls(spec.tls)


def _tls(tls: XBackendTLS) -> Iterator[Finding]:
    if (tls.mode == "ClientAndServer") != (tls.client_certificate_ref is not None):
        verb = "required for" if tls.mode == "ClientAndServer" else "not allowed with"
        yield Finding(("spec", "tls", "clientCertificateRef"), f"{verb} mode {tls.mode}", at_key=True)
    if tls.validation is not None:
        yield from validate_trust(tls.validation, ("spec", "tls", "validation"))
