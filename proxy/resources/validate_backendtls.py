"""BackendTLSPolicy, and what Backend.spec.tls has of it: rules across fields."""

from collections.abc import Iterator

from proxy.resources.backendtlspolicy import (
    BackendTLSPolicy,
    BackendTLSPolicyValidation,
    PolicyTargetReference,
    SubjectAltName,
)
from proxy.resources.own import BackendTLS
from proxy.resources.problem import Finding, Path


def validate_backend_tls_policy(policy: BackendTLSPolicy) -> Iterator[Finding]:
    yield from _targets(policy.spec.target_refs)
    yield from validate_trust(policy.spec.validation, ("spec", "validation"))


def _targets(targets: tuple[PolicyTargetReference, ...]) -> Iterator[Finding]:
    """Of several that name one object, each must name another part of it."""
    parts: dict[tuple[str, str, str], dict[str | None, int]] = {}
    for index, target in enumerate(targets):
        path = ("spec", "targetRefs", index)
        known = parts.setdefault((target.group, target.kind, target.name), {})
        if known and (target.section_name is None) != (None in known):
            yield Finding(path, f'"{target.name}" is a target of another entry, too', "give both a sectionName")
        elif target.section_name in known:
            first = known[target.section_name]
            yield Finding(path, f"the same target as targetRefs[{first}]", "remove one of the two")
        known.setdefault(target.section_name, index)


def validate_trust(given: BackendTLSPolicyValidation | BackendTLS, path: Path) -> Iterator[Finding]:
    """Trust must come from exactly one place, and each name have the field of its type."""
    if bool(given.ca_certificate_refs) == (given.well_known_ca_certificates is not None):
        message = "exactly one of caCertificateRefs and wellKnownCACertificates must be set"
        yield Finding(path, message, "wellKnownCACertificates: System trusts what this machine trusts")
    for index, name in enumerate(given.subject_alt_names):
        yield from _name(name, (*path, "subjectAltNames", index))


def _name(name: SubjectAltName, path: Path) -> Iterator[Finding]:
    for kind, field, value in (("Hostname", "hostname", name.hostname), ("URI", "uri", name.uri)):
        if (name.type == kind) != (value is not None):
            verb = "required for" if name.type == kind else "not allowed with"
            yield Finding((*path, field), f"{verb} type {name.type}", at_key=True)
