"""Where Gateways are bound and found, one way after another, and what is remembered."""

from typing import Any

import pytest

from proxy.resources.meta import ObjectKey
from proxy.translate.graph.names import owner_labels, shared_name
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.declare import condition, declare, entry, listener_conditions, listener_set, status, translated

KEY = ObjectKey("default", "web")
IN_CLUSTER: dict[str, Any] = {"file_mode": False, "namespace": "penstock-system", "image": "penstock:1"}


def parameters(spec: str) -> str:
    return f"""
kind: GatewayClass
metadata: {{name: penstock}}
spec:
  controllerName: penstock.dev/gateway-controller
  parametersRef: {{group: penstock.dev, kind: GatewayParameters, namespace: default, name: p}}
---
apiVersion: penstock.dev/v1alpha1
kind: GatewayParameters
metadata: {{name: p}}
spec: {spec}
"""


POOL = parameters("{addresses: {pool: [10.0.0.1-10.0.0.9]}}")
SERVICE = parameters("{service: {}}")
DEPLOYMENT = parameters("{deployment: {}}")


def gateway(name: str = "web", more: str = "", port: int = 80) -> str:
    return f"""
kind: Gateway
metadata: {{name: {name}}}
spec:
  gatewayClassName: penstock
  listeners: [{{name: http, protocol: HTTP, port: {port}}}]
{more}
"""


def made(kind: str = "LoadBalancer", *, ingress: str = "", target: int = 20003, labels: str = "") -> str:
    """The Service that was made for Gateway default/web."""
    mine = ", ".join(f"{name}: {value}" for name, value in owner_labels(KEY).items())
    return f"""
kind: Service
metadata: {{name: {shared_name(KEY)}, namespace: penstock-system, labels: {{{labels or mine}}}}}
spec: {{type: {kind}, clusterIP: 10.96.0.7, ports: [{{name: tcp-80, port: 80, targetPort: {target}}}]}}
status: {{loadBalancer: {{ingress: [{ingress}]}}}}
"""


def ready(yes: str = "true") -> str:
    return f"""
kind: EndpointSlice
metadata: {{name: s, namespace: penstock-system, labels: {{kubernetes.io/service-name: {shared_name(KEY)}}}}}
addressType: IPv4
endpoints: [{{addresses: [10.1.0.1], conditions: {{ready: {yes}}}}}]
"""


def binds(outcome: Translation) -> list[tuple[str, int]]:
    return [(bind.address, bind.port) for bind in outcome.snapshot.binds]


def found(outcome: Translation, name: str = "web") -> tuple[list[tuple[str, str]], tuple[str, str], tuple[str, str]]:
    """status.addresses, Programmed of the Gateway, Programmed of its listener."""
    seen = status(outcome, "Gateway", name)
    addresses = [(each["type"], each["value"]) for each in seen["addresses"]]
    listener = condition(seen["listeners"][0]["conditions"], "Programmed")
    return addresses, condition(seen["conditions"], "Programmed"), listener


GOOD = ("True", "Programmed")
PENDING = ("False", "Pending")

# --- none ---------------------------------------------------------------------------------------


def test_bound_everywhere_the_published_address_is_named() -> None:
    outcome = translated(gateway(), publish="192.0.2.4")
    assert binds(outcome) == [("", 80)]
    assert found(outcome)[0] == [("IPAddress", "192.0.2.4")]
    assert found(translated(gateway()))[0] == []


def test_a_bound_address_is_named_itself() -> None:
    outcome = translated(gateway(more="  addresses: [{value: 10.9.9.9}]"), publish="192.0.2.4")
    assert found(outcome)[0] == [("IPAddress", "10.9.9.9")]


# --- addresses ----------------------------------------------------------------------------------


def test_addresses_stay_from_one_translation_to_the_next() -> None:
    first = translate(declare(POOL, gateway("b")), TranslateSettings())
    second = translate(declare(POOL, gateway("a"), gateway("b")), TranslateSettings(), first)
    assert [bind.listeners for bind in second.snapshot.binds] == [("default/b/http",), ("default/a/http",)]
    assert binds(second) == [("10.0.0.1", 80), ("10.0.0.2", 80)]


def test_addresses_stay_over_a_restart_by_what_statuses_name() -> None:
    held = {ObjectKey("default", "b"): ("10.0.0.1",), ObjectKey("default", "gone"): ("10.0.0.2",)}
    outcome = translate(declare(POOL, gateway("a"), gateway("b")), TranslateSettings(), held=held)
    assert found(outcome, "a")[0] == [("IPAddress", "10.0.0.2")]
    assert found(outcome, "b")[0] == [("IPAddress", "10.0.0.1")]


