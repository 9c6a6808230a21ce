"""XBackend in a real API server: it takes what we take, and is told what became of it."""

from collections.abc import Iterator

import pytest

from tests.cluster.dry_run import dry_run
from tests.cluster.site import condition, gateway, route, says
from tests.conformance.client import Object
from tests.conformance.session import Cluster
from tests.resources.xbackend_objects import NAMED, REFUSED, SOUND, Spec, object_of, spec

GROUP = "gateway.networking.x-k8s.io"


@pytest.mark.parametrize("given", SOUND.values(), ids=SOUND)
def test_it_takes_what_we_take(shared: Cluster, given: Spec) -> None:
    verdict = dry_run(shared, object_of(given))
    assert (verdict.message, verdict.warnings) == ("", ())


def test_it_refuses_every_name_of_a_port_by_mistake(shared: Cluster) -> None:
    """When this fails, the CRD is mended, and the case belongs to SOUND."""
    assert "Name must be a valid DNS label" in dry_run(shared, object_of(NAMED)).message


@pytest.mark.parametrize(("given", "field"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_what_we_refuse(shared: Cluster, given: Spec, field: str) -> None:
    verdict = dry_run(shared, object_of(given))
    assert verdict.status == 422, verdict
    assert verdict.message


@pytest.fixture
def served(shared: Cluster, namespace: str) -> Iterator[tuple[Cluster, str]]:
    with shared.penstock(name="xbackend"):
        yield shared, namespace


def xbackend(namespace: str, name: str, **given: object) -> Object:
    made = object_of(spec(**given))
    return {**made, "metadata": {"name": name, "namespace": namespace}}


def to(namespace: str, name: str) -> Object:
    made = route(namespace, name, path=f"/{name}")
    made["spec"]["rules"][0]["backendRefs"] = [{"group": GROUP, "kind": "XBackend", "name": name}]
    return made


def test_its_status_names_the_gateways_that_lead_there(served: tuple[Cluster, str]) -> None:
    cluster, namespace = served
    client, web = cluster.client, gateway(namespace)
    good = xbackend(namespace, "good", tls={"mode": "ServerOnly"})
    bad = xbackend(namespace, "bad", protocol="TCP")
    for item in (web, good, bad, to(namespace, "good"), to(namespace, "bad")):
        client.apply_object(item)
    found = client.wait_for(client.path_of(good), lambda now: says(now, "Accepted"), 60)
    [entry] = found["status"]["parents"]
    assert entry["controllerName"] == "penstock.dev/gateway-controller"
    assert entry["parentRef"]["name"] == "web"
    assert says(found, "ResolvedRefs")
    found = client.wait_for(client.path_of(bad), lambda now: says(now, "Accepted", "False"), 60)
    assert condition(found, "Accepted")["reason"] == "UnsupportedProtocol"
    refused = client.wait_for(client.path_of(to(namespace, "bad")), lambda now: says(now, "ResolvedRefs", "False"), 60)
    assert condition(refused, "ResolvedRefs")["reason"] == "UnsupportedProtocol"
    client.remove(client.path_of(to(namespace, "good")))
    client.wait_for(client.path_of(good), lambda now: not now["status"].get("parents"), 60)
