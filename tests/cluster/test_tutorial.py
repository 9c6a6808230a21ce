"""The tutorial, step by step as its page has it, against a real API server: applied, awaited, and asked by HTTP."""

import re
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.cluster.installing import has_condition, install
from tests.cluster.rendering import kustomized
from tests.cluster.tutorial import Command, Step, file_of, steps
from tests.conformance import network
from tests.conformance.client import wait_until
from tests.conformance.place import place_named
from tests.conformance.session import Cluster, cluster
from tests.manifests.tree import objects

PATIENCE = 120.0

KINDS = {
    "deployment": ("apps/v1", "Deployment"),
    "gatewayclass": ("gateway.networking.k8s.io/v1", "GatewayClass"),
    "gateway": ("gateway.networking.k8s.io/v1", "Gateway"),
    "httproute": ("gateway.networking.k8s.io/v1", "HTTPRoute"),
}
"""What the page's `kubectl wait` and `kubectl get` name."""


@pytest.fixture(scope="module")
def empty() -> Iterator[Cluster]:
    """A cluster that nobody has installed anything into but the kinds of the Gateway API."""
    with cluster(f"{place_named().name}-tutorial") as found:
        yield found


def test_every_step_does_what_the_page_says(empty: Cluster) -> None:
    page = steps()
    assert [step.number for step in page] == [1, 2, 3, 4, 5, 6]
    variables: dict[str, str] = {}
    for step in page:
        assert step.commands, step.title
        for command in step.commands:
            perform(empty, step, command, variables)


def perform(found: Cluster, step: Step, command: Command, variables: dict[str, str]) -> None:
    match command.argv:
        case ("kubectl", *rest) if "apply" in rest:
            apply(found, command)
        case ("kubectl", *rest) if "wait" in rest:
            wait(found, command)
        case ("curl", *_):
            assert curl(found, command, variables) == command.output
        case (assignment,) if assignment.startswith("ADDRESS=$(kubectl get gateway "):
            variables["ADDRESS"] = address_of(found, assignment)
        case _:
            raise AssertionError(f"step {step.number} has a command that this test does not know: {command.argv}")


def apply(found: Cluster, command: Command) -> None:
    path = file_of(command)
    if path is None:  # the Gateway API's own CRDs: the cluster came with them
        assert "/gateway-api/" in (command.option("-f") or "")
        return
    install(found, kustomized(path) if path.is_dir() else objects(path))


def wait(found: Cluster, command: Command) -> None:
    kind, name = command.argv[-1].split("/")
    version, kind = KINDS[kind]
    place = {"namespace": command.option("-n") or "default", "name": name}
    path = found.client.path_of({"apiVersion": version, "kind": kind, "metadata": place})
    asked = command.option("--for") or ""
    [wanted] = re.findall(r"^condition=(\w+)$|type==\"(\w+)\"", asked)
    found.client.wait_for(path, lambda item: has_condition(item, "".join(wanted)), PATIENCE)


def address_of(found: Cluster, assignment: str) -> str:
    [name] = re.findall(r"kubectl get gateway (\S+) -o jsonpath='\{\.status\.addresses\[0\]\.value\}'", assignment)
    gateway = found.client.get(f"/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/{name}")
    assert gateway is not None
    return str(gateway["status"]["addresses"][0]["value"])


def curl(found: Cluster, command: Command, variables: dict[str, str]) -> str:
    """The body of the answer, once there is a 200: the load balancer may need a moment."""
    url = urlsplit(command.argv[-1].replace("$ADDRESS", variables["ADDRESS"]))
    headers = dict([(command.option("-H") or "Accept: */*").split(": ", 1)])
    body = command.option("--data")
    said: list[tuple[int, str]] = []

    def answered() -> bool:
        connection = HTTPConnection(url.hostname or "", url.port or 80)
        connection.sock = network.connect(found.place, (url.hostname or "", url.port or 80), 10)
        try:
            connection.request(command.option("-X") or "GET", url.path, body, headers)
            response = connection.getresponse()
            said.append((response.status, response.read().decode()))
        finally:
            connection.close()
        return said[-1][0] == 200

    wait_until(f"200 from {url.geturl()}", answered, 30, lambda: str(said[-1:]))
    return said[-1][1]
