"""ExtensionRefs in a cluster: what the status says of those that lead nowhere, and an object that is followed."""

from tests.cluster.site import address_of, condition, gateway, route, status_of
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster

HOST = "shop.example"


def answering(namespace: str, kind: str, name: str) -> Object:
    """A route whose only rule is that filter."""
    made = route(namespace, f"by-{name}", host=f"{name}.{HOST}")
    [rule] = made["spec"]["rules"]
    del rule["backendRefs"]
    reference = {"group": "penstock.dev", "kind": kind, "name": name}
    rule["filters"] = [{"type": "ExtensionRef", "extensionRef": reference}]
    return made


def direct(namespace: str, name: str, status: int) -> Object:
    metadata = {"name": name, "namespace": namespace}
    spec = {"status": status, "body": "by the gateway"}
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "DirectResponse", "metadata": metadata, "spec": spec}


def resolved(cluster: Cluster, item: Object) -> tuple[object, object]:
    found = condition(cluster.client.get(cluster.client.path_of(item)) or {}, "ResolvedRefs")
    return found.get("status"), found.get("reason")


def test_an_object_that_comes_changes_and_goes(shared: Cluster, namespace: str) -> None:
    closed, to_come = answering(namespace, "DirectResponse", "closed"), answering(namespace, "RateLimit", "slow")
    for item in (gateway(namespace), closed, to_come):
        shared.client.apply_object(item)
    with shared.penstock():
        address = address_of(shared, gateway(namespace))
        wait_until("it is missing", lambda: resolved(shared, closed) == ("False", "BackendNotFound"), 30)
        wait_until("it is to come", lambda: resolved(shared, to_come) == ("False", "InvalidKind"), 30)
        assert [status_of(shared, address, f"{name}.{HOST}") for name in ("closed", "slow")] == [500, 500]
        for status in (503, 404):
            shared.client.apply_object(direct(namespace, "closed", status))
            wait_until(f"{status}", lambda: status_of(shared, address, f"closed.{HOST}") == status, 30)  # noqa: B023
        wait_until("the status says so", lambda: resolved(shared, closed) == ("True", "ResolvedRefs"), 30)
        shared.client.delete(shared.client.path_of(direct(namespace, "closed", 404)))
        wait_until("it is missing again", lambda: resolved(shared, closed) == ("False", "BackendNotFound"), 30)
        assert status_of(shared, address, f"closed.{HOST}") == 500
