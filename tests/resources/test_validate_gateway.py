"""Gateway: the rules that the CRD states in CEL, one row each."""

import pytest

from tests.resources.yamlset import findings

HEAD = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: penstock, %s}
"""


def listeners(*each: str) -> str:
    return HEAD % f"listeners: [{', '.join('{' + one + '}' for one in each)}]"


HTTP = "name: a, port: 80, protocol: HTTP"
CERT = "certificateRefs: [{name: c}]"


@pytest.mark.parametrize(
    "text",
    [
        listeners(HTTP),
        listeners(HTTP, "name: b, port: 80, protocol: HTTP, hostname: b.example.com"),
        listeners(HTTP, "name: b, port: 81, protocol: HTTP"),
        listeners(f"name: a, port: 443, protocol: HTTPS, tls: {{{CERT}}}"),
        listeners("name: a, port: 443, protocol: HTTPS, tls: {options: {a/b: c}}"),
        listeners("name: a, port: 443, protocol: TLS, tls: {mode: Passthrough}"),
        listeners("name: a, port: 53, protocol: UDP"),
        listeners("name: a, port: 53, protocol: example.com/bar"),
        HEAD % f"listeners: [{{{HTTP}}}], addresses: [{{value: 127.0.0.1}}, {{value: '::1'}}, {{type: Hostname}}]",
        HEAD % f"listeners: [{{{HTTP}}}], tls: {{backend: {{clientCertificateRef: {{name: c}}}}}}",
        HEAD % f"listeners: [{{{HTTP}}}], infrastructure: {{labels: {{a/b: ''}}, annotations: {{a/b: any thing}}}}",
        HEAD % f"listeners: [{{{HTTP}}}], tls: {{frontend: {{default: {{}}, perPort: [{{port: 1, tls: {{}}}}]}}}}",
        listeners(f"{HTTP}, allowedRoutes: {{namespaces: {{from: Selector, selector: {{matchLabels: {{a: b}}}}}}}}"),
    ],
)
def test_what_the_api_server_takes_is_taken(text: str) -> None:
    assert findings(text) == []


def test_listeners_that_cannot_be_told_apart_do_not_cost_the_gateway() -> None:
    """The API server refuses them; here they are left to translation, which refuses nothing else."""
    assert findings(listeners(HTTP, "name: b, port: 80, protocol: HTTP", "name: c, port: 81, protocol: HTTP")) == []


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        (HEAD % "listeners: []", "spec.listeners", "is empty, at least 1 is needed"),
        (HEAD % f"listeners: [{{{HTTP}}}], infrastructure: {{labels: {{a b: c}}}}",
         'spec.infrastructure.labels["a b"]', "not a label name"),
        (HEAD % f"listeners: [{{{HTTP}}}], infrastructure: {{labels: {{a: b c}}}}", "spec.infrastructure.labels.a",
         '"b c" is not a label value: up to 63 of A-Z, a-z, 0-9, - _ .'),
        (HEAD % f"listeners: [{{{HTTP}}}], infrastructure: {{annotations: {{a: {'x' * 4097}}}}}",
         "spec.infrastructure.annotations.a", "4097 characters long, at most 4096 are allowed"),
        (listeners(f"{HTTP}, tls: {{{CERT}}}"), "spec.listeners[0].tls", "not allowed with protocol HTTP"),
        (listeners("name: a, port: 1, protocol: HTTPS, tls: {mode: Passthrough}"), "spec.listeners[0].tls.mode",
         "must be Terminate for protocol HTTPS"),
        (listeners("name: a, port: 1, protocol: TLS"), "spec.listeners[0].tls", "required for protocol TLS"),
        (listeners("name: a, port: 1, protocol: TCP, hostname: b"), "spec.listeners[0].hostname",
         "not allowed with protocol TCP"),
        (listeners("name: a, port: 1, protocol: HTTPS, tls: {}"), "spec.listeners[0].tls.certificateRefs",
         "required when tls.mode is Terminate"),
        (listeners(HTTP, "name: a, port: 81, protocol: HTTP"), "spec.listeners[1].name",
         '"a" is the name of listeners[0], too'),
        (HEAD % f"listeners: [{{{HTTP}}}], addresses: [{{value: 1.2.3}}]", "spec.addresses[0].value",
         '"1.2.3" is not an IP address'),
        (HEAD % f"listeners: [{{{HTTP}}}], addresses: [{{value: 1.2.3.4}}, {{value: 1.2.3.4}}]",
         "spec.addresses[1].value", '"1.2.3.4" is listed twice'),
        (HEAD % f"listeners: [{{{HTTP}}}], tls: {{frontend: {{default: {{}}, "
         "perPort: [{port: 1, tls: {}}, {port: 1, tls: {}}]}}",
         "spec.tls.frontend.perPort[1].port", "port 1 is configured twice"),
    ],
)  # fmt: skip
def test_what_the_api_server_refuses_is_refused(text: str, field: str, message: str) -> None:
    assert findings(text) == [(field, message)]
