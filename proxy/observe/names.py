"""Metrics about DNS names of backends, counted by the control process itself."""

from collections.abc import Mapping

from proxy.observe.metrics import WorkerMetrics


class NameMetrics:
    """Implements names.table.Meter. Labels are results and states, never names."""

    def __init__(self) -> None:
        self.series = WorkerMetrics.in_memory(slots=256)
        self._duration = self.series.histogram("penstock_dns_lookup_duration_seconds")

    def looked_up(self, result: str, seconds: float) -> None:
        self.series.values[self.series.counter("penstock_dns_lookups_total", (result,))] += 1.0
        self._duration.observe(seconds)

    def refused(self, addresses: int) -> None:
        self.series.values[self.series.counter("penstock_dns_forbidden_addresses_total")] += float(addresses)

    def states(self, counts: Mapping[str, int]) -> None:
        for state, count in counts.items():
            self.series.values[self.series.gauge("penstock_dns_names", (state,))] = float(count)
