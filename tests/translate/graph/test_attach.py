"""parentRefs: which listeners a port and a section name choose, and what a route hears that they choose none for."""

import pytest

from tests.translate.declare import APP, route_condition, status, translated

WEB = """
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners:
    - {name: http, protocol: HTTP, port: 80}
    - {name: alt, protocol: HTTP, port: 8080}
    - {name: other, protocol: HTTP, port: 8080, hostname: other.example.com}
"""


def attached(parent: str) -> tuple[tuple[str, str], tuple[str, str], list[str]]:
    """Accepted, ResolvedRefs, and the listeners that count the route."""
    text = f"""
kind: HTTPRoute
metadata: {{name: r}}
spec:
  parentRefs: [{{name: web{parent}}}]
  rules: [{{backendRefs: [{{group: penstock.dev, kind: Backend, name: app}}]}}]
"""
    translation = translated(WEB, text, APP)
    listeners = status(translation, "Gateway", "web")["listeners"]
    return (
        route_condition(translation, "Accepted"),
        route_condition(translation, "ResolvedRefs"),
        [listener["name"] for listener in listeners if listener["attachedRoutes"]],
    )


@pytest.mark.parametrize(
    ("parent", "listeners"),
    [
        ("", ["http", "alt", "other"]),
        (", port: 80", ["http"]),
        (", port: 8080", ["alt", "other"]),
        (", sectionName: other", ["other"]),
        (", sectionName: alt, port: 8080", ["alt"]),
    ],
)
def test_a_port_and_a_section_name_choose_together(parent: str, listeners: list[str]) -> None:
    assert attached(parent) == (("True", "Accepted"), ("True", "ResolvedRefs"), listeners)


@pytest.mark.parametrize(
    "parent", [", port: 81", ", sectionName: http, port: 8080", ", sectionName: nowhere, port: 80"]
)
def test_a_port_without_a_listener_is_no_matching_parent(parent: str) -> None:
    """As the conformance test HTTPRouteInvalidParentRefNotMatchingListenerPort has it: the references are fine."""
    assert attached(parent) == (("False", "NoMatchingParent"), ("True", "ResolvedRefs"), [])
