"""The cluster itself: Pods become ready, and a Service of type LoadBalancer leads to them as they come and go."""

import asyncio
import json
import socket

from tests.cluster.inside import inside
from tests.conformance.client import Object, wait_until
from tests.conformance.place import LOAD_BALANCER_ADDRESSES
from tests.conformance.session import Cluster

ECHO = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: echo, namespace: {namespace}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: echo}}}}
  template:
    metadata: {{labels: {{app: echo}}}}
    spec:
      containers:
      - name: echo
        image: echo-basic
        ports: [{{name: web, containerPort: 3000}}]
        env:
        - {{name: POD_NAME, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}
        - {{name: NAMESPACE, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: echo, namespace: {namespace}}}
spec:
  type: LoadBalancer
  selector: {{app: echo}}
  ports: [{{name: http, port: 80, targetPort: web}}]
"""


UDP_ECHO = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: udp, namespace: {namespace}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: udp}}}}
  template:
    metadata: {{labels: {{app: udp}}}}
    spec:
      containers:
      - name: echo
        image: echo-basic
        ports: [{{name: echo, containerPort: 8080, protocol: UDP}}]
        env:
        - {{name: UDP_ECHO_SERVER, value: "1"}}
        - {{name: POD_NAME, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}
        - {{name: NAMESPACE, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: udp, namespace: {namespace}}}
spec:
  type: LoadBalancer
  selector: {{app: udp}}
  ports: [{{name: echo, port: 53, protocol: UDP, targetPort: echo}}]
"""


def address_of(service: Object) -> str:
    """Empty until the load balancer has given it one."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    return str(ingress[0]["ip"]) if ingress else ""


def answering(shared: Cluster, address: str) -> str:
    """The Pod that answers one request; empty if none does."""
    try:
        return str(json.loads(shared.fetch(address, 80, "/hello").body)["pod"])
    except OSError:
        return ""


def test_a_deployment_is_reached_through_a_load_balancer(shared: Cluster, namespace: str) -> None:
    client = shared.client
    base = f"/apis/apps/v1/namespaces/{namespace}/deployments/echo"
    client.apply(ECHO.format(namespace=namespace))
    client.wait_for(base, lambda found: found.get("status", {}).get("readyReplicas") == 2)
    address = address_of(client.wait_for(f"/api/v1/namespaces/{namespace}/services/echo", address_of))
    assert address in LOAD_BALANCER_ADDRESSES

    seen: set[str] = set()

    def both_answered() -> bool:
        seen.add(answering(shared, address))
        return len(seen - {""}) == 2

    wait_until("both Pods answer", both_answered, 30)
    assert all(name.startswith("echo-") for name in seen - {""})

    client.patch(base, {"spec": {"replicas": 0}})
    wait_until("nobody answers", lambda: answering(shared, address) == "", 30)
    client.patch(base, {"spec": {"replicas": 1}})
    wait_until("a new Pod answers", lambda: answering(shared, address) not in seen, 30)


async def ask(address: str) -> bytes:
    """The answer to one datagram; empty if none comes."""
    loop = asyncio.get_running_loop()
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((address, 53))
        await loop.sock_sendall(sock, b"hello")
        try:
            return await asyncio.wait_for(loop.sock_recv(sock, 65536), 1.0)
        except (TimeoutError, OSError):
            return b""


def test_datagrams_are_answered_through_a_load_balancer(shared: Cluster, namespace: str) -> None:
    client = shared.client
    client.apply(UDP_ECHO.format(namespace=namespace))
    address = address_of(client.wait_for(f"/api/v1/namespaces/{namespace}/services/udp", address_of))
    with inside(shared.place) as loop:
        wait_until("the Pod answers", lambda: b'"udp-' in loop.run(ask(address)), 60)


def test_the_cluster_goes_on_after_an_outage_of_its_api_server(shared: Cluster, namespace: str) -> None:
    client = shared.client
    client.apply(
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: kept, namespace: {namespace}}}, data: {{a: b}}}}"
    )
    shared.stop("kube-apiserver")
    assert not shared.is_running("kube-apiserver")
    shared.start("kube-apiserver")
    kept = client.get(f"/api/v1/namespaces/{namespace}/configmaps/kept")
    assert kept is not None
    assert kept["data"] == {"a": "b"}
    client.apply(ECHO.format(namespace=namespace))
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/echo"
    client.wait_for(deployment, lambda found: found.get("status", {}).get("readyReplicas") == 2)
    client.wait_for(f"/api/v1/namespaces/{namespace}/services/echo", address_of)
