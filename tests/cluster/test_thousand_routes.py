"""1,000 routes at once: every status is right, every route serves, and what was done was done once."""

import time
from collections.abc import Callable, Iterator

import pytest

from proxy.controller.writer import COUNTING
from tests.cluster import figures
from tests.cluster.backend import backend, objects_in
from tests.cluster.counters import COMPILED, Counters, counters
from tests.cluster.inside import Inside, inside
from tests.cluster.many import Times, create_all, delete_all
from tests.cluster.site import address_of, gateway, route, says
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster

NUMBER = 1_000


@pytest.fixture
def where(shared: Cluster) -> Iterator[Inside]:
    with inside(shared.place) as found, backend(found):
        yield found


def on_one_host(namespace: str, number: int) -> Object:
    return route(namespace, f"route-{number}", f"/{number}/", "shop.example")


def on_own_host(namespace: str, number: int) -> Object:
    return route(namespace, f"route-{number}", "/", f"host-{number}.example")


def is_settled(item: Object) -> bool:
    return says(item, "Accepted") and says(item, "ResolvedRefs")


def attached(item: Object) -> int:
    return sum(int(each["attachedRoutes"]) for each in item["status"].get("listeners", ()))


@pytest.mark.parametrize("make", [on_one_host, on_own_host])
def test_work_follows_the_change(
    shared: Cluster, namespace: str, where: Inside, make: Callable[[str, int], Object]
) -> None:
    client, web = shared.client, gateway(namespace)
    client.apply(objects_in(namespace))
    client.apply_object(web)
    routes = [make(namespace, number) for number in range(NUMBER)]
    what = f"{NUMBER} routes {make.__name__.replace('_', ' ')}"
    with shared.penstock():
        address = address_of(shared, web)
        start, begun = counters(shared), time.monotonic()
        times = where.run(create_all(shared.place, routes, is_settled, address))
        client.wait_for(client.path_of(web), lambda now: attached(now) == NUMBER)
        wait_until("nothing is left to write", lambda: counters(shared)["penstock_status_pending", ()] == 0, 60)
        after, ended = counters(shared), time.monotonic()
        made = after.since(start)
        tell(what, times, made)
        assert made.total(COMPILED) == NUMBER
        assert made.written("HTTPRoute") == NUMBER
        assert set(times.writes.values()) == {1}
        assert made.written("Gateway") <= (ended - begun) / COUNTING + 2  # however long it took

        changed = make(namespace, 7)
        changed["spec"]["rules"][0]["backendRefs"][0]["weight"] = 2
        client.apply_object(changed)
        client.wait_for(client.path_of(changed), lambda now: now["metadata"]["generation"] == 2 and is_settled(now))
        one = counters(shared).since(after)
        assert (one.total(COMPILED), one.written("HTTPRoute"), one.written("Gateway")) == (1, 1, 0)

        where.run(delete_all(shared.place, namespace))
        client.wait_for(client.path_of(web), lambda now: attached(now) == 0)
        gone = counters(shared).since(after).since(one)
        assert (gone.total(COMPILED), gone.written("HTTPRoute")) == (0, 0)


def tell(what: str, times: Times, made: Counters) -> None:
    figures.note(f"{what}: the API server took them in", max(times.created.values()) - min(times.created.values()))
    figures.note(f"{what}: all statuses after the first create", times.last_settled_after_first)
    figures.note(f"{what}: all statuses after the last create", times.last_settled_after_last, promised="20 s")
    figures.note(f"{what}: longest from create to its first answer", times.longest_until_served, promised="5 s")
    figures.note(f"{what}: rules compiled", int(made.total(COMPILED)), "")
    figures.note(f"{what}: statuses of routes written", int(made.written("HTTPRoute")), "")
    figures.note(f"{what}: statuses of the Gateway written", int(made.written("Gateway")), "")
