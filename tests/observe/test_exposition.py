"""The page that is scraped, read back by prometheus-client's parsers."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from proxy.observe.exposition import LINGER, Exposition, choose_detail
from proxy.observe.live import LiveObjects
from proxy.observe.metrics import BUCKETS, METRICS, WorkerMetrics

REQUESTS = "penstock_http_requests_total"
DURATION = "penstock_upstream_request_duration_seconds"
CONNECTIONS = "penstock_open_connections"
GET = ("ns/gw", "http", "ns/route", "0", "ns/app:80", "GET", "200")

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def samples(page: bytes, parse=parse_text) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(page.decode())
        for sample in family.samples
    }


def one(name: str, labels: tuple[str, ...], page: bytes) -> float | None:
    return samples(page).get((name, frozenset(zip(METRICS[name].labels, labels, strict=True))))


def count(metrics: WorkerMetrics, name: str, labels: tuple[str, ...], by: float = 1.0) -> None:
    metrics.values[metrics.counter(name, labels)] += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workers() -> tuple[WorkerMetrics, WorkerMetrics]:
    return WorkerMetrics.in_memory(4096), WorkerMetrics.in_memory(4096)


@pytest.fixture
def exposition(clock: Clock, workers) -> Iterator[Exposition]:
    exposition = Exposition(clock)
    for number, worker in enumerate(workers):
        exposition.add(f"worker-{number}", worker)
    yield exposition


def test_workers_are_summed_whatever_slots_they_use(exposition, workers) -> None:
    count(workers[0], REQUESTS, GET, 3)
    count(workers[1], "penstock_no_route_total", ("http", "path"))
    count(workers[1], REQUESTS, GET, 4)
    assert one(REQUESTS, GET, exposition.render()) == 7
    assert one("penstock_no_route_total", ("http", "path"), exposition.render()) == 1


def test_series_that_come_later_are_seen(exposition, workers) -> None:
    assert one(REQUESTS, GET, exposition.render()) is None
    count(workers[0], REQUESTS, GET)
    assert one(REQUESTS, GET, exposition.render()) == 1


@pytest.mark.parametrize(("openmetrics", "parse"), [(False, parse_text), (True, parse_openmetrics)])
def test_histograms_are_cumulative(exposition, workers, openmetrics, parse) -> None:
    for worker, seconds in zip(workers, (0.002, 3.0), strict=True):
        worker.histogram(DURATION, ("ns/app:80",)).observe(seconds)
    found = samples(exposition.render(openmetrics), parse)
    backend = ("backend", "ns/app:80")
    buckets = {
        float(dict(labels)["le"]): value for (name, labels), value in found.items() if name == f"{DURATION}_bucket"
    }
    assert buckets == {bound: 0 + (bound > 0.002) + (bound > 3.0) for bound in (*BUCKETS, math.inf)}
    assert found[f"{DURATION}_count", frozenset([backend])] == 2
    assert found[f"{DURATION}_sum", frozenset([backend])] == pytest.approx(3.002)


def test_unlabelled_histograms_parse(exposition, workers) -> None:
    workers[0].histogram("penstock_http_overhead_seconds").observe(0.0002)
    found = samples(exposition.render(True), parse_openmetrics)
    assert found["penstock_http_overhead_seconds_count", frozenset()] == 1
    assert found["penstock_http_overhead_seconds_bucket", frozenset([("le", "0.00025")])] == 1


@given(st.lists(st.text(max_size=8), min_size=7, max_size=7), st.floats(0, 1e12))
def test_any_label_and_number_survives(labels: list[str], value: float) -> None:
    worker = WorkerMetrics.in_memory(256)
    count(worker, REQUESTS, tuple(labels), value)
    exposition = Exposition(Clock())
    exposition.add("w", worker)
    assert one(REQUESTS, tuple(labels), exposition.render()) == value


def test_a_dead_worker_leaves_its_counts_and_takes_its_gauges(exposition, workers) -> None:
    for worker in workers:
        count(worker, REQUESTS, GET, 5)
        count(worker, CONNECTIONS, ("http", "http1"), 2)
        worker.histogram(DURATION, ("ns/app:80",)).observe(1.0)
    exposition.retire("worker-0")
    count(workers[1], REQUESTS, GET)
    page = exposition.render()
    assert one(REQUESTS, GET, page) == 11
    assert one(CONNECTIONS, ("http", "http1"), page) == 2
    assert samples(page)[f"{DURATION}_count", frozenset([("backend", "ns/app:80")])] == 2
    exposition.retire("worker-1")
    page = exposition.render()
    assert one(REQUESTS, GET, page) == 11
    assert one(CONNECTIONS, ("http", "http1"), page) is None


def test_what_a_worker_registered_just_before_it_died_is_kept(exposition, workers) -> None:
    count(workers[0], REQUESTS, GET)
    exposition.retire("worker-0")
    assert one(REQUESTS, GET, exposition.render()) == 1


def test_a_successor_adds_to_the_dead(exposition, workers) -> None:
    count(workers[0], REQUESTS, GET, 5)
    exposition.retire("worker-0")
    successor = WorkerMetrics.in_memory(4096)
    exposition.add("worker-0", successor)
    count(successor, REQUESTS, GET)
    assert one(REQUESTS, GET, exposition.render()) == 6


def test_an_endpoint_is_up_when_every_worker_says_so(exposition, workers) -> None:
    labels = ("ns/app:80", "10.0.0.1:80")
    for worker in workers:
        worker.values[worker.gauge("penstock_endpoint_up", labels)] = 1.0
    assert one("penstock_endpoint_up", labels, exposition.render()) == 1
    workers[1].values[workers[1].gauge("penstock_endpoint_up", labels)] = 0.0
    assert one("penstock_endpoint_up", labels, exposition.render()) == 0


def live(routes: set[str]) -> LiveObjects:
    return LiveObjects(
        detail="rule",
        listeners=frozenset({"http"}),
        gateways=frozenset({"ns/gw"}),
        routes=frozenset(routes),
        rules=frozenset((route, "0") for route in routes),
        backends=frozenset({"ns/app:80"}),
        endpoints=frozenset(),
    )


def test_a_series_goes_ten_minutes_after_its_route(exposition, workers, clock) -> None:
    count(workers[0], REQUESTS, GET)
    exposition.set_live(live({"ns/route"}))
    clock.now += 2 * LINGER
    assert one(REQUESTS, GET, exposition.render()) == 1
    exposition.set_live(live(set()))
    clock.now += LINGER - 1
    exposition.set_live(live(set()))
    assert one(REQUESTS, GET, exposition.render()) == 1
    clock.now += 1
    assert one(REQUESTS, GET, exposition.render()) is None
    assert REQUESTS.encode() not in exposition.render()


def test_a_route_that_comes_back_has_its_series_back(exposition, workers, clock) -> None:
    count(workers[0], REQUESTS, GET)
    exposition.set_live(live(set()))
    clock.now += LINGER
    assert one(REQUESTS, GET, exposition.render()) is None
    exposition.set_live(live({"ns/route"}))
    count(workers[0], REQUESTS, GET)
    assert one(REQUESTS, GET, exposition.render()) == 2


def test_a_late_request_on_a_gone_route_does_not_stay_for_ever(exposition, workers, clock) -> None:
    exposition.set_live(live(set()))
    count(workers[0], REQUESTS, GET)
    assert one(REQUESTS, GET, exposition.render()) == 1
    clock.now += LINGER
    assert one(REQUESTS, GET, exposition.render()) is None


def test_openmetrics_names_counters_without_total_and_ends(exposition, workers) -> None:
    count(workers[0], REQUESTS, GET)
    page = exposition.render(openmetrics=True)
    assert b"# TYPE penstock_http_requests counter\n" in page
    assert page.endswith(b"# EOF\n")
    assert not exposition.render().endswith(b"# EOF\n")


def test_families_of_others_come_last(workers) -> None:
    exposition = Exposition(Clock(), extra=lambda openmetrics: b"# EOF\n" if openmetrics else b"x 1\n")
    exposition.add("w", workers[0])
    assert exposition.render().endswith(b"x 1\n")
    assert exposition.render(True).endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("asked", "rules", "detail"),
    [(None, 2000, "rule"), (None, 2001, "route"), ("rule", 10**6, "rule"), ("listener", 1, "listener")],
)
def test_the_default_detail_depends_on_the_number_of_rules(asked, rules, detail) -> None:
    assert choose_detail(asked, rules) == detail
