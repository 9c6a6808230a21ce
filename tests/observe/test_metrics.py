"""Series, slots and their register in shared memory."""

import os
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.metrics import (
    BUCKETS,
    HEADER,
    METRICS,
    NO_ROOM,
    WorkerMetrics,
    create_region,
    method_label,
)

REQUESTS = "penstock_http_requests_total"
DURATION = "penstock_upstream_request_duration_seconds"
LABELS = ("ns/gw", "http", "ns/route", "0", "ns/app:80", "GET", "200")


def register(metrics: WorkerMetrics) -> list[tuple[int, str, tuple[str, ...]]]:
    end = int.from_bytes(metrics.log[:HEADER], "little")
    decode = msgspec.json.Decoder(tuple[int, str, tuple[str, ...]]).decode
    return [decode(line) for line in bytes(metrics.log[HEADER:end]).splitlines()]


def test_one_series_has_one_slot() -> None:
    metrics = WorkerMetrics.in_memory()
    slot = metrics.counter(REQUESTS, LABELS)
    metrics.values[slot] += 1.0
    metrics.values[metrics.counter(REQUESTS, LABELS)] += 1.0
    assert metrics.value(REQUESTS, LABELS) == 2.0
    assert metrics.counter(REQUESTS, (*LABELS[:-1], "404")) != slot
    assert metrics.value(REQUESTS, (*LABELS[:-1], "500")) == 0.0


def test_gauges_go_up_and_down() -> None:
    metrics = WorkerMetrics.in_memory()
    slot = metrics.gauge("penstock_open_connections", ("http", "http1"))
    metrics.values[slot] += 2.0
    metrics.values[slot] -= 1.0
    assert metrics.value("penstock_open_connections", ("http", "http1")) == 1.0


@given(st.lists(st.floats(0, 20), max_size=50))
def test_every_observation_is_in_the_first_bucket_that_holds_it(seconds: list[float]) -> None:
    metrics = WorkerMetrics.in_memory(slots=128)
    histogram = metrics.histogram(DURATION, ("ns/app:80",))
    for each in seconds:
        histogram.observe(each)
    counts = metrics.values[histogram.base : histogram.total].tolist()
    assert counts == [sum(bisect_left(BUCKETS, each) == i for each in seconds) for i in range(len(BUCKETS) + 1)]
    assert metrics.values[histogram.total] == pytest.approx(sum(seconds))


def test_a_bound_belongs_to_its_bucket() -> None:
    """`le` is less or equal."""
    metrics = WorkerMetrics.in_memory()
    histogram = metrics.histogram(DURATION, ("ns/app:80",))
    histogram.observe(0.001)
    assert metrics.values[histogram.base] == 1.0


def test_series_do_not_overlap() -> None:
    metrics = WorkerMetrics.in_memory()
    one = metrics.histogram(DURATION, ("a",))
    two = metrics.histogram(DURATION, ("b",))
    after = metrics.counter(REQUESTS, LABELS)
    assert one.total < two.base
    assert two.total < after
    assert METRICS[DURATION].size == two.base - one.base


def test_the_register_names_every_slot() -> None:
    metrics = WorkerMetrics.in_memory()
    slot = metrics.counter(REQUESTS, LABELS)
    base = metrics.histogram("penstock_http_overhead_seconds").base
    assert register(metrics)[1:] == [
        (slot, REQUESTS, LABELS),
        (base, "penstock_http_overhead_seconds", ()),
    ]


def test_wrong_labels_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="has the labels"):
        WorkerMetrics.in_memory().counter(REQUESTS, ("only", "two"))


def test_without_room_series_are_counted_as_dropped_and_disturb_nobody() -> None:
    metrics = WorkerMetrics.in_memory(slots=40)
    first = metrics.counter("penstock_no_route_total", ("http", "path"))
    metrics.values[first] = 7.0
    histogram = metrics.histogram(DURATION, ("a",))
    histogram.observe(1.0)
    assert metrics.histogram(DURATION, ("b",)).base == NO_ROOM
    assert metrics.value("penstock_no_route_total", ("http", "path")) == 7.0
    assert metrics.value("penstock_metrics_series_dropped_total") == 1.0


def test_two_mappings_of_one_region_see_each_other() -> None:
    values, log = create_region("values", 4096), create_region("log", 4096)
    writer = WorkerMetrics.attach(values, log)
    slot = writer.counter(REQUESTS, LABELS)
    writer.values[slot] = 3.0
    assert os.pread(values, 8, slot * 8) == bytes(writer.values[slot : slot + 1])
    assert os.pread(log, 4096, HEADER).startswith(b"[")
    os.close(values)
    os.close(log)
    writer.values[slot] += 1.0  # the mapping outlives its descriptor
    assert writer.value(REQUESTS, LABELS) == 4.0


def test_series_may_be_registered_in_any_thread() -> None:
    metrics = WorkerMetrics.in_memory()
    names = [("http", f"reason-{number % 300}") for number in range(900)]
    with ThreadPoolExecutor(4) as pool:
        slots = list(pool.map(lambda labels: metrics.counter("penstock_no_route_total", labels), names))
    assert len(set(slots)) == 300
    assert slots[:300] == slots[300:600] == slots[600:]
    assert sorted(slot for slot, _, _ in register(metrics)[1:]) == sorted(set(slots))


@pytest.mark.parametrize(
    ("detail", "labels"),
    [
        ("rule", ("gw", "http", "route", "0")),
        ("route", ("gw", "http", "route", "")),
        ("listener", ("gw", "http", "", "")),
    ],
)
def test_detail_cuts_labels_where_they_are_bound(detail, labels) -> None:
    metrics = WorkerMetrics.in_memory(detail=detail)
    assert metrics.rule_labels("gw", "http", "route", "0") == labels


def test_unknown_methods_fold() -> None:
    assert [method_label(name) for name in ("GET", "PURGE", "get")] == ["GET", "_OTHER", "_OTHER"]
