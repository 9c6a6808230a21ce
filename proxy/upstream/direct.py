"""Endpoints of connections and flows that are passed on as they are: nothing is pooled, since nothing is used twice."""

from collections.abc import Callable

from proxy.observe.metrics import WorkerMetrics
from proxy.upstream.contexts import CLEAR, Secured, SecuredKey
from proxy.upstream.endpoint import LiveEndpoint


class DirectEndpoint(LiveEndpoint):
    """One endpoint, and how many connections or flows lead there. It outlives every reload that keeps it."""

    __slots__ = ("_slot", "_values")

    def __init__(
        self,
        address: tuple[str, int],
        metrics: WorkerMetrics,
        backend: str,
        on_failure: Callable[[str], None],
        secured: Secured | None = None,
        identity: SecuredKey = CLEAR,
    ) -> None:
        """`backend` is the label under which they are counted: the first to use the endpoint."""
        super().__init__(address, on_failure, secured, identity)
        self._values = metrics.values
        self._slot = metrics.gauge("penstock_upstream_connections", (backend, "active"))

    @property
    def connections(self) -> int:
        return self.active

    def taken(self) -> None:
        """One more leads there."""
        self.active += 1
        self._values[self._slot] += 1.0

    def left(self) -> None:
        self.active -= 1
        self._values[self._slot] -= 1.0

    def retire(self) -> None:
        """Connections go on: they were given to it, and only they know when they are over."""
        self.retired = True

    def revive(self) -> None:
        self.retired = False
