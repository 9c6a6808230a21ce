"""`penstock explain`: a whole configuration in, one request explained out, by the matcher that serves."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli.explained import _name
from proxy.cli.main import main
from proxy.cli.page import Page

CONFIG = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners:
    - {name: http, protocol: HTTP, port: 8080}
    - {name: shop, protocol: HTTP, port: 8080, hostname: shop.example.com}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: hello}
spec:
  parentRefs: [{name: web, sectionName: http}]
  rules:
    - name: tenants
      matches:
        - path: {value: /hello}
          method: POST
          headers: [{name: X-Tenant, value: a}]
        - path: {value: /hello}
          queryParams: [{name: page, type: RegularExpression, value: "[0-9]+"}]
      filters:
        - type: RequestHeaderModifier
          requestHeaderModifier: {set: [{name: X-From, value: gateway}]}
        - type: URLRewrite
          urlRewrite: {hostname: hello.internal}
      backendRefs:
        - {name: hello, port: 80, weight: 3}
        - name: missing
          port: 80
    - matches: [{path: {value: /hello}}]
      filters:
        - type: URLRewrite
          urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /v2}}
      backendRefs:
        - name: hello
          port: 80
          filters:
            - type: RequestHeaderModifier
              requestHeaderModifier: {add: [{name: X-Backend, value: b}]}
    - matches: [{path: {type: Exact, value: /old}}]
      filters:
        - type: RequestRedirect
          requestRedirect: {scheme: https, hostname: new.example.com, statusCode: 301}
    - matches: [{path: {value: /nothing}}]
---
apiVersion: v1
kind: Service
metadata: {name: hello}
spec: {ports: [{port: 80, name: http}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: hello-1, labels: {kubernetes.io/service-name: hello}}
addressType: IPv4
ports: [{name: http, port: 9001}]
endpoints: [{addresses: [127.0.0.1]}, {addresses: [127.0.0.2]}]
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, ["explain", *arguments])


def told(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    data: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if data["winner"] else 1)
    return data


def test_a_rule_answers(config: str) -> None:
    data = told(config, "http://localhost:8080/hello/world?a=1")
    assert data["listener"] == "default/web/http"
    assert (data["winner"]["route"], data["winner"]["rule"], data["winner"]["match"]) == ("default/hello", 1, 0)
    assert (data["target"], data["host"]) == ("/v2/world?a=1", "localhost:8080")
    (backend,) = data["backends"]
    assert (backend["backend"], backend["percent"]) == ("default/hello:80", 100)
    assert backend["endpoints"] == ["127.0.0.1:9001", "127.0.0.2:9001"]
    (one,) = backend["filters"]
    assert (one["type"], one["add"]) == ("RequestHeaderModifier", [{"name": "x-backend", "value": "b"}])
    assert one["changes"] == [{"what": "header x-backend", "before": None, "after": "b"}]


def test_the_candidates_stand_in_order_with_the_criterion_that_decided(config: str) -> None:
    data = told(config, "-X", "POST", "-H", "x-tenant: a", "http://localhost:8080/hello?page=1")
    order = [(one["rule"], one["match"], one["decided_by"]) for one in data["candidates"]]
    assert order == [(0, 0, "method"), (0, 1, "query parameter count"), (1, 0, None)]
    assert data["winner"] == {name: value for name, value in data["candidates"][0].items() if name != "decided_by"}
    assert data["near_misses"] == []


def test_filters_stand_in_order_with_what_they_make_of_the_request(config: str) -> None:
    data = told(config, "-X", "POST", "-H", "x-tenant: a", "http://localhost:8080/hello")
    assert [one["type"] for one in data["filters"]] == ["RequestHeaderModifier", "URLRewrite"]
    assert (data["target"], data["host"]) == ("/hello", "hello.internal")


def test_the_odds_count_invalid_backends_too(config: str) -> None:
    data = told(config, "http://localhost:8080/hello?page=7")
    odds = [(one["backend"], one["percent"], bool(one["invalid"])) for one in data["backends"]]
    assert odds == [("default/hello:80", 75, False), ("default/missing:80", 25, True)]


def test_a_redirect_shows_its_location_and_no_backend(config: str) -> None:
    data = told(config, "http://localhost:8080/old?x=1")
    assert data["answer"] == {"status": 301, "location": "https://new.example.com/old?x=1"}
    assert data["backends"] == []


def test_where_nothing_matches_the_near_misses_say_why(config: str) -> None:
    data = told(config, "http://localhost:8080/helo")
    assert data["winner"] is None
    assert data["candidates"] == []
    nearest = data["near_misses"][0]
    assert (nearest["route"], nearest["failed"]) == ("default/hello", "path")
    assert nearest["detail"] == "path /helo does not begin with /hello"


def test_another_listener_is_never_asked(config: str) -> None:
    data = told(config, "-H", "Host: shop.example.com", "http://localhost:8080/hello")
    assert data["listener"] == "default/web/shop"
    assert data["near_misses"][0]["failed"] == "listener"


def test_the_only_port_is_taken_when_the_url_names_none(config: str) -> None:
    assert told(config, "http://localhost/hello")["port"] == 8080
    assert told(config, "localhost/hello")["winner"]["rule"] == 1


def test_a_port_on_which_nothing_listens_is_told_with_those_that_are(config: str) -> None:
    data = told(config, "http://localhost:81/hello")
    assert data["refused"] == "nothing listens on port 81; declared ports: 8080"
    assert "declared ports: 8080" in run(config, "http://localhost:81/hello").stdout


def test_a_request_the_gateway_refuses_is_told(config: str) -> None:
    assert told(config, "http://localhost:8080/hello/%2e%2e/admin")["refused"].startswith("400: ")
    assert told(config, "-H", "host: a b", "http://localhost:8080/")["refused"].startswith("400: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://localhost/"], "the scheme must be http or https"),
        (["http://localhost:99999/"], "the port must be a number from 1 to 65535"),
        (["-H", "no colon", "http://localhost/"], "is not of the form 'name: value'"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_usage_error(config: str, arguments: list[str], said: str) -> None:
    result = run(config, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_url_alone_is_a_usage_error() -> None:
    result = run("http://localhost/")
    assert result.exit_code == 2
    assert "needs a SOURCE and a URL" in result.stderr


def test_the_text_reads_from_request_to_endpoints(config: str) -> None:
    result = run(config, "-X", "POST", "-H", "x-tenant: a", "http://localhost:8080/hello?page=1")
    told = [line.strip() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert told[:3] == [
        "POST http://localhost:8080/hello?page=1",
        "port 8080, listener default/web/http",
        "default/hello rule 0 (tenants) match 0 [* POST PathPrefix /hello x-tenant=a] answers",
    ]
    ordered = [
        "filters, in order",
        "1. RequestHeaderModifier (set x-from: gateway)",
        "header x-from: (none) -> gateway",
        "2. URLRewrite (hostname hello.internal)",
        "host: localhost:8080 -> hello.internal",
        "forwards",
        "POST /hello?page=1 HTTP/1.1",
        "host: hello.internal",
        "via: 1.1 penstock-*",
        "backends",
        "75 %  to default/hello:80: an endpoint answers",
        "127.0.0.1:9001, 127.0.0.2:9001; the endpoint with the fewest requests in flight, equals in turn",
        "25 %  to default/missing:80: 500 (NB BackendNotFound), there is no Service default/missing",
        "what the client gets",
        "75 %  an endpoint answers",
        "25 %  500 (NB BackendNotFound), there is no Service default/missing",
        "policies",
        "retry            none; sent again only when nothing of it can have been processed (default)",
        "candidates, in order of precedence",
        "1. default/hello rule 0 (tenants) match 0 [* POST PathPrefix /hello x-tenant=a]; before the next by method",
        "3. default/hello rule 1 match 0 [* PathPrefix /hello]",
    ]
    assert [line for line in told if line in ordered] == ordered


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://localhost:8080/old", "answered here with 301, Location: https://new.example.com/old"),
        ("http://localhost:8080/nothing", "no backend: 500"),
        ("http://localhost:8080/helo", "no rule answers: 404"),
        ("http://localhost:8080/hello", "1. RequestHeaderModifier (add x-backend: b)"),
        ("http://localhost:8080/%zz", "refused before any rule is asked: 400: "),
    ],
)
def test_every_outcome_has_its_line(config: str, url: str, said: str) -> None:
    assert said in run(config, url).stdout


def test_what_was_refused_on_loading_is_told_apart(config: str) -> None:
    result = run(config, "http://localhost:8080/hello")
    assert "default/missing" in result.stderr
    assert "error[" not in result.stdout


def test_the_command_asks_the_matcher_that_serves(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from proxy.downstream import dataplane
    from proxy.routing import explain
    from proxy.routing.table import ListenerTable

    for name in ("HostTable", "ListenerTable", "PortTable"):
        assert getattr(explain, name) is getattr(dataplane, name)
    asked = []
    match = ListenerTable.match

    def noted(self: ListenerTable[Any], *request: Any) -> Any:
        asked.append(request[:3])
        return match(self, *request)

    monkeypatch.setattr(ListenerTable, "match", noted)
    run(config, "http://localhost:8080/hello")
    assert asked == [(b"localhost", b"/hello", b"GET")]


def test_options_of_run_change_the_answer(config: str) -> None:
    url = "http://localhost:8080/hello?page=1"
    trusted = told(config, "--trusted-proxies", "127.0.0.0/8", "-H", "X-Forwarded-For: 192.0.2.1", url)
    assert trusted["client"] == "192.0.2.1"
    assert told(config, "-H", "X-Forwarded-For: 192.0.2.1", url)["client"] == "127.0.0.1"
    assert told(config, "--map-port", "8080=80", "http://localhost:80/hello")["note"] == "bound to port 80"
    assert told(config, "--only-gateway", "default/other", url)["refused"].startswith("nothing listens")


def test_the_client_is_where_the_connection_comes_from(config: str) -> None:
    data = told(config, "--client", "2001:db8::7", "http://localhost:8080/hello")
    assert data["client"] == "2001:db8::7"
    assert ["x-forwarded-for", "2001:db8::7"] in data["forwards"]["headers"]
    result = run(config, "--client", "nobody", "http://localhost:8080/hello")
    assert (result.exit_code, "'nobody' is not an IP address" in result.stderr) == (2, True)


TWO = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: NAME}
spec:
  gatewayClassName: penstock
  addresses: [{value: ADDRESS}]
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME}
spec: {parentRefs: [{name: NAME}]}
---
"""


