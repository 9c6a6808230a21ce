"""BackendTLSPolicy (gateway.networking.k8s.io): TLS to the endpoints of Services."""

from typing import Annotated, Literal

from msgspec import Meta, field

from proxy.resources.fields import AbsoluteURI, Group, Hostname, KindName, Name, PreciseHostname, SectionName, TrustName
from proxy.resources.meta import Ignored, LocalObjectReference, Model, Resource

UNSOUND = "penstock.dev/unsound"
"""Whom stand-ins trust: nobody (resources.stand_in)."""


class SubjectAltName(Model, frozen=True):
    """A name the certificate may carry instead of the hostname."""

    type: Literal["Hostname", "URI"]
    hostname: Hostname | None = None
    uri: AbsoluteURI | None = None


class PolicyTargetReference(Model, frozen=True):
    """What a policy is for: an object of its own namespace, or a part of one; of a Service that is a port, by name."""

    group: Group
    kind: KindName
    name: Name
    section_name: SectionName | None = None


class BackendTLSPolicyValidation(Model, frozen=True):
    """Who the endpoints must be."""

    hostname: PreciseHostname
    """For SNI; and without subjectAltNames what the certificate must be for."""
    ca_certificate_refs: Annotated[tuple[LocalObjectReference, ...], Meta(max_length=8)] = ()
    well_known_ca_certificates: TrustName | None = field(default=None, name="wellKnownCACertificates")
    subject_alt_names: Annotated[tuple[SubjectAltName, ...], Meta(max_length=5)] = ()


class BackendTLSPolicySpec(Model, frozen=True):
    """BackendTLSPolicy.spec."""

    target_refs: Annotated[tuple[PolicyTargetReference, ...], Meta(min_length=1, max_length=16)]
    validation: BackendTLSPolicyValidation
    options: Annotated[dict[str, str], Meta(max_length=16)] = field(default_factory=dict)


class BackendTLSPolicy(Resource, frozen=True):
    """From here on its Services are spoken to over TLS, and not at all where that cannot be had."""

    spec: BackendTLSPolicySpec
    status: Ignored = None
