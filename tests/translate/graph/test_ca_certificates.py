"""caCertificateRefs: what they lead to, and what is said of those that lead nowhere."""

import json
from base64 import b64encode

import pytest

from proxy.resources.meta import LocalObjectReference, ObjectReference, Wanted
from proxy.translate.graph.ca_certificates import BadReference, BundleNode, CACertificates
from proxy.translate.graph.x509 import BadCertificate, read_bundle
from tests.certificates import ENDS, pair
from tests.translate.declare import declare

ONE, OTHER = pair("ca.example").chain, pair("ca.example", number=1).chain
REF = LocalObjectReference("", "ConfigMap", "ca")


def config_map(pem: bytes | None, *, name: str = "ca", namespace: str = "default", binary: bool = False) -> str:
    meta = {"name": name, "namespace": namespace}
    if pem is None:
        return json.dumps({"kind": "ConfigMap", "metadata": meta})
    if binary:
        return json.dumps({"kind": "ConfigMap", "metadata": meta, "binaryData": {"ca.crt": b64encode(pem).decode()}})
    return json.dumps({"kind": "ConfigMap", "metadata": meta, "data": {"ca.crt": pem.decode()}})


def grant(kind: str, to: str = "") -> str:
    return f"""
kind: ReferenceGrant
metadata: {{name: g, namespace: vault}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: default}}]
  to: [{{group: "", kind: ConfigMap{to}}}]
"""


def resolve(
    *texts: str, ref: LocalObjectReference | ObjectReference = REF, kind: str = "BackendTLSPolicy"
) -> BundleNode | BadReference:
    return CACertificates(declare(*texts)).resolve(kind, "default", ref)


@pytest.mark.parametrize("binary", [False, True])
def test_a_config_map_with_a_bundle(binary: bool) -> None:
    found = resolve(config_map(ONE, binary=binary))
    assert isinstance(found, BundleNode)
    assert (found.config_map, found.bundle.pem) == ("default/ca", ONE)
    assert found.key == found.bundle.digest
    assert found.bundle.not_after == ENDS.timestamp()


BAD = [
    # (declared, group, kind, what is wrong, blamed, said)
    ("", "", "Secret", "kind", "kind", "Secret cannot hold CA certificates"),
    ("", "a.io", "ConfigMap", "kind", "group", "ConfigMap.a.io cannot hold"),
    ("", "a.io", "Bundle", "kind", "kind", "Bundle.a.io cannot hold"),
    ("", "", "ConfigMap", "missing", "name", "there is no ConfigMap default/ca"),
    (config_map(None), "", "ConfigMap", "content", "name", "has no key ca.crt"),
    (config_map(b""), "", "ConfigMap", "content", "name", "has no key ca.crt"),
    (config_map(b"x"), "", "ConfigMap", "content", "name", "ca.crt of ConfigMap default/ca has no PEM certificate"),
    (config_map(ONE[:200]), "", "ConfigMap", "content", "name", "is not a bundle of PEM certificates"),
]


@pytest.mark.parametrize(("declared", "group", "kind", "wrong", "part", "said"), BAD)
def test_what_leads_nowhere(declared: str, group: str, kind: str, wrong: str, part: str, said: str) -> None:
    found = resolve(declared, ref=LocalObjectReference(group, kind, "ca"))
    assert isinstance(found, BadReference)
    assert (found.wrong, found.part) == (wrong, part)
    assert said in found.message


def test_a_name_that_is_nearly_right_is_told_within_the_namespace_only() -> None:
    near = resolve(config_map(ONE, name="cas"), config_map(ONE, name="c", namespace="vault"))
    assert isinstance(near, BadReference)
    assert near.hint == "did you mean 'cas'?"


def test_permission_comes_before_existence_and_is_to_a_kind() -> None:
    far = ObjectReference("", "ConfigMap", "ca", "vault")
    there = config_map(ONE, namespace="vault")
    for texts in ((), (there,), (there, grant("ListenerSet")), (there, grant("Gateway", ", name: other"))):
        found = resolve(*texts, ref=far, kind="Gateway")
        assert isinstance(found, BadReference)
        assert (found.wrong, found.part) == ("permission", "namespace")
    assert isinstance(resolve(there, grant("Gateway", ", name: ca"), ref=far, kind="Gateway"), BundleNode)


def test_wanted_is_what_may_be_read_whether_it_is_there_or_not() -> None:
    certificates = CACertificates(declare())
    certificates.resolve("Gateway", "default", REF)
    certificates.resolve("Gateway", "default", ObjectReference("", "ConfigMap", "ca", "vault"))
    certificates.resolve("Gateway", "default", LocalObjectReference("", "Secret", "ca"))
    assert certificates.wanted == {Wanted("ConfigMap", "default", "ca")}


def test_a_config_map_that_did_not_change_is_not_read_again_and_one_that_turned_bad_is_not_used() -> None:
    resources = declare(config_map(ONE))
    first = CACertificates(resources)
    before = first.resolve("Gateway", "default", REF)
    assert CACertificates(resources, first).resolve("Gateway", "default", REF) is before
    turned = CACertificates(declare(config_map(b"")), first).resolve("Gateway", "default", REF)
    assert isinstance(turned, BadReference)


def test_nodes_are_compared_by_what_they_hold() -> None:
    one, same, other = resolve(config_map(ONE)), resolve(config_map(ONE, binary=True)), resolve(config_map(OTHER))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


def test_a_bundle_keeps_certificates_only_and_each_once() -> None:
    untidy = "# Ä comment\n".encode() + ONE + b"between\n" + OTHER + ONE + pair("ca.example").key
    assert read_bundle(untidy).pem == ONE + OTHER


def test_a_bundle_that_is_none() -> None:
    with pytest.raises(BadCertificate) as caught:
        read_bundle(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
    assert caught.value.part == "ca.crt"
