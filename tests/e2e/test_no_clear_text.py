"""Whoever asks for TLS, or for a protocol we do not speak, never gets clear HTTP/1 instead: from YAML to the wire."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runtime.running import HOST, backend, document, free_port, get, route, running, service

NOBODY = {"group": "", "kind": "ConfigMap", "name": "nobody"}
TLS = {"hostname": "example.com", "caCertificateRefs": [NOBODY]}
"""A bundle that is not there."""


@contextmanager
def untouched() -> Iterator[int]:
    """A port on which no connection may arrive."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def own_backend(name: str, port: int, **spec: object) -> str:
    return document("penstock.dev/v1alpha1", "Backend", name, {"endpoints": [{"host": HOST, "port": port}], **spec})


def kubernetes_service(name: str, port: int, app_protocol: str) -> str:
    """A Service with its endpoint, and the route /NAME to it."""
    refs = [{"name": name, "port": 80}]
    rule = {"matches": [{"path": {"value": f"/{name}"}}], "backendRefs": refs}
    return (
        document("v1", "Service", name, {"ports": [{"port": 80, "appProtocol": app_protocol}]})
        + f"""---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
endpoints: [{{addresses: ["{HOST}"]}}]
ports: [{{port: {port}}}]
"""
        + document(
            "gateway.networking.k8s.io/v1", "HTTPRoute", name, {"parentRefs": [{"name": "edge"}], "rules": [rule]}
        )
    )


def policy(name: str) -> str:
    target = {"group": "", "kind": "Service", "name": name}
    return document(
        "gateway.networking.k8s.io/v1", "BackendTLSPolicy", name, {"targetRefs": [target], "validation": TLS}
    )


def test_what_cannot_be_spoken_is_refused_and_nobody_is_connected_to(tmp_path: Path) -> None:
    port, tls_port = free_port(), free_port()
    with backend() as app, untouched() as secure:
        file = tmp_path / "gateway.yaml"
        refused = {
            "tls": own_backend("tls", secure, tls=TLS) + route("/tls", "tls", "tls"),
            "h2tls": own_backend("h2tls", secure, protocol="H2C", tls=TLS) + route("/h2tls", "h2tls", "h2tls"),
            "https": kubernetes_service("https", secure, "https"),
            "policy": kubernetes_service("policy", secure, "http") + policy("policy"),
            "policy2": kubernetes_service("policy2", secure, "https") + policy("policy2"),
            "wss": kubernetes_service("wss", secure, "kubernetes.io/wss"),
        }
        certificate = {"certificateRefs": [{"name": "certificate"}]}
        listeners = [
            {"name": "http", "protocol": "HTTP", "port": port},
            {"name": "https", "protocol": "HTTPS", "port": tls_port, "tls": certificate},
        ]
        edge = document(
            "gateway.networking.k8s.io/v1", "Gateway", "edge", {"gatewayClassName": "penstock", "listeners": listeners}
        )
        file.write_text(edge + service(app.port) + route() + "".join(refused.values()))
        with running(file, workers=1) as penstock:
            assert get(port, "/")[0].status == 200
            assert {name: get(port, f"/{name}")[0].status for name in refused} == dict.fromkeys(refused, 500)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((HOST, tls_port))
            said = penstock.said()
        for name in refused.keys() - {"tls", "h2tls", "policy", "policy2"}:
            assert f"HTTPRoute/default/{name}]: spec.rules[0].backendRefs[0]" in said
        assert "Backend/default/tls]: spec.tls.caCertificateRefs[0].name: there is no ConfigMap default/nobody" in said
        for name in ("policy", "policy2"):
            assert f"BackendTLSPolicy/default/{name}]: spec.validation.caCertificateRefs" in said
        assert "spec.listeners[1].tls.certificateRefs[0].name: there is no Secret default/certificate" in said
