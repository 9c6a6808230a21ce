"""What an operator may get wrong: each fault is named once where people look, and everything else serves."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.cluster.backend import backend, objects_in
from tests.cluster.counters import counters
from tests.cluster.inside import Inside, inside
from tests.cluster.rights import without_rule
from tests.cluster.site import address_of, condition, events, gateway, route, says, status_of
from tests.conformance import binaries
from tests.conformance.client import Object, wait_until
from tests.conformance.crds import documents, is_established
from tests.conformance.place import place_named
from tests.conformance.session import Cluster, cluster

HOST = "shop.example"
GROUP = "gateway.networking.k8s.io"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def where(shared: Cluster) -> Iterator[Inside]:
    with inside(shared.place) as found, backend(found):
        yield found


@pytest.fixture
def site(shared: Cluster, namespace: str, where: Inside) -> Object:
    """A Gateway with a route; the Gateway."""
    web = gateway(namespace)
    shared.client.apply(objects_in(namespace))
    shared.client.apply_object(web)
    shared.client.apply_object(route(namespace, "all", host=HOST))
    return web


# --- RBAC -----------------------------------------------------------------------------------------


def test_a_status_that_may_not_be_written_is_named_once(shared: Cluster, namespace: str, site: Object) -> None:
    name = "without-statuses"
    with without_rule(shared, "httproutes/status"), shared.penstock(prepared=True, name=name):
        address = address_of(shared, site)
        wait_until("traffic", lambda: status_of(shared, address, HOST) == 200, 30)
        wait_until("refused", lambda: counters(shared).statuses("HTTPRoute")["forbidden"], 30)
        shared.client.apply_object(route(namespace, "more", host="more.example"))
        wait_until("more", lambda: status_of(shared, address, "more.example") == 200, 30)
        wait_until("told", lambda: events(shared, namespace, "StatusForbidden"), 30)
    lines = shared.log_of(name).splitlines()
    assert len([line for line in lines if "statuses of HTTPRoute are not written" in line]) == 1
    [told] = events(shared, namespace, "StatusForbidden")
    assert "patch on httproutes/status" in told["message"]


# --- statuses that are refused, and fought over ---------------------------------------------------

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: [gateway.networking.k8s.io]
      apiVersions: ["*"]
      operations: [UPDATE]
      resources: [httproutes/status]
  validations: [{{expression: "object.metadata.name != 'refused'", message: "not this one"}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"""


def test_a_policy_that_refuses_one_status_costs_no_other(shared: Cluster, namespace: str, site: Object) -> None:
    client, admission = shared.client, "/apis/admissionregistration.k8s.io/v1"
    client.apply(POLICY.format(name=namespace))
    refused = route(namespace, "refused", host="refused.example")
    try:
        client.apply_object(refused)
        wait_until("the policy holds", lambda: is_refused(shared, refused), 30)
        with shared.penstock(name="refused"):
            address = address_of(shared, site)
            wait_until("rejected", lambda: counters(shared).statuses("HTTPRoute")["rejected"], 30)
            assert status_of(shared, address, "refused.example") == 200
            good = route(namespace, "good")
            client.apply_object(good)
            client.wait_for(client.path_of(good), lambda now: says(now, "Accepted"), 30)
            wait_until("told", lambda: events(shared, namespace, "StatusRejected"), 30)
        [told] = events(shared, namespace, "StatusRejected")
        assert "not this one" in told["message"]
        assert shared.log_of("refused").count("refuses the status of HTTPRoute") == 1
    finally:
        client.delete(f"{admission}/validatingadmissionpolicybindings/{namespace}")
        client.delete(f"{admission}/validatingadmissionpolicies/{namespace}")


def is_refused(cluster: Cluster, item: Object) -> bool:
    """Whether the API server lets nobody write this status: a policy takes effect a moment after it is there."""
    path = f"{cluster.client.path_of(item)}/status?dryRun=All"
    body = b'{"status": {"parents": []}}'
    return cluster.client.request("PATCH", path, body, "application/merge-patch+json")[0] == 422


def test_who_hammers_a_status_is_outlived(shared: Cluster, namespace: str, where: Inside, site: Object) -> None:
    """Another controller writes its entry over and over: ours gets there, and its own stays."""
    client, fought = shared.client, route(namespace, "fought", host="fought.example")
    client.apply_object(fought)
    path = f"{client.path_of(fought)}/status"

    async def hammer() -> None:
        number = 0
        while True:
            number += 1
            await asyncio.to_thread(write_foreign, shared, path, number)

    hammering = where.start(hammer())
    try:
        with shared.penstock():
            client.wait_for(client.path_of(fought), lambda now: len(ours(now)) == 1, 60)
            address = address_of(shared, site)
            assert status_of(shared, address, "fought.example") == 200
    finally:
        hammering.cancel()
    found = client.get(client.path_of(fought))
    assert found is not None
    assert len(found["status"]["parents"]) == 2


