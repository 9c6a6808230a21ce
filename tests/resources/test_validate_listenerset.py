"""ListenerSet: what the CRD takes and what it refuses, one row each."""

import pytest

from tests.resources.yamlset import findings

HEAD = """
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: s}
spec: {parentRef: %s, listeners: [%s]}
"""
HTTP = "name: a, port: 80, protocol: HTTP"
CERT = "certificateRefs: [{name: c}]"


def entries(*each: str, parent: str = "{name: web}") -> str:
    return HEAD % (parent, ", ".join("{" + one + "}" for one in each))


@pytest.mark.parametrize(
    "text",
    [
        entries(HTTP),
        entries(HTTP, parent="{name: web, namespace: infra, kind: Gateway, group: gateway.networking.k8s.io}"),
        entries(HTTP, "name: b, port: 80, protocol: HTTP, hostname: b.example.com"),
        entries(f"name: a, port: 443, protocol: HTTPS, tls: {{{CERT}}}"),
        entries("name: a, port: 443, protocol: TLS, tls: {mode: Passthrough}"),
        entries(*(f"name: a{i}, port: {i + 1}, protocol: HTTP" for i in range(64))),
        entries(HTTP, "name: b, port: 80, protocol: HTTP"),
    ],
)
def test_what_the_api_server_takes_is_taken(text: str) -> None:
    """The last is what it would refuse: that is left to translation, which refuses nothing else."""
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        (entries(), "spec.listeners", "is empty, at least 1 is needed"),
        (entries(HTTP, parent="{namespace: infra}"), "spec.parentRef.name", "required, but missing"),
        (entries("name: a, protocol: HTTP"), "spec.listeners[0].port", "required, but missing"),
        (entries("name: a, port: 0, protocol: HTTP"), "spec.listeners[0].port",
         "got 0, want an integer 1–65535"),
        (entries(f"{HTTP}, tls: {{{CERT}}}"), "spec.listeners[0].tls", "not allowed with protocol HTTP"),
        (entries("name: a, port: 1, protocol: HTTPS, tls: {mode: Passthrough}"), "spec.listeners[0].tls.mode",
         "must be Terminate for protocol HTTPS"),
        (entries("name: a, port: 1, protocol: TLS"), "spec.listeners[0].tls", "required for protocol TLS"),
        (entries("name: a, port: 1, protocol: UDP, hostname: b"), "spec.listeners[0].hostname",
         "not allowed with protocol UDP"),
        (entries("name: a, port: 1, protocol: HTTPS, tls: {}"), "spec.listeners[0].tls.certificateRefs",
         "required when tls.mode is Terminate"),
        (entries(HTTP, "name: a, port: 81, protocol: HTTP"), "spec.listeners[1].name",
         '"a" is the name of listeners[0], too'),
    ],
)  # fmt: skip
def test_what_the_api_server_refuses_is_refused(text: str, field: str, message: str) -> None:
    assert findings(text) == [(field, message)]
