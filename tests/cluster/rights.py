"""Rights that are missing, for the length of a block."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conformance import penstock
from tests.conformance.session import Cluster

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
READER = f"{_RBAC}/clusterroles/penstock-reader"
ELECTION = f"{_RBAC}/namespaces/penstock-system/roles/penstock-election"


@contextmanager
def without_rule(cluster: Cluster, *resources: str, role: str = READER) -> Iterator[None]:
    """One of Penstock's roles without these resources, such as `httproutes` or `httproutes/status`."""
    penstock.prepare(cluster.place)
    found = cluster.client.get(role)
    assert found is not None
    rules = copy.deepcopy(found["rules"])
    assert all(any(resource in rule["resources"] for rule in rules) for resource in resources)
    for rule in rules:
        rule["resources"] = [each for each in rule["resources"] if each not in resources]
    cluster.client.patch(role, {"rules": [rule for rule in rules if rule["resources"]]})
    try:
        yield
    finally:
        cluster.client.patch(role, {"rules": found["rules"]})
