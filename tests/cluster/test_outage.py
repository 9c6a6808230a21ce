"""The API server is killed for a minute while requests come: none fails, and afterwards all is as it was."""

import time
from collections.abc import Iterator

import pytest

from tests.cluster import figures
from tests.cluster.backend import backend, objects_in
from tests.cluster.counters import COMPILED, RELOADS, counters
from tests.cluster.inside import Inside, inside
from tests.cluster.load import Place, load
from tests.cluster.site import address_of, certificate, gateway, https, route, says, secret, status_of, trusting
from tests.conformance.client import wait_until
from tests.conformance.session import Cluster

OUTAGE = 60.0
HOST = "shop.example"


@pytest.fixture
def where(shared: Cluster) -> Iterator[Inside]:
    with inside(shared.place) as found, backend(found):
        yield found


def test_a_minute_without_the_api_server_costs_no_request(shared: Cluster, namespace: str, where: Inside) -> None:
    client, own = shared.client, certificate(HOST)
    client.apply(objects_in(namespace))
    client.apply_object(secret(namespace, "shop", own))
    web = gateway(namespace, "web", https("shop"))
    client.apply_object(web)
    client.apply_object(route(namespace, "all", host=HOST))
    with shared.penstock():
        address = address_of(shared, web)
        wait_until("traffic", lambda: status_of(shared, address, HOST) == 200, 30)
        with load(where, Place(address, 80, HOST), Place(address, 443, HOST, trusting(own))) as sent:
            time.sleep(2)
            shared.stop("kube-apiserver")
            time.sleep(OUTAGE / 2)
            before = counters(shared)  # what was made for the Gateway in its first seconds is no flapping
            time.sleep(OUTAGE / 2)
            assert sent.answered > 0
            shared.start("kube-apiserver")
            back = time.monotonic()
            wait_until("in step", lambda: counters(shared)["penstock_kubernetes_connected", ()] == 1.0, 60)
            figures.note("API server back after a minute: watches in step after", time.monotonic() - back)
            flapped = counters(shared).since(before)

            new = route(namespace, "new", host="new.example")
            client.apply_object(new)
            created = time.monotonic()
            wait_until("the new", lambda: status_of(shared, address, "new.example") == 200, 60)
            figures.note("a route made after the outage is served after", time.monotonic() - created)
            client.wait_for(client.path_of(new), lambda now: says(now, "Accepted"), 60)
            figures.note("and has its status after", time.monotonic() - created)
        figures.note("API server killed for a minute: requests sent", sent.answered + sent.failed.total(), "requests")
        figures.note("of them failed", sent.failed.total(), "requests", "0")
        assert sent.failed == {}
        assert (flapped.total(RELOADS), flapped.total(COMPILED)) == (0, 0)
        assert flapped.written("Gateway") == flapped.written("HTTPRoute") == 0
        after = counters(shared).since(before)
        assert (after.total(COMPILED), after.written("HTTPRoute")) == (1, 1)
