"""Rights that are missing, for the length of a block."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conformance import penstock
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
READER = f"{_RBAC}/clusterroles/penstock-reader"
ELECTION = f"{_RBAC}/namespaces/penstock-system/roles/penstock-election"


@contextmanager
def without_rule(cluster: Cluster, *resources: str, role: str = READER, prepared: bool = False) -> Iterator[None]:
    """One of Penstock's roles without these resources, such as `httproutes` or `httproutes/status`.

    `prepared`: rights and class are as they are to be.
    """
    if not prepared:
        penstock.prepare(cluster.place)
    found = cluster.client.get(role)
    assert found is not None
    rules = copy.deepcopy(found["rules"])
    taken = [(rule, each) for rule in found["rules"] for each in rule["resources"] if each in resources]
    assert {resource for _, resource in taken} == set(resources)
    for rule in rules:
        rule["resources"] = [each for each in rule["resources"] if each not in resources]
    cluster.client.patch(role, {"rules": [rule for rule in rules if rule["resources"]]})
    try:
        wait_until("RBAC is in force", lambda: not any(_is_allowed(cluster, *each) for each in taken), 30)
        yield
    finally:
        cluster.client.patch(role, {"rules": found["rules"]})


def _is_allowed(cluster: Cluster, rule: Object, resource: str) -> bool:
    """The last verb of the rule: another role may allow others."""
    account = penstock.service_account()["metadata"]
    plural, _, subresource = resource.partition("/")
    asked = {
        "verb": rule["verbs"][-1],
        "group": rule["apiGroups"][0],
        "resource": plural,
        "subresource": subresource,
        "name": rule.get("resourceNames", [""])[0],
        "namespace": account["namespace"],
    }
    user = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": asked},
    }
    answer = cluster.client.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])
