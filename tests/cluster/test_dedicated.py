"""The overlay `dedicated`: a Gateway gets a data plane of its own, with no more rights than the manifests give, and
everything that was made for it goes with it."""

from collections.abc import Iterator

import pytest

from tests.cluster.installing import has_condition, install
from tests.cluster.rendering import NAMESPACE, kustomized
from tests.conformance.client import Object, wait_until
from tests.conformance.place import place_named
from tests.conformance.session import Cluster, cluster
from tests.manifests.tree import KUBERNETES, objects

GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/hello"
MADE = "labelSelector=gateway.networking.k8s.io/gateway-name%3Dhello"
LISTS = (
    f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
    f"/api/v1/namespaces/{NAMESPACE}/services",
    f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts",
    "/api/v1/namespaces/default/services",
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
)


@pytest.fixture
def dedicated() -> Iterator[Cluster]:
    with cluster(f"{place_named().name}-dedicated") as found:
        install(found, kustomized(KUBERNETES / "crds"))
        install(found, kustomized(KUBERNETES / "overlays" / "dedicated"))
        for step in ("3-gateway", "4-hello", "5-httproute"):
            install(found, objects(KUBERNETES / "tutorial" / f"{step}.yaml"))
        yield found


def made(found: Cluster, path: str) -> list[Object]:
    listed = found.client.get(f"{path}?{MADE}")
    return list(listed["items"]) if listed else []


def test_a_gateway_gets_a_data_plane_that_goes_with_it(dedicated: Cluster) -> None:
    gateway = dedicated.client.wait_for(GATEWAY, lambda found: has_condition(found, "Programmed"), 120)
    address = gateway["status"]["addresses"][0]["value"]
    wait_until("hello", lambda: dedicated.fetch(address, 80, "/hello").status == 200, 60)
    wait_until("all of it is made", lambda: all(made(dedicated, path) for path in LISTS), 60)

    [own] = made(dedicated, LISTS[0])
    [ours] = objects(KUBERNETES / "base" / "deployment.yaml")
    selected = ours["spec"]["selector"]["matchLabels"].items()
    assert not selected <= own["spec"]["template"]["metadata"]["labels"].items()

    dedicated.client.delete(GATEWAY)
    wait_until("all of it is gone", lambda: not any(made(dedicated, path) for path in LISTS), 120)
