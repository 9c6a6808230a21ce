"""Replicas whose clocks are hours off: one writes, and none undoes what another wrote in the "future"."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cluster.backend import objects_in
from tests.cluster.counters import Counters, counters
from tests.cluster.site import condition, gateway, route, says
from tests.conformance import penstock
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster

LEASE = "/apis/coordination.k8s.io/v1/namespaces/penstock-system/leases/penstock-controller"
AHEAD, BEHIND = timedelta(hours=5), timedelta(hours=-5)
RENEWALS = 3
FEW = timedelta(hours=1)
"""Less than any of them is off, more than any test takes."""

SHIFTED = """
import time

_true = time.time
time.time = lambda: _true() + {seconds}
"""
"""A sitecustomize. TLS goes on reading the true clock: the cluster's certificates are younger than BEHIND."""


class Replicas:
    """Penstocks beside each other, each with a clock of its own."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self._folder = folder

    @contextmanager
    def running(self, name: str, skew: timedelta, admin: str) -> Iterator["Replica"]:
        folder = self._folder / name
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(SHIFTED.format(seconds=skew.total_seconds()))
        environment = {"PYTHONPATH": str(folder), "POD_NAME": name}
        own = ("--admin", admin, "--map-port", f"80=1{admin.rpartition(':')[2]}")  # they share one address
        with self.cluster.penstock(*own, name=name, prepared=True, environment=environment):
            yield Replica(self.cluster, name, admin)


class Replica:
    """One of them."""

    def __init__(self, cluster: Cluster, name: str, admin: str) -> None:
        self._cluster = cluster
        self._name = name
        self._admin = admin

    @property
    def counted(self) -> Counters:
        return counters(self._cluster, self._admin)

    def leads(self) -> bool:
        return self.counted.get(("penstock_leader", ()), 0.0) == 1.0

    def log_has(self, words: str) -> bool:
        return words in self._cluster.log_of(self._name)


@pytest.fixture
def replicas(shared: Cluster, tmp_path: Path) -> Replicas:
    penstock.prepare(shared.place)
    return Replicas(shared, tmp_path)


def off_by(item: Object) -> timedelta:
    """How far from the true time it says it was accepted."""
    said = datetime.fromisoformat(str(condition(item, "Accepted")["lastTransitionTime"]))
    return said - datetime.now(UTC)


def lease_of(cluster: Cluster) -> Object:
    found = cluster.client.get(LEASE)
    assert found is not None
    return dict(found["spec"])


def keeps_it(cluster: Cluster, leader: Replica, other: Replica) -> None:
    """It renews the lease again and again while the other one looks at it, and nobody takes it."""
    seen = [lease_of(cluster)]

    def renewed() -> bool:
        if (now := lease_of(cluster)) != seen[-1]:
            seen.append(now)
        return len(seen) > RENEWALS

    wait_until("renewed", renewed, 60)
    assert len({(each["holderIdentity"], each["leaseTransitions"]) for each in seen}) == 1
    assert leader.leads()
    assert not other.leads()


def made(cluster: Cluster, namespace: str, name: str) -> Object:
    """A route, once its status is written."""
    item = route(namespace, name, host=f"{name}.example")
    cluster.client.apply_object(item)
    return cluster.client.wait_for(cluster.client.path_of(item), lambda now: says(now, "Accepted"), 60)


def is_as_it_was(cluster: Cluster, item: Object) -> bool:
    now = cluster.client.get(cluster.client.path_of(item))
    return now is not None and now["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]


def test_clocks_that_differ(replicas: Replicas, namespace: str) -> None:
    cluster = replicas.cluster
    cluster.client.apply(objects_in(namespace))
    cluster.client.apply_object(gateway(namespace))
    with replicas.running("behind", BEHIND, "127.0.0.1:9902") as behind:
        wait_until("it leads", behind.leads, 60)
        past = made(cluster, namespace, "past")
        assert abs(off_by(past) - BEHIND) < FEW
        with replicas.running("ahead", AHEAD, "127.0.0.1:9901") as ahead:
            wait_until("the other looks on", lambda: ahead.log_has("statuses are written by behind_"), 60)
            keeps_it(cluster, behind, ahead)
    with replicas.running("ahead-again", AHEAD, "127.0.0.1:9901") as ahead:
        wait_until("it leads", ahead.leads, 60)
        future = made(cluster, namespace, "future")
        assert abs(off_by(future) - AHEAD) < FEW
        assert is_as_it_was(cluster, past)
        with replicas.running("behind-again", BEHIND, "127.0.0.1:9902") as behind:
            wait_until("the other looks on", lambda: behind.log_has("statuses are written by ahead-again_"), 60)
            keeps_it(cluster, ahead, behind)
