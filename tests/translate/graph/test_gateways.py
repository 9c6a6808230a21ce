"""Gateways beyond golden files: no file mode, and values that sources refuse first."""

from tests.translate.declare import APP, WEB, condition, route, status, translated

RULE = "[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]"


def test_without_file_mode_no_class_is_implied_and_nothing_is_said() -> None:
    outcome = translated(WEB, route(RULE), APP, file_mode=False)
    assert outcome.statuses == []
    assert outcome.problems == ()
    assert outcome.snapshot.binds == ()


def test_the_controller_name_is_a_setting() -> None:
    other = "kind: GatewayClass\nmetadata: {name: penstock}\nspec: {controllerName: example.com/c}"
    assert not translated(WEB, other).snapshot.binds
    outcome = translated(WEB, other, route(RULE), APP, controller_name="example.com/c")
    assert outcome.snapshot.binds
    assert status(outcome, "HTTPRoute", "r")["parents"][0]["controllerName"] == "example.com/c"


def test_an_address_that_is_none_refuses_the_gateway() -> None:
    text = """
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  addresses: [{value: nowhere}, {value: 127.0.0.1}]
  listeners: [{name: http, protocol: HTTP, port: 80}]
"""
    outcome = translated(text)
    said = status(outcome, "Gateway", "web")
    assert condition(said["conditions"], "Accepted") == ("False", "UnsupportedAddress")
    assert said["addresses"] == []
    assert outcome.snapshot.binds == ()


def test_a_gateway_that_is_being_deleted_is_served_until_it_is_gone() -> None:
    """Whoever has put a finalizer on it may still need its traffic."""
    leaving = WEB.replace("metadata: {name: web", "metadata: {deletionTimestamp: '2026-01-01T00:00:00Z', name: web")
    assert leaving != WEB
    outcome = translated(leaving, route(RULE), APP)
    assert outcome.snapshot.binds == translated(WEB, route(RULE), APP).snapshot.binds
    assert condition(status(outcome, "Gateway", "web")["conditions"], "Programmed") == ("True", "Programmed")
