"""What a Pod is given and what is reported of it: environment, volumes, status, addresses."""

import pytest

from tests.conformance.node.addresses import Address, Pool, pod_pool
from tests.conformance.node.api import Object
from tests.conformance.node.container import Container
from tests.conformance.node.environment import environment_of
from tests.conformance.node.status import binding, node_status, pod_status
from tests.conformance.node.volumes import chosen, contents

POD: Object = {
    "metadata": {"name": "echo-1", "namespace": "shop", "uid": "u-1", "labels": {"app": "echo"}},
    "spec": {"containers": [], "serviceAccountName": "penstock"},
}


def field(path: str) -> Object:
    return {"name": "VALUE", "valueFrom": {"fieldRef": {"fieldPath": path}}}


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"name": "VALUE", "value": "literal"}, "literal"),
        ({"name": "VALUE"}, ""),
        (field("metadata.name"), "echo-1"),
        (field("metadata.namespace"), "shop"),
        (field("metadata.labels['app']"), "echo"),
        (field("status.podIP"), "10.244.0.10"),
        (field("spec.serviceAccountName"), "penstock"),
        (field("metadata.annotations['none']"), ""),
    ],
)
def test_a_value_is_literal_or_a_field_of_the_pod(entry: Object, value: str) -> None:
    assert environment_of(POD, {"env": [entry]}, "10.244.0.10", {})["VALUE"] == value


def test_a_container_finds_the_api_server_and_overrides_its_image() -> None:
    env = environment_of(POD, {"env": [{"name": "PATH", "value": "/own"}]}, "10.244.0.10", {"PATH": "/bin", "A": "b"})
    assert env["KUBERNETES_SERVICE_HOST"] == "10.244.0.1"
    assert env["KUBERNETES_SERVICE_PORT"] == "6443"
    assert env["HOSTNAME"] == "echo-1"
    assert (env["PATH"], env["A"]) == ("/own", "b")


@pytest.mark.parametrize(
    ("held", "is_secret", "files"),
    [
        ({"data": {"tls.crt": "Y2VydA=="}}, True, {"tls.crt": b"cert"}),
        ({"data": {"ca.crt": "text"}, "binaryData": {"b": "Y2VydA=="}}, False, {"ca.crt": b"text", "b": b"cert"}),
        ({}, True, {}),
        ({"data": None}, False, {}),
    ],
)
def test_secrets_are_decoded_and_config_maps_are_text(held: Object, is_secret: bool, files: dict[str, bytes]) -> None:
    assert contents(held, is_secret) == files


def test_items_choose_keys_and_name_their_files() -> None:
    files = {"tls.crt": b"c", "tls.key": b"k"}
    assert chosen(files, [{"key": "tls.crt", "path": "a/cert.pem"}, {"key": "none", "path": "x"}]) == {
        "a/cert.pem": b"c"
    }
    assert chosen(files, None) == files


def condition(status: Object, kind: str) -> str:
    [found] = [each["status"] for each in status["conditions"] if each["type"] == kind]
    return str(found)


@pytest.mark.parametrize(
    ("ready", "said"), [((True, True), "True"), ((True, False), "False"), ((False, False), "False")]
)
def test_a_pod_is_ready_when_all_its_containers_are(ready: tuple[bool, ...], said: str) -> None:
    containers = [Container({"name": f"c{number}", "image": "echo-basic"}) for number in range(len(ready))]
    for container, value in zip(containers, ready, strict=True):
        container.ready = value
    status = pod_status(containers, "10.244.0.10", "2026-01-01T00:00:00Z")
    assert condition(status, "Ready") == condition(status, "ContainersReady") == said
    assert condition(status, "PodScheduled") == "True"
    assert status["podIPs"] == [{"ip": "10.244.0.10"}]


def test_a_container_that_was_restarted_says_so() -> None:
    container = Container({"name": "c", "image": "echo-basic"})
    assert pod_status([container], "", "")["containerStatuses"][0]["state"] == {
        "waiting": {"reason": "ContainerCreating"}
    }
    container.restarts = 2
    [status] = pod_status([container], "", "")["containerStatuses"]
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff"}}
    assert status["restartCount"] == 2


def test_the_node_says_where_its_kubelet_is() -> None:
    assert node_status()["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert binding(POD)["target"]["name"] == "node-1"


def test_an_address_given_back_is_the_last_to_be_given_again() -> None:
    pool = Pool([Address("10.0.0.1", 1), Address("10.0.0.2", 2)])
    first = pool.take()
    pool.give_back(first)
    assert [pool.take(), pool.take()] == [Address("10.0.0.2", 2), first]
    with pytest.raises(IndexError):
        pool.take()


def test_pods_get_what_the_node_leaves_of_the_network() -> None:
    assert pod_pool("10.244.0.0/16").take() == Address("10.244.0.10", 10)
