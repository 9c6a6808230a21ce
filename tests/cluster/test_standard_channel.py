"""The CRDs of the standard channel alone: what they lack is missed by nobody."""

from collections.abc import Iterator

import pytest

from tests.cluster.backend import backend, objects_in
from tests.cluster.inside import inside
from tests.cluster.site import address_of, condition, gateway, route, says, status_of
from tests.conformance import binaries
from tests.conformance.client import wait_until
from tests.conformance.place import place_named
from tests.conformance.session import Cluster, cluster

HOST = "shop.example"
CLASS = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/penstock"


@pytest.fixture(scope="module")
def standard() -> Iterator[Cluster]:
    folder = binaries.module_folder("suite", "sigs.k8s.io/gateway-api") / "config" / "crd" / "standard"
    with cluster(f"{place_named().name}-standard", crd_folder=folder) as found:
        yield found


def test_nothing_is_wrong_with_the_standard_channel(standard: Cluster) -> None:
    client, web, made = standard.client, gateway("default"), route("default", "all", host=HOST)
    with inside(standard.place) as where, backend(where), standard.penstock(name="standard"):
        client.apply(objects_in("default"))
        client.apply_object(web)
        client.apply_object(made)
        address = address_of(standard, web)
        wait_until("traffic", lambda: status_of(standard, address, HOST) == 200, 60)
        client.wait_for(client.path_of(made), lambda now: says(now, "Accepted"), 60)
        found = client.wait_for(CLASS, lambda now: says(now, "SupportedVersion"), 60)
        assert "(standard channel)" in str(condition(found, "SupportedVersion")["message"])
    said = [line for line in standard.log_of("standard").splitlines() if "ERROR" in line or "WARNING" in line]
    assert said == []
