"""The longest name that a Gateway can have, with addresses from a pool."""

from tests.cluster.backend import backend, objects_in
from tests.cluster.inside import inside
from tests.cluster.site import address_of, gateway, route, says, status_of
from tests.conformance.client import wait_until
from tests.conformance.session import Cluster

LONGEST = "a" * 253


def test_the_longest_name_of_a_gateway_in_a_pool(shared: Cluster, namespace: str) -> None:
    client, longest = shared.client, gateway(namespace, LONGEST)
    with inside(shared.place) as where, backend(where), shared.penstock():
        client.apply(objects_in(namespace))
        client.apply_object(longest)
        made = route(namespace, "all", parent=LONGEST)
        client.apply_object(made)
        address = address_of(shared, longest)
        wait_until("traffic", lambda: status_of(shared, address, "any.example") == 200, 30)
        client.wait_for(client.path_of(made), lambda now: says(now, "Accepted"), 30)
        wait_until("its Service", lambda: names_of_services(shared, namespace), 30)
        [name] = names_of_services(shared, namespace)
        assert len(name) == 63


def names_of_services(cluster: Cluster, namespace: str) -> list[str]:
    """Of those that were made for Gateways."""
    listed = cluster.client.get(f"/api/v1/namespaces/{namespace}/services") or {"items": []}
    return [each["metadata"]["name"] for each in listed["items"] if each["metadata"]["name"] != "mirror"]
