"""Admission webhooks about statuses: one that refuses an object, and one that is not there."""

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.certificates import Pair, pair
from tests.cluster.backend import backend, objects_in
from tests.cluster.counters import counters
from tests.cluster.inside import Inside, inside
from tests.cluster.site import address_of, events, gateway, route, says, status_of
from tests.conformance.client import Object, wait_until
from tests.conformance.session import Cluster

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
PORT, CLOSED = 3443, 3444
REFUSED, HELD_UP = "refused", "held-up"


@pytest.fixture
def where(shared: Cluster) -> Iterator[Inside]:
    with inside(shared.place) as found, backend(found):
        yield found


def configuration(namespace: str, chain: Pair) -> Object:
    """Each webhook is asked about the status of one route only."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [webhook(chain, REFUSED, PORT), webhook(chain, HELD_UP, CLOSED)],
    }


def webhook(chain: Pair, name: str, port: int) -> Object:
    rule = {
        "apiGroups": ["gateway.networking.k8s.io"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["httproutes/status"],
    }
    return {
        "name": f"{name}.penstock.example",
        "clientConfig": {
            "url": f"https://localhost:{port}/",
            "caBundle": base64.b64encode(chain.chain).decode(),
        },
        "rules": [rule],
        "matchConditions": [{"name": "this-one", "expression": f"object.metadata.name == '{name}'"}],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
    }


@contextmanager
def refusing(where: Inside, chain: Pair, folder: Path) -> Iterator[None]:
    """An HTTPS server that says no to whatever it is asked."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(chain.chain)
    key.write_bytes(chain.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = where.run(serve(context))
    try:
        yield
    finally:
        where.run(runner.cleanup())


async def serve(context: ssl.SSLContext) -> web.AppRunner:
    application = web.Application()
    application.router.add_post("/", refuse)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", PORT, ssl_context=context).start()
    return runner


async def refuse(request: web.Request) -> web.Response:
    review = await request.json()
    answer = {"uid": review["request"]["uid"], "allowed": False, "status": {"code": 403, "message": "not this one"}}
    return web.json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer})


def answer_about(cluster: Cluster, item: Object) -> int:
    """What anybody is answered who writes this status: a webhook is asked a moment after it is there."""
    path = f"{cluster.client.path_of(item)}/status?dryRun=All"
    return cluster.client.request("PATCH", path, b'{"status": {"parents": []}}', "application/merge-patch+json")[0]


def test_webhooks_cost_no_status_but_those_they_are_asked_about(
    shared: Cluster, namespace: str, where: Inside, tmp_path: Path
) -> None:
    client, web_, chain, log = shared.client, gateway(namespace), pair("localhost"), "webhooks"
    refused, held_up = (route(namespace, name, host=f"{name}.example") for name in (REFUSED, HELD_UP))
    client.apply(objects_in(namespace))
    for item in (web_, refused, held_up):
        client.apply_object(item)
    with refusing(where, chain, tmp_path):
        client.apply_object(configuration(namespace, chain))
        try:
            wait_until("it refuses", lambda: answer_about(shared, refused) == 403, 30)
            wait_until("it is not there", lambda: answer_about(shared, held_up) == 500, 30)
            with shared.penstock(name=log):
                address = address_of(shared, web_)
                wait_until("tried again", lambda: counters(shared).statuses("HTTPRoute")["failed"] >= 3, 60)
                good = route(namespace, "good", host="good.example")
                client.apply_object(good)
                client.wait_for(client.path_of(good), lambda now: says(now, "Accepted"), 60)
                for host in ("refused.example", "held-up.example", "good.example"):
                    assert status_of(shared, address, host) == 200
                wait_until("told", lambda: events(shared, namespace, "StatusDelayed"), 60)
                wait_until("told", lambda: events(shared, namespace, "StatusRejected"), 60)
                client.delete(f"{CONFIGURATIONS}/{namespace}")
                client.wait_for(client.path_of(held_up), lambda now: says(now, "Accepted"), 60)
        finally:
            client.delete(f"{CONFIGURATIONS}/{namespace}")
    [rejected], [delayed] = events(shared, namespace, "StatusRejected"), events(shared, namespace, "StatusDelayed")
    assert "not this one" in rejected["message"]
    assert "held-up.penstock.example" in delayed["message"]
    said = [line for line in shared.log_of(log).splitlines() if "WARNING" in line]
    assert len([line for line in said if f"refuses the status of HTTPRoute {namespace}/{REFUSED}" in line]) == 1
    assert len([line for line in said if f"the status of HTTPRoute {namespace}/{HELD_UP} waits" in line]) == 1
