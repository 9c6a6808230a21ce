"""XBackend (gateway.networking.x-k8s.io): a destination outside, and how it is spoken to (GEP-4894)."""

from typing import Annotated, Literal

from msgspec import Meta

from proxy.resources.backendtlspolicy import BackendTLSPolicyValidation
from proxy.resources.fields import Port, PreciseHostname
from proxy.resources.meta import Ignored, Model, Resource, SecretObjectReference

GROUP = "gateway.networking.x-k8s.io"


class BackendPort(Model, frozen=True):
    """Where it is answered."""

    port: Port
    name: Annotated[str, Meta(max_length=63)] | None = None
    """A DNS label, or ""."""


class ExternalHostname(Model, frozen=True):
    """A name outside; no IP address, and none of the cluster's own."""

    hostname: PreciseHostname


class XBackendTLS(Model, frozen=True):
    """TLS to it."""

    mode: Literal["None", "ServerOnly", "ClientAndServer"]
    client_certificate_ref: SecretObjectReference | None = None
    validation: BackendTLSPolicyValidation | None = None
    """Without it: whom this machine trusts, for spec.externalHostname.hostname."""


class XBackendSpec(Model, frozen=True):
    """XBackend.spec."""

    type: Literal["ExternalHostname"]
    port: BackendPort
    external_hostname: ExternalHostname | None = None
    protocol: Literal["TCP", "HTTP", "HTTP2", "HTTP11", "H2C", "MCP"] | None = None
    tls: XBackendTLS | None = None


class XBackend(Resource, frozen=True):
    """What a backendRef with group gateway.networking.x-k8s.io and kind XBackend names."""

    spec: XBackendSpec
    status: Ignored = None

    @property
    def hostname(self) -> str:
        """ "" only where validation was not asked."""
        return self.spec.external_hostname.hostname if self.spec.external_hostname is not None else ""
