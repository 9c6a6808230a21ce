"""Rights that are missing, for the length of a block."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conformance import penstock
from tests.conformance.session import Cluster

READER = "/apis/rbac.authorization.k8s.io/v1/clusterroles/penstock-reader"


@contextmanager
def without_rule(cluster: Cluster, *resources: str) -> Iterator[None]:
    """Penstock's ClusterRole without these resources, such as `httproutes` or `httproutes/status`."""
    penstock.prepare(cluster.place)
    found = cluster.client.get(READER)
    assert found is not None
    rules = copy.deepcopy(found["rules"])
    assert all(any(resource in rule["resources"] for rule in rules) for resource in resources)
    for rule in rules:
        rule["resources"] = [each for each in rule["resources"] if each not in resources]
    cluster.client.patch(READER, {"rules": [rule for rule in rules if rule["resources"]]})
    try:
        yield
    finally:
        cluster.client.patch(READER, {"rules": found["rules"]})
