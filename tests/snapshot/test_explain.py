"""One request told through a snapshot: which address is asked, what filters and backends do."""

import pytest
from msgspec.structs import replace

from proxy.snapshot.explain import explain_request
from proxy.snapshot.question import Asked
from proxy.snapshot.route import (
    BackendRef,
    DirectResponse,
    Entry,
    ExternalAuth,
    Fail,
    Filter,
    HostBucket,
    PathModifier,
    Redirect,
    Rewrite,
    RouteMatch,
    Rule,
)
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Snapshot, Upstream
from proxy.snapshot.upstream_tls import UpstreamTLS


def snapshot(*filters: Filter, backends: tuple[BackendRef, ...] = ()) -> Snapshot:
    """Port 80 on two addresses: 192.0.2.1 serves /one, 192.0.2.2 serves /two; port 81 on the second only."""
    listeners = {
        one.key: one
        for one in (
            Listener("ns/one", "http", "HTTP", b"", 80),
            Listener("ns/two", "http", "HTTP", b"", 80),
            Listener("ns/two", "other", "HTTP", b"", 81),
        )
    }
    buckets = {
        (key, b""): HostBucket(
            b"",
            (Rule("ns/" + path[1:], 0, filters=filters, backends=backends),),
            (Entry(RouteMatch(path.encode()), 0, 0),),
        )
        for key, path in (("ns/one/http", "/one"), ("ns/two/http", "/two"))
    }
    return Snapshot(
        generation=1,
        binds=(
            Bind("192.0.2.1", 8080, ("ns/one/http",)),
            Bind("192.0.2.2", 8080, ("ns/two/http",)),
            Bind("192.0.2.2", 8081, ("ns/two/other",)),
        ),
        listeners=listeners,
        buckets=buckets,
        upstreams={"ns/b:80": Upstream("ns/b:80", (Endpoint("2001:db8::1", 80), Endpoint("b.internal", 81)))},
    )


@pytest.mark.parametrize(("path", "listener"), [("/one", "ns/one/http"), ("/two", "ns/two/http")])
def test_every_address_that_has_the_port_is_asked(path: str, listener: str) -> None:
    told = explain_request(snapshot(), Asked("GET", f"http://a{path}"))
    assert (told["port"], told["listener"], told["winner"]["route"]) == (80, listener, "ns/" + path[1:])


def test_a_declared_port_with_no_routes_answers_nothing_and_the_port_that_would_is_named() -> None:
    told = explain_request(snapshot(), Asked("GET", "http://a:81/one"))
    assert (told["listener"], told["winner"]) == ("ns/two/other", None)
    (near,) = told["near_misses"]
    assert (near["failed"], near["listener"], near["hint"]) == ("port", "ns/one/http", "ask for http://a/one")


def test_the_declared_port_stands_in_a_location() -> None:
    spec = Redirect(path=PathModifier("full", b"/new"), port=8443)
    told = explain_request(snapshot(spec), Asked("GET", "http://a/one"))
    assert told["answer"] == {"status": 302, "location": "http://a:8443/new"}
    assert told["filters"] == [
        {
            "type": "RequestRedirect",
            "port": 8443,
            "path": {"type": "ReplaceFullPath", "replaceFullPath": "/new"},
            "statusCode": 302,
        }
    ]


def test_a_filter_that_cannot_be_built_answers_with_its_reason() -> None:
    told = explain_request(snapshot(Fail("unknown_extension")), Asked("GET", "http://a/one"))
    assert told["answer"] == {"status": 500, "location": None, "reason": "unknown_extension"}
    assert told["filters"] == [{"type": "Unresolved", "reason": "unknown_extension", "status": 500}]


def test_an_authorization_server_is_named_and_not_asked() -> None:
    spec = ExternalAuth("ns/auth:80", "ns/auth:80", b"/check", (b"cookie",), (b"x-user",), 100)
    told = explain_request(snapshot(spec, Redirect()), Asked("GET", "http://a/one"))
    assert told["filters"][0] == {
        "type": "ExternalAuth",
        "protocol": "HTTP",
        "backend": "ns/auth:80",
        "path": "/check",
        "allowedHeaders": ["cookie"],
        "allowedResponseHeaders": ["x-user"],
        "maxSize": 100,
        "if_not_200": "its answer is the client's",
    }
    assert told["answer"]["status"] == 302
    told = explain_request(snapshot(Redirect(), spec), Asked("GET", "http://a/one"))
    assert told["filters"][1]["reached"] is False and "if_not_200" not in told["filters"][1]


def test_a_direct_response_is_the_answer() -> None:
    spec = DirectResponse("ns/closed", 503, ((b"retry-after", b"60"),), b"closed")
    told = explain_request(snapshot(spec), Asked("GET", "http://a/one"))
    assert told["answer"] == {"status": 503, "location": None, "headers": [["retry-after", "60"]]}
    assert told["filters"] == [
        {
            "type": "ExtensionRef",
            "kind": "DirectResponse",
            "name": "ns/closed",
            "status": 503,
            "headers": [{"name": "retry-after", "value": "60"}],
        }
    ]


