"""A backend come alive: the pools of its endpoints, and which of them is next."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import randrange
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

from proxy.observe.metrics import Histogram, WorkerMetrics
from proxy.protocol.proxy_protocol import Version
from proxy.snapshot.session import Seat
from proxy.upstream.budget import Budget
from proxy.upstream.contexts import CLEAR, SecuredKey
from proxy.upstream.endpoint import LiveEndpoint
from proxy.upstream.naming import Naming

_SCAN_ALL = 16
"""Up to this many endpoints all are compared; above, two at random (the power of two choices)."""

NOBODY: Mapping[Any, Seat] = MappingProxyType({})

E = TypeVar("E", bound=LiveEndpoint)
"""EndpointPool for HTTP, DirectEndpoint below it."""


class LiveUpstream(Generic[E]):
    """A backend's endpoints, as pools. The object stays while the key does; a reload replaces `pools`."""

    __slots__ = ("_next", "budget", "connect_failures", "duration", "identity", "installed", "invalid", "key",
                 "mirrored", "naming", "persisted", "pools", "proxy_protocol", "refused_retries", "retries",
                 "seated", "seats")  # fmt: skip

    def __init__(self, key: str, metrics: WorkerMetrics) -> None:
        self.key = key
        self.pools: tuple[E, ...] = ()
        self.installed = False
        """`pools` are those of a snapshot."""
        self.invalid = ""
        """Why there are no pools although there may be endpoints."""
        self.naming: Naming | None = None
        """Of an upstream that has DNS names."""
        self.proxy_protocol: Version | Literal[""] = ""
        """The header that connections begin with; "" for none."""
        self.identity: SecuredKey | None = CLEAR
        """How the endpoints are spoken to; None: not at all."""
        self.seats: Mapping[E, Seat] = NOBODY
        """What stands for each pool in tokens; empty where no rule persists sessions."""
        self.seated: Mapping[bytes, E] = {}
        """The other way round: by Seat.name."""
        self.budget: Budget | None = None
        """None: as many retries as rules want."""
        self._next = 0
        self.duration: Histogram = metrics.histogram("penstock_upstream_request_duration_seconds", (key,))
        self.retries: Callable[[str], None] = _counter(metrics, "penstock_upstream_retries_total", key)
        self.persisted = _counter(metrics, "penstock_session_persistence_total", key)
        self.refused_retries = _counter(metrics, "penstock_upstream_retries_refused_total", key)
        self.mirrored = _counter(metrics, "penstock_mirror_requests_total", key)
        self.connect_failures = _counter(metrics, "penstock_upstream_connect_failures_total", key)

    def seat(self, seats: Sequence[Seat]) -> None:
        """`seats`: of `pools`, in their order, or none. Addresses of one Pod share a seat: the first of them has it."""
        pairs = list(zip(self.pools, seats, strict=False))
        self.seats = dict(pairs) if pairs else NOBODY
        self.seated = {seat.name: pool for pool, seat in reversed(pairs)}

    def has_turned_from(self, pool: LiveEndpoint) -> bool:
        """Its endpoints are by now spoken to otherwise than those of a pool that it once had."""
        return pool.identity != self.identity

    def allows_retry(self, reason: str, now: float) -> bool:
        """Whether the budget has room for one more retry, which then is spent; a refusal is counted."""
        if self.budget is None or self.budget.spend(now):
            return True
        self.refused_retries(reason)
        return False

    def pick(self, tried: Iterable[E] = ()) -> E | None:
        """The endpoint with the fewest requests in flight, ties in turn; those `tried` only if no other is left."""
        pools = self.pools
        if len(pools) < 2:
            return pools[0] if pools else None
        if tried:
            pools = tuple(pool for pool in pools if pool not in tried) or pools
        count = len(pools)
        start = self._next = (self._next + 1) % count
        if count > _SCAN_ALL:
            one, other = pools[randrange(count)], pools[start]
            return one if one.active < other.active else other
        best = pools[start]
        least = best.active
        if least:
            for i in range(start + 1 - count, start):
                if pools[i].active < least:
                    best = pools[i]
                    least = best.active
        return best


def _counter(metrics: WorkerMetrics, name: str, backend: str) -> Callable[[str], None]:
    """Counts by reason or result; the series appears at its first use."""

    def count(reason: str) -> None:
        metrics.values[metrics.counter(name, (backend, reason))] += 1.0

    return count
