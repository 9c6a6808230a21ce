"""Metrics about what the controller tells the cluster, counted by the control process itself."""

from typing import Literal

from proxy.observe.metrics import WorkerMetrics

StatusResult = Literal["written", "unchanged", "outdated", "conflict", "gone", "rejected", "forbidden", "failed"]
EventResult = Literal["sent", "repeated", "dropped", "forbidden", "failed"]


class ControllerMetrics:
    """Series of the controller."""

    def __init__(self) -> None:
        self.series = WorkerMetrics.in_memory(slots=1024)
        self.pending(0)
        self.leading(False)

    def status(self, kind: str, result: StatusResult) -> None:
        """One comparison of an object's status with what is meant, and what came of it."""
        self._count("penstock_status_updates_total", (kind, result))

    def pending(self, objects: int) -> None:
        self._set("penstock_status_pending", float(objects))

    def leading(self, leading: bool) -> None:
        self._set("penstock_leader", float(leading))

    def event(self, result: EventResult) -> None:
        self._count("penstock_events_total", (result,))

    def infrastructure(self, kind: str, result: str) -> None:
        """One object made for a Gateway, and what came of it."""
        self._count("penstock_infrastructure_updates_total", (kind, result))

    def _set(self, name: str, value: float) -> None:
        self.series.values[self.series.gauge(name)] = value

    def _count(self, name: str, labels: tuple[str, ...]) -> None:
        self.series.values[self.series.counter(name, labels)] += 1.0
