"""Penstock's image as a Pod: its volumes, its ServiceAccount and its readiness, as a Deployment of ours has them."""

import json
from pathlib import Path

import pytest

from tests.conformance.client import ApiError, Client, Object
from tests.conformance.session import Cluster

POD = """
apiVersion: v1
kind: ServiceAccount
metadata: {{name: gateway, namespace: {namespace}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: site, namespace: {namespace}}}
data:
  gateway.yaml: |
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {{name: web}}
    spec:
      gatewayClassName: penstock
      listeners: [{{name: http, protocol: HTTP, port: 80}}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {{name: site}}
    spec:
      parentRefs: [{{name: web}}]
      rules:
      - filters: [{{type: RequestRedirect, requestRedirect: {{hostname: example.org}}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: gateway, namespace: {namespace}, labels: {{app: gateway}}}}
spec:
  serviceAccountName: gateway
  terminationGracePeriodSeconds: 5
  containers:
  - name: penstock
    image: ghcr.io/penstock/penstock:latest
    args: [run, /config/gateway.yaml, --workers, "1"]
    ports: [{{name: metrics, containerPort: 9901}}]
    readinessProbe: {{httpGet: {{path: /readyz, port: metrics}}, periodSeconds: 1}}
    volumeMounts: [{{name: config, mountPath: /config}}]
  volumes: [{{name: config, configMap: {{name: site}}}}]
"""


def is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@pytest.fixture
def pod(shared: Cluster, namespace: str) -> Object:
    """It is ready."""
    shared.client.apply(POD.format(namespace=namespace))
    return shared.client.wait_for(f"/api/v1/namespaces/{namespace}/pods/gateway", is_ready)


def test_it_serves_the_configuration_that_is_mounted(shared: Cluster, pod: Object) -> None:
    pod_ip = pod["status"]["podIP"]
    answer = shared.fetch(pod_ip, 80, "/page", {"Host": "shop.example"})
    assert (answer.status, answer.headers["location"]) == (302, "http://example.org/page")
    ready = shared.fetch(pod_ip, 9901, "/readyz")
    assert ready.status == 200
    assert json.loads(ready.body)


def test_its_token_is_its_own_service_accounts(shared: Cluster, pod: Object, namespace: str) -> None:
    """At the path where in-cluster clients look, seen from inside the container, bound to the Pod and to RBAC."""
    pid = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("process://")
    root = Path(f"/proc/{pid}/root/var/run/secrets/kubernetes.io/serviceaccount")
    assert (root / "namespace").read_text() == namespace
    client = Client(shared.place, (root / "token").read_text())
    review = client.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
    })  # fmt: skip
    user = review["status"]["userInfo"]
    assert user["username"] == f"system:serviceaccount:{namespace}:gateway"
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == ["gateway"]
    with pytest.raises(ApiError, match="forbidden"):
        client.call("GET", "/api/v1/secrets")


def test_its_log_is_read_through_the_api_server(shared: Cluster, pod: Object, namespace: str) -> None:
    status, text = shared.client.request("GET", f"/api/v1/namespaces/{namespace}/pods/gateway/log")
    assert status == 200
    assert b"Penstock serves 1 rule on 1 listener" in text
