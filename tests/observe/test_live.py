"""Which labels stand for something that exists."""

import pytest

from proxy.observe.live import LiveObjects, count_rules, endpoint_label, live_objects
from proxy.observe.metrics import METRICS
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.route import BackendRef, HostBucket, Rule
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Snapshot, Upstream

RULES = (
    Rule(route="ns/r", index=0, backends=(BackendRef("ns/app:80", upstream="ns/app:80"),)),
    Rule(route="ns/r", index=1, name="named", backends=(BackendRef("ns/gone:80", invalid="BackendNotFound"),)),
)
SNAPSHOT = Snapshot(
    generation=1,
    binds=(Bind("", 8080, ("ns/gw/http",)),),
    listeners={
        "ns/gw/http": Listener("ns/gw", "http", "HTTP", b"", 80),
        "ns/gw/tcp": Listener("ns/gw", "tcp", "TCP", b"", 5432),
    },
    buckets={("ns/gw/http", b""): HostBucket(b"", RULES, ()), ("ns/gw/http", b"a"): HostBucket(b"a", RULES, ())},
    upstreams={"ns/app:80": Upstream("ns/app:80", (Endpoint("::1", 81), Endpoint("10.0.0.1", 80)))},
    l4={"ns/gw/tcp": (L4Route("ns/db", "TCPRoute", backends=(BackendRef("ns/db:5432", upstream="tcp://ns/db:5432"),)),)},
)  # fmt: skip


@pytest.mark.parametrize(
    ("detail", "name", "labels", "lives"),
    [
        ("rule", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/r", "0"), True),
        ("rule", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/r", "named"), True),
        ("rule", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/r", "1"), False),
        ("rule", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/r", ""), False),
        ("rule", "penstock_http_request_duration_seconds", ("ns/gw", "http", "", ""), True),
        ("rule", "penstock_http_request_duration_seconds", ("ns/gw", "other", "ns/r", "0"), False),
        ("rule", "penstock_http_request_duration_seconds", ("ns/other", "http", "ns/r", "0"), False),
        ("route", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/r", ""), True),
        ("route", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/r", "0"), False),
        ("route", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/x", ""), False),
        ("listener", "penstock_http_request_duration_seconds", ("ns/gw", "http", "", ""), True),
        ("listener", "penstock_http_request_duration_seconds", ("ns/gw", "http", "ns/r", ""), False),
        ("rule", "penstock_l4_connections_total", ("ns/gw", "tcp", "ns/db", "ns/db:5432", "ok"), True),
        ("route", "penstock_l4_connections_total", ("ns/gw", "tcp", "ns/db", "ns/db:5432", "ok"), True),
        ("listener", "penstock_l4_bytes_total", ("ns/gw", "tcp", "ns/db", "ns/db:5432", "in"), True),
        ("rule", "penstock_l4_connections_total", ("ns/gw", "tcp", "", "", "no_route"), True),
        ("rule", "penstock_l4_connections_total", ("ns/gw", "tcp", "ns/gone", "ns/db:5432", "ok"), False),
        ("rule", "penstock_l4_connections_total", ("ns/gw", "tcp", "ns/db", "ns/gone:5432", "ok"), False),
        ("rule", "penstock_no_route_total", ("ns/gw/http", "path"), True),
        ("rule", "penstock_upstream_retries_total", ("ns/app:80", "connect"), True),
        ("rule", "penstock_upstream_retries_total", ("ns/gone:80", "connect"), True),
        ("rule", "penstock_upstream_retries_total", ("ns/never:80", "connect"), False),
        ("rule", "penstock_endpoint_up", ("ns/app:80", "[::1]:81"), True),
        ("rule", "penstock_endpoint_up", ("ns/app:80", "10.0.0.1:80"), True),
        ("rule", "penstock_endpoint_up", ("ns/app:80", "10.0.0.2:80"), False),
        ("rule", "penstock_config_reloads_total", ("success",), True),
    ],
)
def test_labels_that_name_what_exists(detail, name: str, labels: tuple[str, ...], lives: bool) -> None:
    live: LiveObjects = live_objects(SNAPSHOT, detail)
    assert live.includes(METRICS[name].labels, labels) is lives


def test_a_rule_under_two_hostnames_counts_once() -> None:
    assert count_rules(SNAPSHOT) == 3  # with that of the TCPRoute


def test_ipv6_endpoints_stand_in_brackets() -> None:
    assert endpoint_label(Endpoint("::1", 80)) == "[::1]:80"
    assert endpoint_label(Endpoint("10.0.0.1", 80)) == "10.0.0.1:80"
