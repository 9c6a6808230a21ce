"""XBackendTrafficPolicy in a cluster: the API server takes what we read, sessions follow, and the status says so."""

from collections.abc import Iterator, Mapping

import pytest

from tests.cluster.backend import backend, objects_in
from tests.cluster.inside import Inside, inside
from tests.cluster.site import address_of, gateway, route, status_of, traffic_policy
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster

HOST = "shop.example"


@pytest.fixture
def where(shared: Cluster) -> Iterator[Inside]:
    with inside(shared.place) as found, backend(found):
        yield found


def policy(namespace: str, name: str, session: str) -> Object:
    wanted = {"sessionName": session, "absoluteTimeout": "1h"}
    return traffic_policy(namespace, name, "mirror", sessionPersistence=wanted)


def accepted(item: Object) -> Mapping[str, object]:
    """The condition of its only ancestor; empty while it has none."""
    ancestors = (item.get("status") or {}).get("ancestors") or [{"conditions": [{}]}]
    found: Mapping[str, object] = ancestors[0]["conditions"][0]
    return found


def test_a_policy_is_followed_and_told_and_forgotten(shared: Cluster, namespace: str, where: Inside) -> None:
    client, web, made = shared.client, gateway(namespace), route(namespace, "all", host=HOST)
    first, late = policy(namespace, "a-first", "cart"), policy(namespace, "z-late", "other")

    def cookie(address: str) -> str:
        return shared.fetch(address, 80, "/", {"Host": HOST}).headers.get("set-cookie", "")

    with shared.penstock():
        client.apply(objects_in(namespace))
        for item in (web, made, first):
            client.apply_object(item)
        address = address_of(shared, web)
        wait_until("traffic", lambda: status_of(shared, address, HOST) == 200, 60)
        wait_until("a session", lambda: cookie(address).startswith("cart="), 60)
        assert cookie(address).endswith("; Path=/; HttpOnly; SameSite=Strict")
        client.wait_for(client.path_of(first), lambda now: accepted(now).get("reason") == "Accepted", 60)
        client.apply_object(late)
        client.wait_for(client.path_of(late), lambda now: accepted(now).get("reason") == "Conflicted", 60)
        client.delete(client.path_of(first))
        client.wait_for(client.path_of(late), lambda now: accepted(now).get("reason") == "Accepted", 60)
        wait_until("the other session", lambda: cookie(address).startswith("other="), 60)
        client.delete(client.path_of(made))
        client.wait_for(client.path_of(late), lambda now: not (now.get("status") or {}).get("ancestors"), 60)
