"""Filters that lead to other objects, in a cluster: what is said of those that lead nowhere, and what is followed."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.cluster.backend import backend, objects_in
from tests.cluster.inside import Inside, inside
from tests.cluster.site import address_of, condition, gateway, route, status_of
from tests.conformance.client import Object, wait_until
from tests.conformance.place import NODE_IP
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


# --- ExternalAuth -------------------------------------------------------------------------------

AUTH_PORT = 3001
ALLOWED = "Bearer let-me-in"
SERVER = """
apiVersion: v1
kind: Service
metadata: {{name: auth, namespace: {namespace}}}
spec: {{ports: [{{name: http, port: 80, targetPort: {port}}}]}}
"""
ENDPOINTS = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: auth-1, namespace: {namespace}, labels: {{kubernetes.io/service-name: auth}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints: [{{addresses: [{address}], conditions: {{ready: true}}}}]
"""


@contextmanager
def authorizing(where: Inside) -> Iterator[None]:
    """A server that lets pass who knows the word."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.headers.get("Authorization") == ALLOWED else 403)

    async def serve() -> web.AppRunner:
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, NODE_IP, AUTH_PORT).start()
        return runner

    runner = where.run(serve())
    try:
        yield
    finally:
        where.run(runner.cleanup())


def test_an_authorization_server_that_comes_and_goes(shared: Cluster, namespace: str) -> None:
    client, host = shared.client, f"auth.{HOST}"
    guarded = route(namespace, "guarded", host=host)
    ask = {"protocol": "HTTP", "http": {}, "backendRef": {"name": "auth", "port": 80}}
    guarded["spec"]["rules"][0]["filters"] = [{"type": "ExternalAuth", "externalAuth": ask}]
    client.apply(objects_in(namespace))
    for item in (gateway(namespace), guarded):
        client.apply_object(item)
    with inside(shared.place) as where, backend(where), authorizing(where), shared.penstock(name="auth"):
        address = address_of(shared, gateway(namespace))

        def answers() -> tuple[int, int]:
            """To a stranger, and to who knows the word."""
            known = shared.fetch(address, 80, "/", {"Host": host, "Authorization": ALLOWED})
            return status_of(shared, address, host), known.status

        wait_until("it is missing", lambda: resolved(shared, guarded) == ("False", "BackendNotFound"), 30)
        assert answers() == (500, 500)
        client.apply(SERVER.format(namespace=namespace, port=AUTH_PORT))
        wait_until("it is there", lambda: resolved(shared, guarded) == ("True", "ResolvedRefs"), 30)
        wait_until("nobody answers there", lambda: answers() == (503, 503), 30)
        client.apply(ENDPOINTS.format(namespace=namespace, port=AUTH_PORT, address=NODE_IP))
        wait_until("it is asked", lambda: answers() == (403, 200), 30)
        client.delete(f"/api/v1/namespaces/{namespace}/services/auth")
        wait_until("it is missing again", lambda: answers() == (500, 500), 30)
        wait_until("the status says so", lambda: resolved(shared, guarded) == ("False", "BackendNotFound"), 30)
