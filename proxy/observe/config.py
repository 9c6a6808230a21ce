"""Metrics about the configuration and the processes, counted by the control process itself."""

import platform
from collections.abc import Mapping
from typing import Literal

from proxy import __version__
from proxy.observe.metrics import WorkerMetrics

Result = Literal["success", "refused_objects", "failure"]
"""Everything is live; what is sound is live; nothing of it is live."""


class ConfigMetrics:
    """Series of the control process."""

    def __init__(self, loop_name: str) -> None:
        self.series = WorkerMetrics.in_memory(slots=8192)
        self._objects: set[tuple[str, str]] = set()
        self._certificates: set[tuple[str, str]] = set()
        build = (__version__, platform.python_version(), loop_name, "false")
        self.set("penstock_build_info", build, 1.0)
        for name in ("worker_restarts", "config_rules_compiled", "config_rules_shipped"):
            self.count(f"penstock_{name}_total", by=0.0)

    def loaded(self, durations: Mapping[str, float]) -> None:
        """Seconds per stage."""
        for stage, seconds in durations.items():
            self.series.histogram("penstock_config_reload_duration_seconds", (stage,)).observe(seconds)

    def reloaded(self, result: Result, now: float) -> None:
        """A configuration was read and, unless `failure`, installed. `now` in seconds since the epoch."""
        self.count("penstock_config_reloads_total", (result,))
        self.set("penstock_config_last_reload_successful", (), float(result == "success"))
        if result == "success":
            self.set("penstock_config_last_reload_success_timestamp_seconds", (), now)

    def objects(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Number of objects by (kind, status). What is no longer there counts 0."""
        self._objects |= counts.keys()
        for labels in self._objects:
            self.set("penstock_config_objects", labels, float(counts.get(labels, 0)))

    def certificates(self, ends: Mapping[tuple[str, str], float]) -> None:
        """(listener, common name) to the end of its certificate. One that is no longer served goes to 0."""
        self._certificates |= ends.keys()
        for labels in self._certificates:
            self.set("penstock_tls_certificate_not_after_timestamp_seconds", labels, ends.get(labels, 0.0))

    def compiled(self, rules: int) -> None:
        """Translation had to compile so many rules anew."""
        self.count("penstock_config_rules_compiled_total", by=float(rules))

    def shipped(self, rules: int) -> None:
        """A difference held so many rules."""
        self.count("penstock_config_rules_shipped_total", by=float(rules))

    def acknowledged(self, worker: int, generation: int) -> None:
        self.set("penstock_config_generation", (str(worker),), float(generation))

    def restarted(self) -> None:
        self.count("penstock_worker_restarts_total")

    def set(self, name: str, labels: tuple[str, ...], value: float) -> None:
        """A gauge of the catalogue."""
        self.series.values[self.series.gauge(name, labels)] = value

    def count(self, name: str, labels: tuple[str, ...] = (), by: float = 1.0) -> None:
        """A counter of the catalogue."""
        self.series.values[self.series.counter(name, labels)] += by
