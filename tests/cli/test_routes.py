"""`penstock routes`: the table in the order in which it is asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.cli.main import main
from tests.cli.test_explain import CONFIG

EXPECTED = """\
default/web/shop HTTP :8080 shop.example.com
  no routes
default/web/http HTTP :8080 *
  *
    Exact /old                               default/hello rule 2 -> RequestRedirect
    PathPrefix /nothing                      default/hello rule 3 -> 500: no backend
    POST PathPrefix /hello x-tenant=a        default/hello rule tenants -> RequestHeaderModifier > URLRewrite\
 > default/hello:80 x3, default/missing:80 (BackendNotFound)
    PathPrefix /hello ?page~[0-9]+           default/hello rule tenants -> RequestHeaderModifier > URLRewrite\
 > default/hello:80 x3, default/missing:80 (BackendNotFound)
    PathPrefix /hello                        default/hello rule 1 -> URLRewrite > default/hello:80
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return str(path)


def test_the_table_stands_in_order_of_precedence(config: str) -> None:
    result = CliRunner().invoke(main, ["routes", config])
    assert result.exit_code == 0
    assert [" ".join(line.split()) for line in result.stdout.splitlines()] == [
        " ".join(line.split()) for line in EXPECTED.splitlines()
    ]


def test_as_json_it_holds_every_entry_with_its_conditions(config: str) -> None:
    result = CliRunner().invoke(main, ["routes", config, "--json"])
    listeners: list[dict[str, Any]] = json.loads(result.stdout)
    assert [(one["listener"], one["port"], one["hostname"]) for one in listeners] == [
        ("default/web/shop", 8080, "shop.example.com"),
        ("default/web/http", 8080, "*"),
    ]
    entries = listeners[1]["hosts"][0]["entries"]
    assert [(one["rule"], one["match"]) for one in entries] == [(2, 0), (3, 0), (0, 0), (0, 1), (1, 0)]
    assert entries[2]["conditions"] == {
        "path": {"type": "PathPrefix", "value": "/hello"},
        "method": "POST",
        "headers": [{"type": "Exact", "name": "x-tenant", "value": "a"}],
    }
    assert entries[3]["conditions"]["queryParams"] == [{"type": "RegularExpression", "name": "page", "value": "[0-9]+"}]
    assert entries[4]["filters"] == [
        {"type": "URLRewrite", "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2"}}
    ]


ANSWERED = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: answers}
spec:
  parentRefs: [{name: web, sectionName: shop}]
  rules:
  - matches: [{path: {type: Exact, value: /closed}}]
    filters: [{type: ExtensionRef, extensionRef: {group: penstock.dev, kind: DirectResponse, name: closed}}]
    backendRefs: [{name: hello, port: 80}]
  - matches: [{path: {value: /lost}}]
    filters: [{type: ExtensionRef, extensionRef: {group: penstock.dev, kind: DirectResponse, name: lost}}]
    backendRefs: [{name: hello, port: 80}]
---
apiVersion: penstock.dev/v1alpha1
kind: DirectResponse
metadata: {name: closed}
spec: {status: 503}
"""


def test_what_stands_behind_a_filter_that_answers_is_not_shown(config: str, tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text(ANSWERED)
    shown = CliRunner().invoke(main, ["routes", config, str(tmp_path / "answers.yaml")]).stdout.splitlines()
    assert [line.strip() for line in shown[2:4]] == [
        "Exact /closed     default/answers rule 0 -> DirectResponse",
        "PathPrefix /lost  default/answers rule 1 -> 500: filter_unresolved",
    ]


BELOW_HTTP = """
default/dns/connections TCP :5300 *
  *
    every connection  default/dns rule 0 -> default/resolver:53
default/dns/datagrams UDP :5300 *
  *
    every flow  default/dns rule 0 -> default/resolver:53
    every flow  default/later rule main -> default/resolver:53, default/none:53 x3 (BackendNotFound)\
 (unused: the route before it has all)
"""
LATER = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: later}
spec:
  parentRefs: [{name: dns, sectionName: datagrams}]
  rules: [{name: main, backendRefs: [{name: resolver, port: 53}, {name: none, port: 53, weight: 3}]}]
"""


def test_below_http_the_first_route_has_all(tmp_path: Path) -> None:
    path = tmp_path / "udp.yaml"
    path.write_text(Path("config/udp.yaml").read_text() + LATER)
    result = CliRunner().invoke(main, ["routes", str(path)])
    assert [line.split() for line in result.stdout.splitlines()] == [
        line.split() for line in BELOW_HTTP.strip().splitlines()
    ]
    listeners = json.loads(CliRunner().invoke(main, ["routes", str(path), "--json"]).stdout)
    [host] = listeners[1]["hosts"]
    assert [(one["kind"], one["route"], one["unused"]) for one in host["entries"]] == [
        ("UDPRoute", "default/dns", False),
        ("UDPRoute", "default/later", True),
    ]
