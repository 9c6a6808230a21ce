"""Listeners: what golden files cannot show because sources refuse it first."""

from typing import Any

import pytest
from msgspec.structs import replace

from proxy.resources.gateway import Gateway
from proxy.resources.store import ResourceSet
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate
from tests.translate.declare import APP, condition, objects, route, status, translated

RULE = "[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]"


def gateway(listeners: str) -> str:
    return f"""
kind: Gateway
metadata: {{name: web}}
spec: {{gatewayClassName: penstock, listeners: {listeners}}}
"""


def test_equal_hostnames_on_one_port_have_no_winner() -> None:
    listeners = """[
        {name: a, protocol: HTTP, port: 80, hostname: x.example.com},
        {name: b, protocol: HTTP, port: 80, hostname: x.example.com},
        {name: c, protocol: HTTP, port: 80, hostname: y.example.com},
        {name: d, protocol: HTTP, port: 81, hostname: x.example.com}]"""
    outcome = translated(gateway(listeners), route(RULE), APP)
    assert list(outcome.snapshot.listeners) == ["default/web/c", "default/web/d"]
    found = {item["name"]: item for item in status(outcome, "Gateway", "web")["listeners"]}
    for name in ("a", "b"):
        conditions = found[name]["conditions"]
        assert condition(conditions, "Conflicted") == ("True", "HostnameConflict")
        assert condition(conditions, "Accepted") == ("False", "HostnameConflict")
        assert condition(conditions, "Programmed") == ("False", "HostnameConflict")
        assert found[name]["attachedRoutes"] == 1, "routes attach to listeners that are not accepted, too"
    assert condition(found["c"]["conditions"], "Conflicted") == ("False", "NoConflicts")
    assert condition(status(outcome, "Gateway", "web")["conditions"], "Accepted") == ("True", "ListenersNotValid")


def test_listeners_without_hostname_conflict_too() -> None:
    outcome = translated(gateway("[{name: a, protocol: HTTP, port: 80}, {name: b, protocol: HTTP, port: 80}]"))
    assert outcome.snapshot.binds == ()
    assert "port 80 and no hostname are also those of listener b" in outcome.problems[0].message


def test_two_tcp_listeners_on_one_port_conflict() -> None:
    outcome = translated(gateway("[{name: a, protocol: TCP, port: 80}, {name: b, protocol: TCP, port: 80}]"))
    conditions = status(outcome, "Gateway", "web")["listeners"][0]["conditions"]
    assert condition(conditions, "Conflicted") == ("True", "ProtocolConflict")


def test_of_listeners_with_one_name_the_first_is_served() -> None:
    outcome = translated(gateway("[{name: a, protocol: HTTP, port: 80}, {name: a, protocol: HTTP, port: 81}]"))
    assert [bind.port for bind in outcome.snapshot.binds] == [80]
    assert [problem.field for problem in outcome.problems] == ["spec.listeners[1].name"]


def test_a_selector_that_is_missing_refuses_the_listener_and_admits_nobody() -> None:
    text = gateway("[{name: a, protocol: HTTP, port: 80, allowedRoutes: {namespaces: {from: Selector}}}]")
    outcome = translated(text, route(RULE), APP)
    assert outcome.snapshot.binds == ()
    assert [problem.field for problem in outcome.problems] == [
        "spec.listeners[0].allowedRoutes.namespaces.selector",
        "spec.parentRefs[0]",
    ]


NOBODY = [
    ("{matchExpressions: [{key: team, operator: NotIn}]}", "matchExpressions[0].values"),
    ("{matchExpressions: [{key: 'a b', operator: NotIn, values: [x]}]}", "matchExpressions[0].key"),
    ("{matchExpressions: [{key: team, operator: DoesNotExist, values: [x]}]}", "matchExpressions[0].values"),
    ("{matchLabels: {'a b': x}}", "matchLabels"),
]


@pytest.mark.parametrize(("selector", "part"), NOBODY)
def test_a_selector_that_makes_no_sense_refuses_the_listener_and_admits_nobody(selector: str, part: str) -> None:
    """NotIn and DoesNotExist would else let in everybody; no API server looks into a selector."""
    allowed = f"allowedRoutes: {{namespaces: {{from: Selector, selector: {selector}}}}}"
    outcome = translated(gateway(f"[{{name: a, protocol: HTTP, port: 80, {allowed}}}]"), route(RULE), APP)
    assert outcome.snapshot.binds == ()
    field = f"spec.listeners[0].allowedRoutes.namespaces.selector.{part}"
    assert [problem.field for problem in outcome.problems] == [field, "spec.parentRefs[0]"]
    [found] = status(outcome, "Gateway", "web")["listeners"]
    assert condition(found["conditions"], "Accepted") == ("False", "UnsupportedValue")


def test_a_gateway_without_listeners_is_refused() -> None:
    (sound,) = objects(gateway("[{name: a, protocol: HTTP, port: 80}]"))
    assert isinstance(sound, Gateway)
    empty = replace(sound, spec=replace(sound.spec, listeners=()))
    conditions = status(translate(ResourceSet([empty]), TranslateSettings()), "Gateway", "web")["conditions"]
    assert condition(conditions, "Accepted") == ("False", "ListenersNotValid")
    assert condition(conditions, "Programmed") == ("False", "Invalid")


@pytest.mark.parametrize(
    ("changed", "field"), [({"port": 0}, "port"), ({"port": 70000}, "port"), ({"hostname": "a b"}, "hostname")]
)
def test_values_that_cannot_be_bound_refuse_the_listener(changed: dict[str, Any], field: str) -> None:
    (sound,) = objects(gateway("[{name: a, protocol: HTTP, port: 80}]"))
    assert isinstance(sound, Gateway)
    listener = replace(sound.spec.listeners[0], **changed)
    outcome = translate(
        ResourceSet([replace(sound, spec=replace(sound.spec, listeners=(listener,)))]), TranslateSettings()
    )
    assert outcome.snapshot.binds == ()
    assert [problem.field for problem in outcome.problems] == [f"spec.listeners[0].{field}"]
