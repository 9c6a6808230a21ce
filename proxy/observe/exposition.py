"""/metrics: the series of all processes, summed and written as Prometheus text or OpenMetrics.

It runs in the control process and reads the shared arrays of the workers, so that a scrape costs the
data plane nothing. What a dead worker had counted stays in the sums; its gauges go with it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, cast

import msgspec

from proxy.observe.catalog import METRICS, Metric
from proxy.observe.live import LiveObjects
from proxy.observe.metrics import HEADER, Detail

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

LINGER = 600.0
"""Seconds that a series stays after the route, endpoint or listener it is about has gone."""

_record = msgspec.json.Decoder(tuple[int, str, tuple[str, ...]])


class Process(Protocol):
    """Whose series are read: an `observe.metrics.WorkerMetrics`, or the reading side of one."""

    @property
    def values(self) -> "memoryview[float]": ...

    @property
    def log(self) -> memoryview: ...


class Series:
    """One series over all processes."""

    __slots__ = ("gone_since", "labels", "metric", "retained", "slots", "text")

    def __init__(self, metric: Metric, labels: tuple[str, ...]) -> None:
        self.metric = metric
        self.labels = labels
        self.text = label_text(metric.labels, labels)
        """`name="value",…`, escaped once."""
        self.slots: dict[str, int] = {}
        """Process to its first slot."""
        self.retained: list[float] | None = None
        """What processes that ended had counted."""
        self.gone_since: float | None = None
        """When the object it is about went, on the injected clock."""


class Reader:
    """How far one process's register of series has been read."""

    __slots__ = ("offset", "process")

    def __init__(self, process: Process) -> None:
        self.process = process
        self.offset = HEADER

    def new_records(self) -> list[tuple[int, str, tuple[str, ...]]]:
        log = self.process.log
        end = int.from_bytes(log[:HEADER], "little") or HEADER
        lines = bytes(log[self.offset : end]).splitlines()
        self.offset = end
        return [_record.decode(line) for line in lines]


class Exposition:
    """All series. `now` returns seconds on a clock that never goes back."""

    def __init__(self, now: Callable[[], float], extra: Callable[[bool], bytes] | None = None) -> None:
        """`extra(openmetrics)` adds families of others and, in OpenMetrics, the final `# EOF`."""
        self._now = now
        self._extra = extra
        self._readers: dict[str, Reader] = {}
        self._families: dict[str, dict[tuple[str, ...], Series]] = {name: {} for name in METRICS}
        self._live: LiveObjects | None = None

    def add(self, key: str, process: Process) -> None:
        """Reads this process's series from now on."""
        self._readers[key] = Reader(process)

    def retire(self, key: str) -> None:
        """The process has ended: its counts stay, its gauges go, its memory is no longer read."""
        self._read(key)
        reader = self._readers.pop(key)
        for series in self._all():
            slot = series.slots.pop(key, None)
            if slot is not None and series.metric.type != "gauge":
                held = _held(reader.process, slot, series.metric)
                series.retained = _added(series.retained, held)

    def set_live(self, live: LiveObjects) -> None:
        """Says which objects exist now. Series of others are shown for LINGER seconds more."""
        self._live = live
        for key in self._readers:
            self._read(key)
        for series in self._all():
            self._mark(series)

    def render(self, openmetrics: bool = False) -> bytes:
        """The whole page."""
        for key in self._readers:
            self._read(key)
        lines = [line for name in METRICS for line in self._family(name, openmetrics)]
        extra = self._extra(openmetrics) if self._extra else b"# EOF\n" if openmetrics else b""
        return "".join(lines).encode() + extra

    def _all(self) -> Iterator[Series]:
        for family in self._families.values():
            yield from family.values()

    def _read(self, key: str) -> None:
        for slot, name, labels in self._readers[key].new_records():
            series = self._families[name].get(labels)
            if series is None:
                series = self._families[name][labels] = Series(METRICS[name], labels)
                self._mark(series)
            series.slots[key] = slot

    def _mark(self, series: Series) -> None:
        if self._live is None or self._live.includes(series.metric.labels, series.labels):
            series.gone_since = None
        elif series.gone_since is None:
            series.gone_since = self._now()

    def _family(self, name: str, openmetrics: bool) -> Iterator[str]:
        metric = METRICS[name]
        shown = [s for s in self._families[name].values() if not self._is_hidden(s)]
        shown = [s for s in shown if s.slots or s.retained]
        if not shown:
            return
        family = name.removesuffix("_total") if openmetrics else name
        yield f"# HELP {family} {metric.help}\n# TYPE {family} {metric.type}\n"
        write = _write_histogram if metric.type == "histogram" else _write_scalar
        for series in shown:
            yield write(name, series, self._values(series))

    def _is_hidden(self, series: Series) -> bool:
        if series.gone_since is None or self._now() - series.gone_since < LINGER:
            return False
        series.retained = None
        return True

    def _values(self, series: Series) -> list[float]:
        """One value per slot: summed, or the smallest where the catalogue says so."""
        metric = series.metric
        parts = [_held(self._readers[key].process, slot, metric) for key, slot in series.slots.items()]
        if metric.aggregate == "min":
            return [min(part[0] for part in parts)]
        if series.retained is not None:
            parts.append(series.retained)
        return parts[0] if len(parts) == 1 else [sum(column) for column in zip(*parts, strict=True)]


def _held(process: Process, slot: int, metric: Metric) -> list[float]:
    return cast("list[float]", process.values[slot : slot + metric.size].tolist())


def _added(one: list[float] | None, other: list[float]) -> list[float]:
    return other if one is None else [a + b for a, b in zip(one, other, strict=True)]


def label_text(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Labels in exposition format, without the braces."""
    return ",".join(f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True))


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _write_scalar(name: str, series: Series, values: list[float]) -> str:
    labels = f"{{{series.text}}}" if series.text else ""
    return f"{name}{labels} {_number(values[0])}\n"


def _write_histogram(name: str, series: Series, values: list[float]) -> str:
    """Buckets are counted apart and cumulated here, so that their sum is the count by construction."""
    comma = f"{series.text}," if series.text else ""
    head = f"{name}_bucket{{{comma}"
    lines = []
    count = 0
    for bound, value in zip(_bounds(series.metric), values, strict=False):
        count += int(value)
        lines.append(f"{head}{bound} {count}\n")
    labels = f"{{{series.text}}}" if series.text else ""
    lines.append(f"{name}_count{labels} {count}\n{name}_sum{labels} {values[-1]!r}\n")
    return "".join(lines)


_BOUNDS: Mapping[tuple[float, ...], tuple[str, ...]] = {
    metric.buckets: (*(f'le="{bound!r}"}}' for bound in metric.buckets), 'le="+Inf"}') for metric in METRICS.values()
}


def _bounds(metric: Metric) -> tuple[str, ...]:
    return _BOUNDS[metric.buckets]


def choose_detail(asked: Detail | None, rules: int) -> Detail:
    """--metrics-detail, or by default rule up to 2,000 rules, then route."""
    return asked or ("rule" if rules <= 2000 else "route")