def test_of_several_addresses_one_can_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    gateways = (("one", "127.0.0.1"), ("two", "127.0.0.2"))
    path.write_text("".join(TWO.replace("NAME", name).replace("ADDRESS", at) for name, at in gateways))
    assert told(str(path), "http://a/")["winner"]["route"] == "default/one"
    data = told(str(path), "--to", "127.0.0.2", "http://a/")
    assert (data["winner"]["route"], data["address"]) == ("default/two", "127.0.0.2")
    assert [(one["address"], one["gateways"]) for one in data["addresses"]] == [
        ("127.0.0.1", ["default/one"]),
        ("127.0.0.2", ["default/two"]),
    ]
    nowhere = told(str(path), "--to", "127.0.0.3", "http://a/")
    assert nowhere["refused"].startswith("nothing listens on port 80 of address 127.0.0.3")
    shown = run(str(path), "--to", "127.0.0.2", "http://a/").stdout
    assert "at address 127.0.0.2 (there are 127.0.0.1 of default/one" in shown


def test_a_pipe_gets_no_colours_and_no_line_is_too_wide(config: str) -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["explain", config, "http://localhost:8080/hello?page=1"])
    assert "\x1b" not in result.stdout
    wide = [line for line in result.stdout.splitlines() if len(line) > 80]
    assert [line for line in wide if len(line.split()) > 2] == []


