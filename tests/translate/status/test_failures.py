"""What binding came to, in the status: of the listener where a port is taken, of the Gateway where an address is."""

from typing import Any

from proxy.snapshot.snapshot import Bind
from proxy.translate.status.failures import BindFailure, Reason, with_failures
from proxy.translate.translate import Translation
from tests.translate.declare import condition, entry, listener_set, translated

CLASS = """
kind: GatewayClass
metadata: {name: penstock}
spec:
  controllerName: penstock.dev/gateway-controller
  parametersRef: {group: penstock.dev, kind: GatewayParameters, namespace: default, name: pool}
---
apiVersion: penstock.dev/v1alpha1
kind: GatewayParameters
metadata: {name: pool}
spec: {addresses: {pool: [10.0.0.1-10.0.0.9]}}
"""


def gateway(addresses: str, name: str = "web") -> str:
    return f"""
kind: Gateway
metadata: {{name: {name}, generation: 3}}
spec:
  gatewayClassName: penstock
  allowedListeners: {{namespaces: {{from: All}}}}
  addresses: {addresses}
  listeners: [{{name: http, protocol: HTTP, port: 80}}, {{name: more, protocol: HTTP, port: 81}}]
"""


def failing(outcome: Translation, reason: Reason, *, address: str = "", port: int = 0) -> list[BindFailure]:
    """Those of its binds that are on the address, or on the port."""
    found = [bind for bind in outcome.snapshot.binds if bind.address == address or bind.port == port]
    return [BindFailure(bind, reason, f"cannot listen on {bind.address}:{bind.port}") for bind in found]


def seen(outcome: Translation, failures: list[BindFailure], name: str = "web") -> dict[str, Any]:
    status = next(
        item.status for item in with_failures(outcome.statuses, failures)
        if item.kind == "Gateway" and item.key.name == name
    )  # fmt: skip
    return {
        "addresses": [each["value"] for each in status["addresses"]],
        "gateway": condition(status["conditions"], "Programmed"),
        **{item["name"]: condition(item["conditions"], "Programmed") for item in status["listeners"]},
    }


GOOD = ("True", "Programmed")


def test_without_failures_the_statuses_are_the_very_same() -> None:
    outcome = translated(CLASS, gateway("[]"))
    assert with_failures(outcome.statuses, ()) is outcome.statuses


def test_an_address_that_is_not_there_is_the_gateways_loss_and_the_other_is_listed() -> None:
    outcome = translated(CLASS, gateway("[{value: 192.0.2.1}, {value: 10.0.0.5}]"))
    assert seen(outcome, failing(outcome, "AddressNotUsable", address="192.0.2.1")) == {
        "addresses": ["10.0.0.5"], "gateway": ("False", "AddressNotUsable"), "http": GOOD, "more": GOOD,
    }  # fmt: skip


def test_without_another_address_it_is_the_listeners_loss_too() -> None:
    outcome = translated(CLASS, gateway("[{value: 192.0.2.1}]"))
    lost = ("False", "AddressNotUsable")
    assert seen(outcome, failing(outcome, "AddressNotUsable", address="192.0.2.1")) == {
        "addresses": [], "gateway": lost, "http": lost, "more": lost,
    }  # fmt: skip


def test_a_port_that_is_taken_is_its_listeners_loss() -> None:
    outcome = translated(CLASS, gateway("[]"))
    assert seen(outcome, failing(outcome, "PortUnavailable", port=81)) == {
        "addresses": ["10.0.0.1"], "gateway": GOOD, "http": GOOD, "more": ("False", "PortUnavailable"),
    }  # fmt: skip


def test_with_no_port_at_all_the_gateway_is_not_programmed() -> None:
    outcome = translated(CLASS, gateway("[]"))
    lost = ("False", "PortUnavailable")
    assert seen(outcome, failing(outcome, "PortUnavailable", address="10.0.0.1")) == {
        "addresses": ["10.0.0.1"], "gateway": ("False", "NoResources"), "http": lost, "more": lost,
    }  # fmt: skip


def test_other_gateways_are_left_alone() -> None:
    outcome = translated(CLASS, gateway("[]"), gateway("[]", "other"))
    failures = failing(outcome, "PortUnavailable", address="10.0.0.2")
    assert {each for bind in failures for each in bind.bind.listeners} == {"default/web/http", "default/web/more"}
    assert seen(outcome, failures, "other")["gateway"] == GOOD


def test_conditions_keep_their_generation() -> None:
    outcome = translated(CLASS, gateway("[]"))
    [mended] = [item for item in with_failures(outcome.statuses, failing(outcome, "PortUnavailable", port=81))
                if item.kind == "Gateway"]  # fmt: skip
    assert {each["observedGeneration"] for each in mended.status["conditions"]} == {3}
    assert {each["observedGeneration"] for item in mended.status["listeners"] for each in item["conditions"]} == {3}


def test_a_bind_of_nobody_here_changes_nothing() -> None:
    outcome = translated(CLASS, gateway("[]"))
    stray = [BindFailure(Bind("10.0.0.9", 80, ("gone/gw/http",)), "PortUnavailable", "x")]
    assert with_failures(outcome.statuses, stray) == outcome.statuses


# --- ListenerSets -----------------------------------------------------------------------------

SET = listener_set("set", entry("http", port=82), entry("more", port=83), meta=", generation: 5")


def seen_of_set(outcome: Translation, failures: list[BindFailure]) -> dict[str, Any]:
    status = next(item.status for item in with_failures(outcome.statuses, failures) if item.kind == "ListenerSet")
    assert "addresses" not in status
    assert {each["observedGeneration"] for each in status["conditions"]} == {5}
    return {
        "set": condition(status["conditions"], "Programmed"),
        **{item["name"]: condition(item["conditions"], "Programmed") for item in status["listeners"]},
    }


def test_a_port_that_is_taken_is_the_loss_of_the_set_that_adds_it() -> None:
    outcome = translated(CLASS, gateway("[]"), SET)
    failures = failing(outcome, "PortUnavailable", port=83)
    lost = ("False", "PortUnavailable")
    assert seen_of_set(outcome, failures) == {"set": GOOD, "http": GOOD, "more": lost}
    assert seen(outcome, failures) == {"addresses": ["10.0.0.1"], "gateway": GOOD, "http": GOOD, "more": GOOD}
    failures += failing(outcome, "PortUnavailable", port=82)
    assert seen_of_set(outcome, failures) == {"set": lost, "http": lost, "more": lost}


def test_an_address_that_is_not_there_is_the_loss_of_the_parent() -> None:
    outcome = translated(CLASS, gateway("[{value: 192.0.2.1}, {value: 10.0.0.5}]"), SET)
    failures = failing(outcome, "AddressNotUsable", address="192.0.2.1")
    assert seen_of_set(outcome, failures) == {"set": ("False", "ParentNotProgrammed"), "http": GOOD, "more": GOOD}
    alone = translated(CLASS, gateway("[{value: 192.0.2.1}]"), SET)
    lost = ("False", "AddressNotUsable")
    assert seen_of_set(alone, failing(alone, "AddressNotUsable", address="192.0.2.1")) == {
        "set": ("False", "ParentNotProgrammed"), "http": lost, "more": lost,
    }  # fmt: skip
