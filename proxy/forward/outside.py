"""Outside: what the filters of one rule may have done for them (filters.base.Outside)."""

from collections.abc import Awaitable, Mapping

from proxy.filters.base import Answer
from proxy.forward.asking import ask
from proxy.forward.plane import Plane
from proxy.protocol.message import Request
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.live import LiveUpstream


class RuleOutside:
    """Reaches the upstreams that the rule's filters name, and no others. Knows nothing of the exchange."""

    __slots__ = ("_plane", "_upstreams")

    def __init__(self, plane: Plane, upstreams: Mapping[str, LiveUpstream[EndpointPool]]) -> None:
        self._plane = plane
        self._upstreams = upstreams

    def ask(self, upstream: str, request: Request, body: bytes, enough: int) -> Awaitable[Answer]:
        return ask(self._plane, self._upstreams[upstream], request, body, enough)

    def count(self, metric: str, labels: tuple[str, ...]) -> None:
        metrics = self._plane.metrics
        metrics.values[metrics.counter(metric, labels)] += 1.0
