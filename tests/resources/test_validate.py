"""Metadata, and that every kind is asked."""

import pytest

from tests.resources.yamlset import findings


def config_map(metadata: str) -> str:
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{{metadata}}}}}"


@pytest.mark.parametrize(
    "metadata",
    [
        "name: a",
        "name: a.b-c.1",
        "name: a, namespace: b-c",
        "name: a, labels: {app.kubernetes.io/name: Web_1.2, x: ''}",
        "name: a, annotations: {example.com/Some_Thing: 'anything at all\\n'}",
    ],
)
def test_names_and_labels_as_kubernetes_takes_them(metadata: str) -> None:
    assert findings(config_map(metadata)) == []


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        (config_map(""), "metadata.name", "required, but missing"),
        (config_map("name: A"), "metadata.name",
         '"A" is not a name: a-z, 0-9, "-" and ".", a letter or digit at both ends'),
        (config_map('name: "a\\n"'), "metadata.name",
         '"a\n" is not a name: a-z, 0-9, "-" and ".", a letter or digit at both ends'),
        (config_map("name: a, namespace: a.b"), "metadata.namespace",
         '"a.b" is not a namespace: up to 63 of a-z, 0-9 and "-"'),
        (config_map("name: a, labels: {'a b': c}"), 'metadata.labels["a b"]', "not a label name"),
        (config_map("name: a, labels: {a: 'b c'}"), "metadata.labels.a",
         '"b c" is not a label value: up to 63 of A-Z, a-z, 0-9, - _ .'),
        (config_map("name: a, annotations: {'a b': c}"), 'metadata.annotations["a b"]', "not an annotation name"),
        ("{apiVersion: v1, kind: Service, metadata: {name: a.b}, spec: {ports: [{port: 1}]}}", "metadata.name",
         '"a.b" is not a name: up to 63 of a-z, 0-9 and "-", a letter or digit at both ends'),
        ("{apiVersion: v1, kind: Namespace, metadata: {name: a.b}}", "metadata.name",
         '"a.b" is not a name: up to 63 of a-z, 0-9 and "-", a letter or digit at both ends'),
        (("{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {name: a}, "
         "spec: {from: [], to: [{group: '', kind: Service}]}}"), "spec.from", "is empty, at least 1 is needed"),
        (("{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: a}, "
         "spec: {controllerName: nodomain}}"), "spec.controllerName",
         'got "nodomain" (string), want a domain and a path, such as penstock.dev/gateway-controller'),
    ],
)  # fmt: skip
def test_bad_metadata_is_refused(text: str, field: str, message: str) -> None:
    assert findings(text) == [(field, message)]
