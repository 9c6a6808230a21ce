"""Backend: hosts and trust."""

import pytest

from proxy.resources.validate_own import is_host
from tests.resources.yamlset import findings


def backend(spec: str) -> str:
    return f"{{apiVersion: penstock.dev/v1alpha1, kind: Backend, metadata: {{name: b}}, spec: {spec}}}"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "localhost", "api.example.com", "api.example.com.", "a_b", "1a.2b"]
)
def test_a_host_is_an_address_or_a_dns_name(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize("host", ["[::1]", "http://a", "a:80", "a b", "1.2.3", "1.2.3.4.5", "", "-a", "a/b", "a\n"])
def test_anything_else_is_no_host(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize(
    "spec",
    [
        "{endpoints: [{host: 127.0.0.1, port: 1}]}",
        "{endpoints: [], protocol: H2C}",
        "{endpoints: [], tls: {hostname: a, wellKnownCACertificates: System}}",
        (
            "{endpoints: [], tls: {hostname: a, caCertificateRefs: [{group: '', kind: ConfigMap, name: c}], "
            "subjectAltNames: [{type: URI, uri: 'spiffe://a'}]}}"
        ),
    ],
)
def test_a_backend_has_endpoints_and_perhaps_tls(spec: str) -> None:
    assert findings(backend(spec)) == []


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ("{endpoints: [{host: 'http://a', port: 1}]}", "spec.endpoints[0].host", '"http://a" is not a host'),
        ("{endpoints: [], tls: {hostname: a}}", "spec.tls",
         "exactly one of caCertificateRefs and wellKnownCACertificates must be set"),
        ("{endpoints: [], tls: {hostname: a, wellKnownCACertificates: System, subjectAltNames: [{type: URI}]}}",
         "spec.tls.subjectAltNames[0].uri", "required for type URI"),
        (("{endpoints: [], tls: {hostname: a, wellKnownCACertificates: System, "
         "subjectAltNames: [{type: URI, uri: 'a://b', hostname: c}]}}"),
         "spec.tls.subjectAltNames[0].hostname", "not allowed with type URI"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(spec: str, field: str, message: str) -> None:
    assert findings(backend(spec)) == [(field, message)]
