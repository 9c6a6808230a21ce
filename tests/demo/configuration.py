"""A configuration for tests of the demo, on ports that are free."""

import socket
from pathlib import Path

HELLO = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: hello}}
spec:
  gatewayClassName: penstock
  listeners: [{{name: http, protocol: HTTP, port: {declared_port}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: hello}}
spec:
  parentRefs: [{{name: hello}}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /hello}}}}]
    backendRefs: [{{name: hello, port: 8080}}]
---
apiVersion: v1
kind: Service
metadata: {{name: hello}}
spec: {{ports: [{{port: 8080}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: hello, labels: {{kubernetes.io/service-name: hello}}}}
addressType: IPv4
endpoints: [{{addresses: [127.0.0.1]}}]
ports: [{{port: {backend_port}}}]
"""


def write_configuration(folder: Path, backend_port: int, declared_port: int = 8080) -> Path:
    path = folder / "hello.yaml"
    path.write_text(HELLO.format(backend_port=backend_port, declared_port=declared_port))
    return path


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