def test_endpoints_are_written_as_addresses() -> None:
    told = explain_request(snapshot(backends=(BackendRef("ns/b:80", 1, "ns/b:80"),)), Asked("GET", "http://a/one"))
    assert told["backends"][0]["endpoints"] == ["[2001:db8::1]:80", "b.internal:81"]


def test_how_a_backend_is_spoken_to() -> None:
    told = explain_request(snapshot(backends=(BackendRef("ns/b:80", 1, "ns/b:80"),)), Asked("GET", "http://a/one"))
    assert (told["backends"][0]["tls"], told["backends"][0]["invalid"]) == (None, None)
    tls, before = UpstreamTLS("b.example"), snapshot(backends=(BackendRef("ns/b:80", 1, "ns/b:80"),))
    for upstream, expected in (
        (Upstream("ns/b:80", (Endpoint("b", 80),), tls=tls.digest), ({"server_name": "b.example"}, None)),
        (Upstream("ns/b:80", (), invalid="backend_tls_invalid"), (None, "backend_tls_invalid")),
    ):
        new = replace(before, upstreams={upstream.key: upstream}, upstream_tls={tls.digest: tls})
        [backend] = explain_request(new, Asked("GET", "http://a/one"))["backends"]
        assert (backend["tls"], backend["invalid"]) == expected


@pytest.mark.parametrize(
    ("weights", "percents"), [((1, 1, 1), [33.33, 33.33, 33.33]), ((0, 5), [0, 100]), ((0, 0), [0, 0])]
)
def test_odds_are_shares_of_the_sum_of_weights(weights: tuple[int, ...], percents: list[float]) -> None:
    backends = tuple(BackendRef(f"ns/b{n}:80", weight) for n, weight in enumerate(weights))
    told = explain_request(snapshot(backends=backends), Asked("GET", "http://a/one"))
    assert [one["percent"] for one in told["backends"]] == percents


def test_the_filters_of_one_backend_do_not_show_in_the_next() -> None:
    rewrite = PathModifier("full", b"/rewritten")
    backends = (BackendRef("ns/a:80", filters=(Rewrite("inner", rewrite),)), BackendRef("ns/b:80"))
    told = explain_request(snapshot(backends=backends), Asked("GET", "http://a/one?q"))
    assert [(one["target"], one["host"]) for one in told["backends"]] == [("/rewritten?q", "inner"), ("/one?q", "a")]


def test_an_endpoint_that_speaks_http2_gets_its_head_in_that_form() -> None:
    there = snapshot(backends=(BackendRef("ns/b:80", 1, "ns/b:80"),))
    upstreams = {key: replace(upstream, protocol="h2") for key, upstream in there.upstreams.items()}
    told = explain_request(replace(there, upstreams=upstreams), Asked("GET", "http://a/one?q"))
    assert told["forwards"]["request_line"] == "GET /one?q HTTP/2"
    assert told["forwards"]["headers"][:3] == [
        [":scheme", "http"],
        [":authority", "a"],
        ["x-forwarded-for", "127.0.0.1"],
    ]
    assert told["backends"][0]["protocol"] == "h2"


def test_where_no_listener_takes_the_host_those_of_other_ports_that_do_are_named() -> None:
    there = snapshot()
    listeners = {**there.listeners, "ns/two/other": replace(there.listeners["ns/two/other"], hostname=b"b")}
    told = explain_request(replace(there, listeners=listeners), Asked("GET", "http://a:81/nothing"))
    (outcome,) = told["outcomes"]
    assert (outcome["status"], outcome["reason"]) == (404, "no_route_listener")
    assert "; listener ns/one/http does on port 80" in outcome["why"]


def test_each_share_is_told_with_what_it_gets() -> None:
    backends = (
        BackendRef("ns/b:80", 2, "ns/b:80"),
        BackendRef("ns/none:80", 1, invalid="BackendNotFound"),
        BackendRef("ns/elsewhere:80", 1, "ns/b:80", filters=(Redirect(hostname="c"),)),
    )
    told = explain_request(snapshot(backends=backends), Asked("GET", "http://a/one"))
    assert [(one["percent"], one["status"], one["reason"]) for one in told["outcomes"]] == [
        (50, None, ""),
        (25, 500, "BackendNotFound"),
        (25, 302, ""),
    ]
    assert told["backends"][2]["answer"] == {"status": 302, "location": "http://c/one"}


def test_a_filter_after_one_that_answers_is_not_reached() -> None:
    told = explain_request(snapshot(Redirect(hostname="c"), Rewrite("d")), Asked("GET", "http://a/one"))
    assert [one.get("reached") for one in told["filters"]] == [None, False]
