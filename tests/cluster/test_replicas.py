"""Two replicas as they are installed, by the overlay `default`: one writes, and when it dies the other does."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster import figures
from tests.cluster.backend import backend, objects_in
from tests.cluster.inside import inside
from tests.cluster.installing import install
from tests.cluster.rendering import NAMESPACE, kustomized
from tests.cluster.site import address_of, condition, gateway, route, says, status_of
from tests.cluster.test_penstock_pod import is_ready
from tests.conformance import processes
from tests.conformance.client import Object, wait_until
from tests.conformance.place import place_named
from tests.conformance.session import Cluster, cluster
from tests.manifests.tree import KUBERNETES

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/penstock-controller"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
LONGEST = "a" * 253
"""The longest name that a Gateway can have."""


@pytest.fixture(scope="module")
def installed() -> Iterator[Cluster]:
    with cluster(f"{place_named().name}-replicas") as found, inside(found.place) as where, backend(where):
        install(found, kustomized(KUBERNETES / "crds"))
        install(found, kustomized(KUBERNETES / "overlays" / "default"))
        found.client.apply(objects_in("default"))
        found.client.apply_object(gateway("default"))
        address_of(found, gateway("default"), 120)
        yield found


def pods(found: Cluster) -> dict[str, Object]:
    listed = found.client.get(PODS)
    assert listed is not None
    return {pod["metadata"]["name"]: pod for pod in listed["items"]}


def leader(found: Cluster) -> str:
    """The name of its Pod."""
    lease = found.client.get(LEASE)
    assert lease is not None
    return str(lease["spec"]["holderIdentity"]).rpartition("_")[0]


@contextmanager
def nobody_restarts(found: Cluster) -> Iterator[None]:
    """The node agent stands still: what is killed stays dead, as when a node is lost."""
    agent = processes.running(found.place)["node-agent"]
    os.kill(agent, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(agent, signal.SIGCONT)


def kill(pod: Object) -> None:
    """At once: it says goodbye to nobody."""
    pid = int(pod["status"]["containerStatuses"][0]["containerID"].removeprefix("process://"))
    os.killpg(os.getpgid(pid), signal.SIGKILL)


def test_when_the_leader_is_killed_another_writes(installed: Cluster) -> None:
    client, web = installed.client, gateway("default")
    wait_until("two Pods are ready", lambda: [is_ready(pod) for pod in pods(installed).values()] == [True, True], 120)
    before, first = pods(installed), leader(installed)
    [other] = before.keys() - {first}
    made = route("default", "orphan", host="orphan.example")
    with nobody_restarts(installed):
        kill(before[first])
        killed = time.monotonic()
        client.apply_object(made)
        client.wait_for(client.path_of(made), lambda now: says(now, "Accepted"), 60)
        figures.note("leader killed: another has written after", time.monotonic() - killed, promised="20 s")
        assert leader(installed) == other
    address = address_of(installed, web)
    wait_until("traffic", lambda: status_of(installed, address, "orphan.example") == 200, 60)


def test_the_longest_name_of_a_gateway_behind_a_service(installed: Cluster) -> None:
    longest = gateway("default", LONGEST)
    installed.client.apply_object(longest)
    installed.client.apply_object(route("default", "longest", parent=LONGEST))
    address = address_of(installed, longest)
    wait_until("traffic", lambda: status_of(installed, address, "any.example") == 200, 60)
    found = installed.client.get(installed.client.path_of(longest))
    assert found is not None
    assert condition(found, "Accepted")["reason"] == "Accepted"
