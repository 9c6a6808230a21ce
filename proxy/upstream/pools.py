"""All pools of a worker, kept across reloads by identity, and the live upstreams that choose among them."""

import asyncio
from collections.abc import Callable, Iterable
from random import randrange
from weakref import WeakValueDictionary

from proxy.batch import WriteBatch
from proxy.observe.metrics import Histogram, WorkerMetrics
from proxy.snapshot.snapshot import Endpoint, Upstream
from proxy.upstream.balance import WeightedTurns
from proxy.upstream.pool import Pool, PoolSettings
from proxy.wheel import Wheel

_SCAN_ALL = 16
"""Up to this many endpoints all are compared; above, two at random (the power of two choices)."""

PoolKey = tuple[str, int, str]
"""(host, port, TLS identity)."""


class LiveUpstream:
    """A backend's endpoints, as pools. The object stays while the key does; a reload replaces `pools`."""

    __slots__ = ("_next", "connect_failures", "duration", "key", "mirrored", "pools", "retries")

    def __init__(self, key: str, metrics: WorkerMetrics) -> None:
        self.key = key
        self.pools: tuple[Pool, ...] = ()
        self._next = 0
        self.duration: Histogram = metrics.histogram("penstock_upstream_request_duration_seconds", (key,))
        self.retries: Callable[[str], None] = _counter(metrics, "penstock_upstream_retries_total", key)
        self.mirrored = _counter(metrics, "penstock_mirror_requests_total", key)
        self.connect_failures = _counter(metrics, "penstock_upstream_connect_failures_total", key)

    def pick(self, tried: Iterable[Pool] = ()) -> Pool | None:
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


class Registry:
    """What outlives a swap: pools by endpoint and TLS identity, upstreams by key, turns by rule identity."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wheel: Wheel,
        batch: WriteBatch,
        metrics: WorkerMetrics,
        settings: PoolSettings,
    ) -> None:
        self._loop = loop
        self._wheel = wheel
        self._batch = batch
        self._metrics = metrics
        self._settings = settings
        self._pools: dict[PoolKey, Pool] = {}
        self._upstreams: dict[str, LiveUpstream] = {}
        # Kept by the rules that use them: every shift of weights (a canary) makes another identity.
        self._turns: WeakValueDictionary[tuple[object, ...], WeightedTurns] = WeakValueDictionary()

    def upstream(self, key: str) -> LiveUpstream:
        """The live upstream of a key; new ones have no endpoints until `install`."""
        upstream = self._upstreams.get(key)
        if upstream is None:
            upstream = self._upstreams[key] = LiveUpstream(key, self._metrics)
        return upstream

    def turns(self, identity: tuple[object, ...], weights: list[int]) -> WeightedTurns:
        turns = self._turns.get(identity)
        if turns is None:
            turns = self._turns[identity] = WeightedTurns(weights)
        return turns

    def install(self, changed: dict[str, Upstream], dropped: Iterable[str]) -> None:
        """New endpoints take traffic at once, dropped ones get no new request and close when they are free."""
        for key, spec in changed.items():
            upstream = self.upstream(key)
            before = upstream.pools
            upstream.pools = tuple(self._pool(endpoint, spec, upstream) for endpoint in spec.endpoints)
            self._show(upstream, before)
        for key in dropped:
            gone = self._upstreams.pop(key, None)
            if gone is not None:
                before, gone.pools = gone.pools, ()
                self._show(gone, before)
        self._retire_unused()

    def _show(self, upstream: LiveUpstream, before: tuple[Pool, ...]) -> None:
        """`penstock_endpoint_up`: 1 for every endpoint that takes requests, 0 for those just gone."""
        for pools, up in ((before, 0.0), (upstream.pools, 1.0)):
            for pool in pools:
                slot = self._metrics.gauge("penstock_endpoint_up", (upstream.key, pool.label))
                self._metrics.values[slot] = up

    def _pool(self, endpoint: Endpoint, spec: Upstream, upstream: LiveUpstream) -> Pool:
        key = (endpoint.host, endpoint.port, spec.tls)
        pool = self._pools.get(key)
        if pool is None:
            address = (endpoint.host, endpoint.port)
            failed = upstream.connect_failures
            pool = Pool(
                self._loop, self._wheel, self._batch, address, self._settings, self._metrics, upstream.key, failed
            )
            self._pools[key] = pool
        pool.revive()
        return pool

    def _retire_unused(self) -> None:
        used = {pool for upstream in self._upstreams.values() for pool in upstream.pools}
        for key, pool in list(self._pools.items()):
            if pool not in used:
                pool.retire()
                if not pool.connections:
                    del self._pools[key]

    def close(self) -> None:
        for pool in self._pools.values():
            pool.retire()
