"""What the controller counts."""

from proxy.observe.controller import ControllerMetrics


def test_what_has_not_happened_yet_is_shown_as_nothing() -> None:
    series = ControllerMetrics().series
    assert b"penstock_leader" in bytes(series.log)
    assert (series.value("penstock_leader"), series.value("penstock_status_pending")) == (0, 0)


def test_statuses_and_events_are_counted_by_what_came_of_them() -> None:
    metrics = ControllerMetrics()
    metrics.status("Gateway", "written")
    metrics.status("Gateway", "written")
    metrics.event("dropped")
    metrics.infrastructure("Service", "written")
    metrics.pending(7)
    metrics.leading(True)
    series = metrics.series
    assert series.value("penstock_status_updates_total", ("Gateway", "written")) == 2
    assert series.value("penstock_infrastructure_updates_total", ("Service", "written")) == 1
    assert series.value("penstock_events_total", ("dropped",)) == 1
    assert (series.value("penstock_status_pending"), series.value("penstock_leader")) == (7, 1)
