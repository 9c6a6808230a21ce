"""What is served, as data."""

import json

import pytest
from msgspec.structs import replace

from proxy.admin import dump
from proxy.admin.dashboard import page
from proxy.admin.view import NameState
from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.names import NameKey
from proxy.snapshot.snapshot import Endpoint, Upstream
from proxy.snapshot.upstream_tls import SubjectName, UpstreamTLS
from proxy.translate.graph.x509 import read_bundle
from tests.admin.view import PROBLEM, SNAPSHOT, FakeView
from tests.certificates import pair


def test_the_overview_counts_and_names_problems() -> None:
    view = FakeView()
    view.problems = [PROBLEM]
    told = dump.overview(view)
    assert told["counts"] == {"listeners": 1, "rules": 1, "backends": 1}
    assert (told["generation"], told["workers"]) == (3, {"0": 3, "1": 2})
    assert told["processes"]["0"] == {"pid": 100, "generation": 3, "uptime_seconds": 12.3}
    assert told["problems"] == [
        {
            "severity": "error",
            "message": "is <missing>",
            "kind": "HTTPRoute",
            "namespace": "ns",
            "name": "other",
            "field": "spec.rules",
            "hint": "add it",
            "file": "a.yaml",
            "line": 3,
        }
    ]


def test_listeners_say_where_they_are_bound_and_whether_that_worked() -> None:
    [listener] = dump.listeners(FakeView())
    assert (listener["listener"], listener["hostname"], listener["port"]) == ("ns/gw/http", "*.example.com", 80)
    assert listener["binds"] == [
        {"address": "*", "port": 8080, "transport": "TCP", "bound": True},
        {"address": "10.0.0.1", "port": 8081, "transport": "TCP", "bound": False},
    ]


def test_a_listener_that_checks_its_clients_says_how() -> None:
    view = FakeView()
    assert view.snapshot is not None
    asked = replace(view.snapshot.listeners["ns/gw/http"], clients=ClientValidation(("one", "two")))
    bundle = read_bundle(pair("ca").chain)
    bundles = {"one": bundle, "two": bundle, "other": bundle}
    view.snapshot = replace(view.snapshot, listeners={asked.key: asked}, bundles=bundles)
    [listener] = dump.listeners(view)
    assert listener["clients"] == {"mode": "AllowValidOnly", "ca_certificates": 2}


def test_headers_of_the_proxy_protocol_are_told_where_there_are_any() -> None:
    view = FakeView()
    asking, other = SNAPSHOT.binds
    told = Upstream("tcp://ns/db", (Endpoint("10.0.0.9", 5432),), "tcp", proxy_protocol="v2")
    binds = (replace(asking, proxy_headers="required"), other)
    view.snapshot = replace(SNAPSHOT, binds=binds, upstreams={told.key: told})
    [listener] = dump.listeners(view)
    assert [bind.get("proxy_headers") for bind in listener["binds"]] == ["required", None]
    assert [backend["proxy_protocol"] for backend in dump.backends(view)] == ["v2"]


def test_routes_backends_and_statuses() -> None:
    view = FakeView()
    assert dump.routes(view)[0]["hosts"][0]["entries"][0]["route"] == "ns/r"
    assert dump.backends(view) == [
        {"backend": "ns/app:80", "protocol": "http", "tls": False, "endpoints": ["10.0.0.9:8080"]}
    ]
    assert dump.status(view) == [{"kind": "Gateway", "namespace": "ns", "name": "gw", "status": {"listeners": []}}]


def test_a_backend_says_who_its_endpoints_must_be_and_why_they_are_not_spoken_to() -> None:
    tls = UpstreamTLS("app.internal", ("bundle",), (SubjectName("URI", "spiffe://a/b"),))
    secured = Upstream("ns/app:80", (Endpoint("10.0.0.9", 8080),), tls=tls.digest)
    refused = Upstream("ns/bad:80", invalid="backend_tls_invalid")
    view = FakeView()
    view.snapshot = replace(
        SNAPSHOT, upstreams={each.key: each for each in (secured, refused)}, upstream_tls={tls.digest: tls}
    )
    one, other = dump.backends(view)
    assert (one["tls"], one["server_name"], one["names"]) == (True, "app.internal", ["spiffe://a/b"])
    assert other == {
        "backend": "ns/bad:80", "protocol": "http", "tls": False, "invalid": "backend_tls_invalid", "endpoints": [],
    }  # fmt: skip


def test_a_backend_that_is_known_by_name_says_what_that_leads_to() -> None:
    view = FakeView()
    names = Endpoint("api.test", 443), Endpoint("new.test", 80)
    view.snapshot = replace(
        SNAPSHOT, upstreams={"ns/xbackend/api": Upstream("ns/xbackend/api", names=names, external=True)}
    )
    view.names = {
        NameKey("api.test", True): NameState(
            "stale", ("192.0.2.1",), -12.34, 72.34, "dns_timeout", "nobody answers", ("127.0.0.1 is loopback",)
        ),
        NameKey("api.test", False): NameState("fresh", ("192.0.2.2",), 1.0, 1.0),
        NameKey("new.test", True): NameState("pending"),
    }
    [told] = dump.backends(view)
    assert told["endpoints"] == []
    assert told["names"] == [
        {
            "name": "api.test:443",
            "resolved": {
                "state": "stale",
                "addresses": ["192.0.2.1"],
                "age_seconds": 72.3,
                "fresh_for_seconds": -12.3,
                "reason": "dns_timeout",
                "detail": "nobody answers",
                "forbidden": ["127.0.0.1 is loopback"],
            },
        },
        {
            "name": "new.test:80",
            "resolved": {"state": "pending", "addresses": [], "reason": "", "detail": "", "forbidden": []},
        },
    ]
    assert "api.test:443 (192.0.2.1), new.test:80 (pending)" in page(view)


def test_the_configuration_is_the_whole_snapshot() -> None:
    told = dump.config(FakeView())
    assert set(told) == {"generation", "binds", "listeners", "routes", "backends"}
    bind = {"address": "10.0.0.1", "port": 8081, "transport": "TCP", "bound": False}
    assert told["binds"][1] == bind | {"listeners": ("ns/gw/http",)}


@pytest.mark.parametrize("show", [dump.overview, dump.listeners, dump.routes, dump.backends, dump.config])
def test_before_the_first_configuration_everything_is_empty(show) -> None:
    view = FakeView()
    view.snapshot = None
    assert b"ns/" not in dump.encode(show(view))


def test_json_is_indented_for_people() -> None:
    assert dump.encode({"a": 1}) == b'{\n  "a": 1\n}\n'
    assert json.loads(dump.encode(dump.config(FakeView())))["generation"] == 3
