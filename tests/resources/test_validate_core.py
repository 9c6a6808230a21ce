"""Service, EndpointSlice, Secret, ConfigMap: one row per rule."""

import pytest

from tests.resources.yamlset import findings


def service(spec: str) -> str:
    return f"{{apiVersion: v1, kind: Service, metadata: {{name: s}}, spec: {spec}}}"


def endpoint_slice(rest: str) -> str:
    labels = "labels: {kubernetes.io/service-name: s}"
    return f"{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: s-1, {labels}}}, {rest}}}"


def secret(rest: str) -> str:
    return f"{{apiVersion: v1, kind: Secret, metadata: {{name: c}}, {rest}}}"


@pytest.mark.parametrize(
    "text",
    [
        service("{ports: [{port: 80}]}"),
        service("{ports: [{name: a, port: 80}, {name: b, port: 81}, {name: c, port: 80, protocol: UDP}]}"),
        service("{clusterIP: None}"),
        service("{type: ExternalName, externalName: example.com}"),
        endpoint_slice("addressType: IPv4, endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]"),
        endpoint_slice("addressType: IPv6, endpoints: [{addresses: ['::1']}], ports: [{name: a, port: 1}]"),
        endpoint_slice("addressType: FQDN, endpoints: [{addresses: [example.com]}], ports: [{port: null}]"),
        secret("data: {a: aGk=}, type: x"),
        secret('data: {a: "aG\\nk="}'),
        secret("type: kubernetes.io/tls, data: {tls.crt: ''}, stringData: {tls.key: x}"),
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {ca.crt: x}, binaryData: {b: aGk=}}",
    ],
)
def test_what_kubernetes_takes_is_taken(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        (service("{}"), "spec.ports", "required, but missing"),
        (service("{type: ExternalName}"), "spec.externalName", "required for type ExternalName"),
        (service("{ports: [{name: a, port: 80}, {port: 81}]}"), "spec.ports[1].name", "required, but missing"),
        (service("{ports: [{name: a, port: 80}, {name: a, port: 81}]}"), "spec.ports[1].name",
         '"a" is the name of two ports'),
        (service("{ports: [{name: a, port: 80}, {name: b, port: 80}]}"), "spec.ports[1].port",
         "80/TCP is listed twice"),
        (endpoint_slice("addressType: IPv4, endpoints: [{addresses: ['::1']}]"), "endpoints[0].addresses[0]",
         '"::1" is not an IPv4 address'),
        (endpoint_slice("addressType: IPv4, endpoints: [{addresses: [localhost]}]"), "endpoints[0].addresses[0]",
         '"localhost" is not an IPv4 address'),
        (endpoint_slice("addressType: IPv4, endpoints: [{addresses: []}]"), "endpoints[0].addresses",
         "is empty, at least 1 is needed"),
        (endpoint_slice("addressType: IPv4, ports: [{name: a, port: 1}, {name: a, port: 2}]"), "ports[1].name",
         '"a" is the name of two ports'),
        ("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4}",
         "metadata.labels", "belongs to no Service, so nothing refers to it"),
        (secret("data: {a: 'not base64!'}"), "data.a", "not base64"),
        (secret("type: kubernetes.io/tls, data: {tls.crt: ''}"), 'data["tls.key"]',
         "required for a Secret of type kubernetes.io/tls"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: x}, binaryData: {a: aGk=}}",
         "binaryData.a", "is a key of data, too"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, binaryData: {a: '?'}}", "binaryData.a", "not base64"),
    ],
)  # fmt: skip
def test_what_kubernetes_refuses_is_refused(text: str, field: str, message: str) -> None:
    assert findings(text) == [(field, message)]
