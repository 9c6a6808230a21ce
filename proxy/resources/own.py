"""Our own kinds (penstock.dev): Backend, endpoints without a cluster."""

from typing import Annotated, Literal

from msgspec import Meta, field

from proxy.resources.backendtlspolicy import SubjectAltName
from proxy.resources.fields import Name, Port, PreciseHostname
from proxy.resources.meta import Ignored, LocalObjectReference, Model, Resource, SecretObjectReference

GROUP = "penstock.dev"
PROXY_PROTOCOL = "penstock.dev/proxy-protocol"
"""Annotation of a Service: v1 or v2, as Backend.spec.proxyProtocol."""
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "penstock"
"""The value of that label on everything that is made for Gateways."""


class BackendEndpoint(Model, frozen=True):
    """An address that answers. `host` is an IP address or a DNS name."""

    host: Name
    port: Port


class BackendTLS(Model, frozen=True):
    """TLS to the endpoints, in the words of BackendTLSPolicy.spec.validation."""

    hostname: PreciseHostname
    """For SNI, and what the certificate must be for."""
    ca_certificate_refs: tuple[LocalObjectReference, ...] = ()
    well_known_ca_certificates: Literal["System"] | None = field(default=None, name="wellKnownCACertificates")
    subject_alt_names: tuple[SubjectAltName, ...] = ()
    client_certificate_ref: SecretObjectReference | None = None


class BackendSpec(Model, frozen=True):
    """Backend.spec."""

    endpoints: Annotated[tuple[BackendEndpoint, ...], Meta(max_length=1000)]
    protocol: Literal["HTTP", "H2C"] = "HTTP"
    tls: BackendTLS | None = None
    proxy_protocol: Literal["V1", "V2"] | None = None
    """The header that connections of TCPRoutes and TLSRoutes begin with, in which version."""


class Backend(Resource, frozen=True):
    """Stands for a Service: a backendRef with group penstock.dev and kind Backend."""

    spec: BackendSpec
    status: Ignored = None
