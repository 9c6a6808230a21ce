"""BackendTLSPolicy: the rules of its CRD, one row each."""

import pytest

from tests.resources.yamlset import findings

CA = "caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]"


def policy(targets: str = "{group: '', kind: Service, name: a}", validation: str = f"hostname: a.example, {CA}") -> str:
    return (
        "{apiVersion: gateway.networking.k8s.io/v1, kind: BackendTLSPolicy, metadata: {name: p}, "
        f"spec: {{targetRefs: [{targets}], validation: {{{validation}}}}}}}"
    )


def target(name: str = "a", section: str = "") -> str:
    return f"{{group: '', kind: Service, name: {name}" + (f", sectionName: {section}}}" if section else "}")


SOUND = [
    policy(),
    policy(f"{target('a')}, {target('b')}"),
    policy(f"{target('a', 'one')}, {target('a', 'two')}, {target('b')}"),
    policy(validation="hostname: a.example, wellKnownCACertificates: System"),
    policy(validation="hostname: a.example, wellKnownCACertificates: a.example/roots"),
    policy(validation=f"hostname: a.example, {CA}, subjectAltNames: [{{type: URI, uri: 'spiffe://a/b'}}]"),
    policy(validation=f"hostname: a.example, {CA}, subjectAltNames: [{{type: Hostname, hostname: '*.a.example'}}]"),
]


@pytest.mark.parametrize("text", SOUND)
def test_what_is_sound(text: str) -> None:
    assert findings(text) == []


TRUST = "exactly one of caCertificateRefs and wellKnownCACertificates must be set"
WRONG = [
    (policy(f"{target('a')}, {target('a')}"), "spec.targetRefs[1]", "the same target as targetRefs[0]"),
    (policy(f"{target('a', 'x')}, {target('a', 'x')}"), "spec.targetRefs[1]", "the same target as targetRefs[0]"),
    (policy(f"{target('a')}, {target('a', 'x')}"), "spec.targetRefs[1]", '"a" is a target of another entry, too'),
    (policy(f"{target('a', 'x')}, {target('a')}"), "spec.targetRefs[1]", '"a" is a target of another entry, too'),
    (policy(validation="hostname: a.example"), "spec.validation", TRUST),
    (policy(validation=f"hostname: a.example, {CA}, wellKnownCACertificates: System"), "spec.validation", TRUST),
    (policy(validation=f"hostname: a.example, {CA}, subjectAltNames: [{{type: URI}}]"),
     "spec.validation.subjectAltNames[0].uri", "required for type URI"),
    (policy(validation=f"hostname: a.example, {CA}, subjectAltNames: [{{type: Hostname, hostname: a, uri: 'b://c'}}]"),
     "spec.validation.subjectAltNames[0].uri", "not allowed with type Hostname"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "message"), WRONG)
def test_what_is_refused(text: str, field: str, message: str) -> None:
    assert findings(text) == [(field, message)]
