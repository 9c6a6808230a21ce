"""What the control process counts about configuration."""

import pytest

from proxy import __version__
from proxy.observe.config import ConfigMetrics


@pytest.fixture
def metrics() -> ConfigMetrics:
    return ConfigMetrics("uvloop")


def test_what_runs_is_told(metrics: ConfigMetrics) -> None:
    assert __version__.encode() in bytes(metrics.series.log)


def test_a_reload_with_refused_objects_is_no_success(metrics: ConfigMetrics) -> None:
    value = metrics.series.value
    metrics.reloaded("success", 1000.0)
    metrics.reloaded("refused_objects", 2000.0)
    assert value("penstock_config_last_reload_successful") == 0
    assert value("penstock_config_last_reload_success_timestamp_seconds") == 1000
    metrics.reloaded("success", 3000.0)
    assert value("penstock_config_last_reload_successful") == 1
    assert value("penstock_config_last_reload_success_timestamp_seconds") == 3000
    metrics.reloaded("failure", 4000.0)
    assert value("penstock_config_last_reload_successful") == 0
    counts = [value("penstock_config_reloads_total", (result,)) for result in ("success", "refused_objects", "failure")]
    assert counts == [2, 1, 1]


def test_kinds_that_are_gone_count_nothing(metrics: ConfigMetrics) -> None:
    metrics.objects({("HTTPRoute", "accepted"): 3, ("HTTPRoute", "refused"): 1})
    metrics.objects({("HTTPRoute", "accepted"): 4})
    assert metrics.series.value("penstock_config_objects", ("HTTPRoute", "accepted")) == 4
    assert metrics.series.value("penstock_config_objects", ("HTTPRoute", "refused")) == 0


def test_durations_have_a_series_for_each_stage(metrics: ConfigMetrics) -> None:
    metrics.loaded({"load": 0.5, "translate": 0.25})
    for stage, seconds in (("load", 0.5), ("translate", 0.25)):
        histogram = metrics.series.histogram("penstock_config_reload_duration_seconds", (stage,))
        assert metrics.series.values[histogram.total] == seconds


def test_generations_and_restarts(metrics: ConfigMetrics) -> None:
    metrics.acknowledged(1, 7)
    metrics.restarted()
    assert metrics.series.value("penstock_config_generation", ("1",)) == 7
    assert metrics.series.value("penstock_worker_restarts_total") == 1