def test_a_terminal_gets_colours_and_nothing_that_a_name_smuggles_in(config: str) -> None:
    coloured = CliRunner().invoke(main, ["explain", config, "http://localhost:8080/hello"], color=True)
    assert "\x1b[32m" in coloured.stdout
    page = Page(80)
    page.line(0, "a\x1b[31mred\x07")
    assert page.lines() == ["a\\x1b[31mred\\x07"]


def test_no_color_is_respected(config: str) -> None:
    plain = CliRunner(env={"NO_COLOR": "1"}).invoke(
        main, ["explain", config, "http://localhost:8080/hello"], color=True
    )
    assert "\x1b" not in plain.stdout


def test_a_name_is_shown_as_it_is_and_looked_up_by_nobody() -> None:
    config = str(Path(__file__).parents[2] / "config" / "external-name.yaml")
    assert "www.example.com:443 (looked up as it runs)" in run(config, "--allow-external-name", "http://h:8080/").stdout
    refused = run(config, "http://h:8080/")
    assert "InvalidKind" in refused.stdout
    assert "--allow-external-name" in refused.stderr


def test_what_a_name_leads_to_is_shown_where_that_is_known() -> None:
    def words(**found: Any) -> str:
        return _name({"name": "a.test:80", "resolved": found})

    assert words(state="fresh", addresses=["192.0.2.1", "::1"], reason="") == "a.test:80 -> 192.0.2.1, ::1"
    assert words(state="stale", addresses=["192.0.2.1"], reason="dns_timeout") == "a.test:80 -> 192.0.2.1 (stale)"
    assert words(state="failed", addresses=[], reason="name_not_found") == "a.test:80 -> name_not_found (failed)"
    assert words(state="pending", addresses=[], reason="") == "a.test:80 -> nothing yet (pending)"


@pytest.mark.parametrize("asked", [["explain", "gone.yaml", "http://a/"], ["routes", "gone.yaml"]])
def test_where_no_object_can_be_read_there_is_nothing_to_ask(asked: list[str]) -> None:
    done = CliRunner().invoke(main, asked)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "gone.yaml: error: cannot be read: no such file or directory" in done.stderr
    assert "no object could be read, so there is nothing to ask" in done.stderr
