"""Routes of default Gateways (GEP-3793): who is a parent follows defaultScope, and nobody else's entry is touched."""

from tests.cluster.backend import backend, objects_in
from tests.cluster.inside import inside
from tests.cluster.site import address_of, gateway, route, status_of
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster

HOST = "default-gateways.example"
OURS = "penstock.dev/gateway-controller"
THEIRS = {
    "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "elsewhere"},
    "controllerName": "example.com/other",
    "conditions": [
        {
            "type": "Accepted",
            "status": "True",
            "reason": "Accepted",
            "message": "theirs",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
}


def defaulted(namespace: str) -> Object:
    """A route that names nobody."""
    made = route(namespace, "anywhere", host=HOST)
    del made["spec"]["parentRefs"]
    made["spec"]["useDefaultGateways"] = "All"
    return made


def scoped(namespace: str, name: str, scope: str, port: int) -> Object:
    made = gateway(namespace, name, defaultScope=scope)
    made["spec"]["listeners"] = [{"name": "http", "protocol": "HTTP", "port": port}]
    return made


def test_parents_follow_the_default_scope(shared: Cluster, namespace: str) -> None:
    client = shared.client
    path = client.path_of(defaulted(namespace))

    def ours() -> list[str]:
        """Namespaces and names of our entries, sorted; theirs must be there, as it was."""
        parents = (client.get(path) or {})["status"]["parents"]
        assert [each for each in parents if each["controllerName"] != OURS] == [THEIRS]
        refs = [each["parentRef"] for each in parents if each["controllerName"] == OURS]
        return sorted(f"{ref['namespace']}/{ref['name']}" for ref in refs)

    def types(name: str) -> set[str]:
        item = client.get(client.path_of(scoped(namespace, name, "All", 80))) or {}
        return {each["type"] for each in item["status"]["conditions"]}

    with inside(shared.place) as where, backend(where), shared.penstock(name="default-gateways"):
        client.apply(objects_in(namespace))
        client.apply_object(defaulted(namespace))
        client.patch(f"{path}/status", {"status": {"parents": [THEIRS]}})
        client.apply_object(scoped(namespace, "first", "None", 80))
        address = address_of(shared, scoped(namespace, "first", "None", 80))
        assert status_of(shared, address, HOST) == 404
        assert ours() == []
        assert "DefaultGateway" not in types("first")

        client.apply_object(scoped(namespace, "first", "All", 80))
        wait_until("traffic by the default", lambda: status_of(shared, address, HOST) == 200, 30)
        wait_until("an entry", lambda: ours() == [f"{namespace}/first"], 30)
        wait_until("the condition", lambda: "DefaultGateway" in types("first"), 30)

        client.apply_object(scoped(namespace, "second", "All", 8080))
        wait_until("both", lambda: ours() == [f"{namespace}/first", f"{namespace}/second"], 30)

        client.apply_object(scoped(namespace, "first", "None", 80))
        wait_until("one left", lambda: ours() == [f"{namespace}/second"], 30)
        wait_until("no traffic", lambda: status_of(shared, address, HOST) == 404, 30)
        wait_until("the condition is gone", lambda: "DefaultGateway" not in types("first"), 30)

        client.delete(client.path_of(scoped(namespace, "second", "All", 8080)))
        wait_until("none left", lambda: ours() == [], 30)
