"""The base as it is installed: its Pods start, may what they must, become ready and serve what the cluster declares."""

from collections.abc import Iterator

import pytest

from tests.cluster.installing import install
from tests.cluster.rendering import NAMESPACE, by_key, kustomized
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster
from tests.manifests.tree import KUBERNETES, objects

TUTORIAL = KUBERNETES / "tutorial"

CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: plain}
spec: {controllerName: penstock.dev/gateway-controller}
"""
HELLO = b'{"from":"Penstock","message":"Hello, Penstock!","status":true}'


@pytest.fixture
def installed(shared: Cluster) -> Iterator[Cluster]:
    items = [*kustomized(KUBERNETES / "crds"), *kustomized(KUBERNETES / "base")]
    install(shared, items)
    yield shared
    for item in reversed(items):
        if item["kind"] not in ("CustomResourceDefinition", "Namespace"):
            shared.client.delete(shared.client.path_of(item))
    # A namespace that is deleted with Pods in it looks for them again only after half of their grace.
    wait_until("its Pods are gone", lambda: not pod_addresses(shared), 90)
    shared.client.remove(f"/api/v1/namespaces/{NAMESPACE}")


def in_namespace(item: Object, namespace: str) -> Object:
    return {**item, "metadata": {**item["metadata"], "namespace": namespace}}


def pod_addresses(cluster: Cluster) -> list[str]:
    pods = cluster.client.get(f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/name%3Dpenstock")
    assert pods is not None
    return [pod["status"].get("podIP", "") for pod in pods["items"]]


def said_by(cluster: Cluster, address: str, path: str) -> bytes:
    """Empty if nobody answers, or not with 200."""
    try:
        answer = cluster.fetch(address, 80, path)
    except OSError:
        return b""
    return answer.body if answer.status == 200 else b""


def test_every_pod_serves_what_the_cluster_declares(installed: Cluster, namespace: str) -> None:
    client = installed.client
    deployment = by_key(kustomized(KUBERNETES / "base"))["Deployment", NAMESPACE, "penstock"]
    path = client.path_of(deployment)
    client.wait_for(path, lambda found: found["status"].get("readyReplicas") == deployment["spec"]["replicas"], 120)

    client.apply(CLASS)
    for name in ("3-gateway.yaml", "4-hello.yaml", "5-httproute.yaml"):
        for item in objects(TUTORIAL / name):
            if item["kind"] == "Gateway":
                item["spec"]["gatewayClassName"] = "plain"
            client.apply_object(in_namespace(item, namespace))

    addresses = pod_addresses(installed)
    assert len(addresses) == 2
    wait_until("hello from both", lambda: {said_by(installed, each, "/hello") for each in addresses} == {HELLO}, 60)
    client.delete("/apis/gateway.networking.k8s.io/v1/gatewayclasses/plain")