FOREIGN = "example.com/other"


def ours(item: Object) -> list[Object]:
    parents = (item.get("status") or {}).get("parents") or []
    return [each for each in parents if each["controllerName"] != FOREIGN]


def write_foreign(cluster: Cluster, path: str, number: int) -> None:
    """As a controller does that minds what others have written."""
    found = cluster.client.get(path)
    assert found is not None
    said = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": str(number), "observedGeneration": 1}
    entry = {
        "parentRef": {"name": "other"},
        "controllerName": FOREIGN,
        "conditions": [{**said, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }
    body = {
        "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
        "status": {"parents": [*ours(found), entry]},
    }

    cluster.client.request("PATCH", path, json.dumps(body).encode(), "application/merge-patch+json")


# --- CRDs -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare() -> Iterator[Cluster]:
    """A cluster of its own, whose CRDs come and go."""
    with cluster(f"{place_named().name}-crds") as found:
        yield found


def crd(name: str) -> Object:
    """As the suite's release has it."""
    [found] = [each for each in documents(binaries.crds()) if each["metadata"]["name"] == f"{name}.{GROUP}"]
    return found


def test_crds_of_another_release_are_named_and_served(bare: Cluster) -> None:
    other = crd("gatewayclasses")
    other["metadata"]["annotations"][f"{GROUP}/bundle-version"] = "v1.9.0"
    bare.client.apply_object(other)
    try:
        with bare.penstock(name="other-release"):
            path = f"/apis/{GROUP}/v1/gatewayclasses/penstock"
            found = bare.client.wait_for(path, lambda now: says(now, "SupportedVersion", "False"), 60)
            assert "v1.9.0" in str(condition(found, "SupportedVersion")["message"])
            assert says(found, "Accepted")
    finally:
        bare.client.apply_object(crd("gatewayclasses"))


def test_a_crd_that_is_missing_is_named_and_its_kind_served_once_it_is_there(bare: Cluster) -> None:
    client, web = bare.client, gateway("default")
    client.delete(f"{CRDS}/httproutes.{GROUP}")
    wait_until("it is gone", lambda: client.get(f"/apis/{GROUP}/v1/httproutes") is None, 60)
    client.apply(objects_in("default"))
    client.apply_object(web)
    with inside(bare.place) as where, backend(where), bare.penstock(name="without-crd"):
        address = address_of(bare, web)
        assert "HTTPRoute is not installed" in bare.log_of("without-crd")
        client.apply_object(crd("httproutes"))
        client.wait_for(f"{CRDS}/httproutes.{GROUP}", is_established)
        wait_until("it is served", lambda: client.get(f"/apis/{GROUP}/v1/httproutes"), 30)
        made = route("default", "all", host=HOST)
        client.apply_object(made)
        wait_until("traffic", lambda: status_of(bare, address, HOST) == 200, 60)
        client.wait_for(client.path_of(made), lambda now: says(now, "Accepted"), 60)


def test_an_object_that_cannot_be_decoded_costs_no_other(bare: Cluster) -> None:
    """Stored under a schema that let everything pass, as one of an old version may have."""
    client, path = bare.client, f"{CRDS}/httproutes.{GROUP}"
    strict = client.get(path)
    assert strict is not None
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    lax = [{**each, "schema": {"openAPIV3Schema": anything}} for each in strict["spec"]["versions"]]
    client.patch(path, {"spec": {"versions": lax}})
    bad = route("default", "old", host="old.example")
    bad["spec"]["rules"] = {"not": "a list"}

    def taken() -> bool:
        client.apply_object(bad)
        return True

    wait_until("the bad one is stored", taken, 60)
    client.patch(path, {"spec": {"versions": strict["spec"]["versions"]}})
    good, web = route("default", "sound", host="sound.example"), gateway("default")
    with inside(bare.place) as where, backend(where):
        client.apply(objects_in("default"))
        client.apply_object(web)
        with bare.penstock(name="undecodable"):
            address = address_of(bare, web)
            client.apply_object(good)
            wait_until("traffic", lambda: status_of(bare, address, "sound.example") == 200, 60)
            client.wait_for(client.path_of(good), lambda now: says(now, "Accepted"), 60)
        lines = bare.log_of("undecodable").splitlines()
        assert len([line for line in lines if "ERROR" in line and "HTTPRoute/default/old" in line]) == 1