def test_two_replicas_that_heard_of_gateways_in_another_order_come_to_one_answer() -> None:
    """What the one writes into statuses comes to the other one status after the other."""
    both, settings = declare(POOL, gateway("a"), gateway("b")), TranslateSettings()
    leader = translate(both, settings, translate(declare(POOL, gateway("b")), settings))
    follower = translate(both, settings)
    assert (found(leader, "a")[0], found(follower, "a")[0]) == (
        [("IPAddress", "10.0.0.2")],
        [("IPAddress", "10.0.0.1")],
    )
    told = {ObjectKey("default", "b"): ("10.0.0.1",)}
    follower = translate(both, settings, follower, told=told)
    assert found(follower, "b") == found(leader, "b")
    follower = translate(both, settings, follower, told={**told, ObjectKey("default", "a"): ("10.0.0.2",)})
    assert found(follower, "a") == found(leader, "a")
    assert binds(follower) == binds(leader)
    assert found(translate(both, settings, follower), "a") == found(leader, "a")  # it leads now, and goes on so


def test_an_address_that_another_is_told_to_have_is_given_up() -> None:
    both, settings = declare(POOL, gateway("a"), gateway("b")), TranslateSettings()
    before = translate(both, settings)
    after = translate(both, settings, before, told={ObjectKey("default", "b"): ("10.0.0.1",)})
    assert found(after, "b")[0] == [("IPAddress", "10.0.0.1")]
    assert found(after, "a")[0] == [("IPAddress", "10.0.0.2")]


def test_a_gateway_that_is_refused_for_a_while_comes_back_to_its_address() -> None:
    first = translate(declare(POOL, gateway("a"), gateway("b")), TranslateSettings())
    refused = gateway("a", more="  addresses: [{type: Hostname, value: x}]")
    second = translate(declare(POOL, refused, gateway("b"), gateway("c")), TranslateSettings(), first)
    assert found(second, "c")[0] == [("IPAddress", "10.0.0.3")]
    third = translate(declare(POOL, gateway("a"), gateway("b"), gateway("c")), TranslateSettings(), second)
    assert found(third, "a")[0] == [("IPAddress", "10.0.0.1")]


def test_a_value_that_another_has_is_not_usable() -> None:
    first = translate(declare(POOL, gateway("b")), TranslateSettings())
    wants = gateway("a", more="  addresses: [{value: 10.0.0.1}]")
    second = translate(declare(POOL, wants, gateway("b")), TranslateSettings(), first)
    assert found(second, "a") == ([], ("False", "AddressNotUsable"), PENDING)
    assert found(second, "b")[1] == GOOD


# --- service ------------------------------------------------------------------------------------


def test_behind_a_service_every_replica_binds_what_it_says() -> None:
    outcome = translated(
        SERVICE, gateway(), made(ingress="{ip: 203.0.113.5}, {hostname: lb.example.com}"), **IN_CLUSTER
    )
    assert binds(outcome) == [("", 20003)]
    assert outcome.snapshot.listeners["default/web/http"].port == 80
    assert found(outcome) == ([("IPAddress", "203.0.113.5"), ("Hostname", "lb.example.com")], GOOD, GOOD)


def test_without_the_service_nothing_is_bound() -> None:
    outcome = translated(SERVICE, gateway(), **IN_CLUSTER)
    assert binds(outcome) == []
    assert found(outcome) == ([], ("False", "AddressNotAssigned"), PENDING)


def test_a_service_without_an_address_is_served_and_not_programmed() -> None:
    outcome = translated(SERVICE, gateway(), made(), **IN_CLUSTER)
    assert binds(outcome) == [("", 20003)]
    assert found(outcome) == ([], ("False", "AddressNotAssigned"), GOOD)


def test_a_strangers_service_of_that_name_counts_for_nothing() -> None:
    for way in (SERVICE, DEPLOYMENT):
        outcome = translated(way, gateway(), made(ingress="{ip: 203.0.113.5}", labels="a: b"), ready(), **IN_CLUSTER)
        assert found(outcome) == ([], ("False", "NoResources"), PENDING)


@pytest.mark.parametrize(
    "senior", [gateway(more="  addresses: [{type: Hostname, value: x}]"), ""], ids=["refused", "gone"]
)
def test_what_the_service_of_a_gateway_that_is_not_served_still_says_is_nobody_elses(senior: str) -> None:
    """Its load balancer still sends there: the clients of one Gateway would reach the routes of another."""
    lowest = translated(SERVICE, gateway("new"), **IN_CLUSTER).graph.placement.targets
    [target] = lowest[ObjectKey("default", "new")].values()
    texts = [SERVICE, *filter(None, [senior]), gateway("new"), made(target=target)]
    targets = translated(*texts, **IN_CLUSTER).graph.placement.targets
    assert targets == {ObjectKey("default", "new"): {(80, "TCP"): target + 1}}


def test_a_listener_that_the_service_does_not_know_yet_waits() -> None:
    outcome = translated(SERVICE, gateway(port=81), made(ingress="{ip: 203.0.113.5}"), **IN_CLUSTER)
    assert binds(outcome) == []
    assert found(outcome) == ([("IPAddress", "203.0.113.5")], PENDING, PENDING)


