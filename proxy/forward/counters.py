"""Series that appear at their first use, bound so that counting costs one lookup."""

from proxy.observe.metrics import Histogram, WorkerMetrics, method_label


class RequestCounters:
    """`penstock_http_requests_total` of one (gateway, listener, route, rule, backend), by method and status."""

    __slots__ = ("_labels", "_metrics", "slots")

    def __init__(self, metrics: WorkerMetrics, labels: tuple[str, str, str, str, str]) -> None:
        self._metrics = metrics
        self._labels = labels
        self.slots: dict[tuple[bytes, int], int] = {}

    def count(self, method: bytes, status: int) -> None:
        self._metrics.values[self.slots.get((method, status)) or self.bind(method, status)] += 1.0

    def bind(self, method: bytes, status: int) -> int:
        label = method_label(method.decode("latin-1")) if method else "_OTHER"
        slot = self._metrics.counter("penstock_http_requests_total", (*self._labels, label, str(status)))
        if label != "_OTHER":
            self.slots[method, status] = slot
        return slot


class LazyHistogram:
    """A histogram whose series appears at its first observation: `(lazy.series or lazy.bind()).observe(seconds)`.

    It must not refer to itself (as a bound method would): there is one per rule, and a rule that goes has to be
    freed without the garbage collector, which does not look at configuration (gc.freeze in runtime.worker).
    """

    __slots__ = ("_labels", "_metrics", "_name", "series")

    def __init__(self, metrics: WorkerMetrics, name: str, labels: tuple[str, ...]) -> None:
        self._metrics = metrics
        self._name = name
        self._labels = labels
        self.series: Histogram | None = None

    def bind(self) -> Histogram:
        series = self.series = self._metrics.histogram(self._name, self._labels)
        return series
