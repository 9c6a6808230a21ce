"""Process and Python metrics: those of prometheus-client, with one `process` label for who it is."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

Processes = Callable[[], Mapping[str, int]]
"""Name ("control", "worker-0") to process id, of those that run now."""


class AllProcesses(Collector):
    """CPU, memory and descriptors of the control process and of every worker."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        merged: dict[str, Metric] = {}
        for name, pid in self._processes().items():
            for metric in _of_process(pid):
                family = merged.setdefault(
                    metric.name, Metric(metric.name, metric.documentation, metric.type, metric.unit)
                )
                for sample in metric.samples:
                    family.add_sample(sample.name, {**sample.labels, "process": name}, sample.value)
        yield from merged.values()


def _of_process(pid: int) -> list[Metric]:
    try:
        return list(ProcessCollector(pid=lambda: pid, registry=None).collect())
    except OSError:  # it ended while we looked
        return []


def process_metrics(processes: Processes) -> Callable[[bool], bytes]:
    """The `extra` of an `Exposition`."""
    registry = CollectorRegistry()
    registry.register(AllProcesses(processes))
    PlatformCollector(registry)
    GCCollector(registry)

    def render(openmetrics: bool) -> bytes:
        generate = generate_openmetrics if openmetrics else generate_latest
        return cast(bytes, generate(registry))

    return render