def test_the_service_has_the_ports_of_listener_sets_too() -> None:
    allowing = gateway(more="  allowedListeners: {namespaces: {from: Same}}")
    added = listener_set("added", entry("http", "added.example.com"), entry("more", port=8080))
    outcome = translated(SERVICE, allowing, added, made(ingress="{ip: 203.0.113.5}"), **IN_CLUSTER)
    assert outcome.graph.placement.targets[KEY] == {(80, "TCP"): 20003, (8080, "TCP"): 20000}
    assert [bind.listeners for bind in outcome.snapshot.binds] == [
        ("default/web/http", "default/web/default/added/http")
    ]
    assert found(outcome)[1] == GOOD
    waits = listener_conditions(outcome, "ListenerSet", "added", "more")
    assert condition(waits, "Programmed") == PENDING
    assert condition(status(outcome, "ListenerSet", "added")["conditions"], "Programmed") == GOOD


def test_a_set_whose_ports_are_all_to_come_waits() -> None:
    allowing = gateway(more="  allowedListeners: {namespaces: {from: Same}}")
    added = listener_set("added", entry("more", port=8080))
    outcome = translated(SERVICE, allowing, added, made(ingress="{ip: 203.0.113.5}"), **IN_CLUSTER)
    conditions = status(outcome, "ListenerSet", "added")["conditions"]
    assert condition(conditions, "Accepted") == ("True", "Accepted")
    assert condition(conditions, "Programmed") == PENDING


def test_a_set_of_a_gateway_that_has_no_address_yet_says_so_of_its_parent() -> None:
    allowing = gateway(more="  allowedListeners: {namespaces: {from: Same}}")
    outcome = translated(SERVICE, allowing, listener_set("added", entry("more", port=8080)), **IN_CLUSTER)
    conditions = status(outcome, "ListenerSet", "added")["conditions"]
    assert condition(conditions, "Programmed") == ("False", "ParentNotProgrammed")
    assert status(outcome, "Gateway", "web")["attachedListenerSets"] == 1


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_other_types_are_found_at_their_cluster_ip(kind: str) -> None:
    outcome = translated(parameters(f"{{service: {{type: {kind}}}}}"), gateway(), made(kind), **IN_CLUSTER)
    assert found(outcome) == ([("IPAddress", "10.96.0.7")], GOOD, GOOD)


def test_a_static_address_is_what_the_load_balancer_gives_or_not_usable() -> None:
    wants = gateway(more="  addresses: [{value: 203.0.113.5}]")
    assert found(translated(SERVICE, wants, made(ingress="{ip: 203.0.113.5}"), **IN_CLUSTER))[1] == GOOD
    other = translated(SERVICE, wants, made(ingress="{ip: 203.0.113.6}"), **IN_CLUSTER)
    assert found(other)[1] == ("False", "AddressNotUsable")
    several = gateway(more="  addresses: [{value: 203.0.113.5}, {value: 203.0.113.6}]")
    assert found(translated(SERVICE, several, **IN_CLUSTER))[1] == ("False", "AddressNotUsable")


# --- deployment ---------------------------------------------------------------------------------


def test_a_data_plane_of_its_own_is_not_bound_here_and_programmed_when_it_is_up() -> None:
    up = translated(DEPLOYMENT, gateway(), made(ingress="{ip: 203.0.113.5}"), ready(), **IN_CLUSTER)
    assert binds(up) == []
    assert found(up) == ([("IPAddress", "203.0.113.5")], GOOD, GOOD)
    down = translated(DEPLOYMENT, gateway(), made(ingress="{ip: 203.0.113.5}"), ready("false"), **IN_CLUSTER)
    assert found(down)[1:] == (("False", "NoResources"), PENDING)
    assert found(translated(DEPLOYMENT, gateway(), **IN_CLUSTER))[1] == ("False", "AddressNotAssigned")


def test_without_an_image_there_is_none() -> None:
    outcome = translated(DEPLOYMENT, gateway(), file_mode=False)
    assert found(outcome)[1] == ("False", "NoResources")
    assert outcome.infrastructure.settled == frozenset()


def test_the_data_plane_of_one_gateway_binds_that_one_everywhere() -> None:
    wants = gateway(more="  addresses: [{value: 203.0.113.5}]")
    outcome = translated(DEPLOYMENT, wants, gateway("other", port=81), only_gateway="default/web", **IN_CLUSTER)
    assert binds(outcome) == [("", 80)]
    assert outcome.infrastructure.objects == ()


# --- whose parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    ["{deployment: {image: 'evil:1'}}", "{deployment: {args: [--admin=:9900]}}", "{service: {selector: {app: x}}}",
     "{service: {targetPorts: {first: 9901, last: 9901}}}"],
)  # fmt: skip
def test_what_concerns_all_gateways_is_for_the_class_to_say(spec: str) -> None:
    own = "  infrastructure: {parametersRef: {group: penstock.dev, kind: GatewayParameters, name: p}}"
    plain = "kind: GatewayClass\nmetadata: {name: penstock}\nspec: {controllerName: penstock.dev/gateway-controller}"
    declared = parameters(spec).partition("---")[2]
    refused = status(translated(plain, declared, gateway(more=own), **IN_CLUSTER), "Gateway", "web")
    assert condition(refused["conditions"], "Accepted") == ("False", "InvalidParameters")
    by_class = status(translated(parameters(spec), gateway(), **IN_CLUSTER), "Gateway", "web")
    assert condition(by_class["conditions"], "Accepted") == ("True", "Accepted")
