"""The table of metrics keeps to the conventions of Prometheus."""

import re

import pytest

from proxy.observe.catalog import METRICS, Metric


@pytest.mark.parametrize("name", METRICS)
def test_names_follow_the_conventions(name: str) -> None:
    metric = METRICS[name]
    assert re.fullmatch(r"penstock_[a-z0-9_]+", name)
    assert name.endswith("_total") == (metric.type == "counter")
    assert metric.type != "histogram" or name.endswith("_seconds")
    assert metric.help.endswith(".")
    assert '"' not in metric.help
    assert "\\" not in metric.help
    assert "le" not in metric.labels


def test_buckets_rise() -> None:
    for metric in METRICS.values():
        assert list(metric.buckets) == sorted(set(metric.buckets))


def test_a_histogram_has_a_slot_for_infinity_and_one_for_its_sum() -> None:
    assert Metric("histogram", "H.", buckets=(1.0, 2.0)).size == 4
    assert Metric("counter", "C.").size == 1
