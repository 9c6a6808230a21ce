"""All pools of a worker, kept across reloads by identity, and the live upstreams that choose among them."""

import asyncio
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from proxy.batch import WriteBatch
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.names import Resolved
from proxy.snapshot.session import RetryBudget
from proxy.snapshot.snapshot import Endpoint, Snapshot, Upstream
from proxy.upstream.balance import WeightedTurns
from proxy.upstream.budget import Budget
from proxy.upstream.contexts import ClientContexts, Secured, SecuredKey
from proxy.upstream.direct import DirectEndpoint
from proxy.upstream.endpoint import LiveEndpoint
from proxy.upstream.http2_pool import Http2Pool
from proxy.upstream.live import LiveUpstream
from proxy.upstream.naming import Addresses, Naming
from proxy.upstream.pool import Pool
from proxy.upstream.settings import PoolSettings
from proxy.wheel import Wheel

PoolKey = tuple[str, int, SecuredKey]
"""(host, port, how it is spoken to)."""
_NOTHING: Mapping[SecuredKey, Secured] = MappingProxyType({})

UpstreamKey = tuple[str, str]
"""Key of the Upstream, and of the certificate that the listener's Gateway shows ("" for none)."""


def certificates_shown(snapshot: Snapshot) -> set[str]:
    """Keys of the certificates that listeners show to endpoints."""
    return {listener.client_certificate for listener in snapshot.listeners.values() if listener.client_certificate}


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
        self._pools: dict[PoolKey, LiveEndpoint] = {}
        self._specs: dict[str, Upstream] = {}
        self._upstreams: dict[UpstreamKey, LiveUpstream[Any]] = {}
        self._contexts = ClientContexts()
        self._secured = _NOTHING
        self._addresses = Addresses()
        # Kept by the rules that use them: every shift of weights (a canary) makes another identity.
        self._turns: WeakValueDictionary[tuple[object, ...], WeightedTurns] = WeakValueDictionary()
        self._budgets: WeakValueDictionary[RetryBudget, Budget] = WeakValueDictionary()

    def upstream(self, key: str, certificate: str = "") -> LiveUpstream[Any]:
        """The live upstream of a key, for listeners whose Gateway shows `certificate`; a new one has no endpoints
        until `install`."""
        upstream = self._upstreams.get((key, certificate))
        if upstream is None:
            upstream = self._upstreams[key, certificate] = LiveUpstream(key, self._metrics)
        return upstream

    def turns(self, identity: tuple[object, ...], weights: list[int]) -> WeightedTurns:
        turns = self._turns.get(identity)
        if turns is None:
            turns = self._turns[identity] = WeightedTurns(weights)
        return turns

    def _budget(self, spec: RetryBudget | None) -> Budget | None:
        """The same while it is declared the same, for all upstreams that share it."""
        if spec is None:
            return None
        budget = self._budgets.get(spec)
        if budget is None:
            budget = self._budgets[spec] = Budget(spec)
        return budget

    # --- configuration -----------------------------------------------------------------------

    def secure(self, snapshot: Snapshot) -> Mapping[SecuredKey, Secured]:
        """All TLS that the upstreams asked for so far need with this snapshot. Slow: not for the event loop."""
        specs = snapshot.upstreams
        shown = {"", *certificates_shown(snapshot)}
        wanted = {
            SecuredKey(spec.tls, certificate, spec.protocol)
            for key, certificate in list(self._upstreams)
            if (spec := specs.get(key)) is not None and spec.tls and certificate in shown
        }
        return self._contexts.secure(wanted, snapshot)

    def install(
        self,
        changed: Mapping[str, Upstream],
        dropped: Iterable[str],
        secured: Mapping[SecuredKey, Secured] = _NOTHING,
        shown: Iterable[str] = (),
    ) -> None:
        """New endpoints take traffic at once, dropped ones get no new request and close when they are free.

        `secured`: as `secure` made it for this snapshot. `shown`: keys of the certificates that listeners show.
        """
        self._specs.update(changed)
        for key in dropped:
            self._specs.pop(key, None)
        self._secured = secured
        self._addresses.keep(frozenset(name for spec in self._specs.values() if spec.names for name in spec.name_keys))
        in_use = {"", *shown}
        before = {at: upstream.pools for at, upstream in self._upstreams.items()}
        for at, upstream in list(self._upstreams.items()):
            if at[0] not in self._specs or at[1] not in in_use:
                del self._upstreams[at]
                self._leave(upstream, self._specs.get(at[0]))
            elif at[0] in changed or not upstream.installed:
                self._install(upstream, self._specs[at[0]], at[1])
        self._show(before)
        self._retire_unused()

    def resolve(self, news: Iterable[Resolved]) -> None:
        """Names lead elsewhere now: their addresses come and go as other endpoints do."""
        told = self._addresses.learn(news)
        touched = {
            at: upstream
            for at, upstream in self._upstreams.items()
            if upstream.naming is not None and not told.isdisjoint(self._specs[at[0]].name_keys)
        }
        before = {at: upstream.pools for at, upstream in touched.items()}
        for at, upstream in touched.items():
            self._install(upstream, self._specs[at[0]], at[1])
        self._show(before)
        self._retire_unused()
        for upstream in touched.values():
            if upstream.naming is not None and not upstream.naming.pending:
                upstream.naming.release()

    def _install(self, upstream: LiveUpstream[Any], spec: Upstream, certificate: str) -> None:
        """What cannot be secured as it should be has no pools, so that nothing can be sent there."""
        at = SecuredKey(spec.tls, certificate if spec.tls else "", spec.protocol)
        secured = self._secured.get(at)
        upstream.installed = True
        upstream.invalid = spec.invalid or ("backend_tls_unusable" if spec.tls and secured is None else "")
        upstream.identity = None if upstream.invalid else at
        upstream.proxy_protocol = spec.proxy_protocol
        endpoints = self._endpoints(upstream, spec)
        upstream.pools = tuple(self._pool(endpoint, at, secured, upstream) for endpoint in endpoints)
        upstream.seat(self._addresses.seats(spec))
        upstream.budget = self._budget(spec.retry_budget)

    def _endpoints(self, upstream: LiveUpstream[Any], spec: Upstream) -> tuple[Endpoint, ...]:
        if not spec.names or upstream.invalid:
            self._unname(upstream)
            return () if upstream.invalid else spec.endpoints
        if upstream.naming is None:
            upstream.naming = Naming(self._wheel, spec.key, self._settings.connect_timeout, self._settings.max_waiting)
        self._addresses.tell(upstream.naming, spec)
        return self._addresses.endpoints(spec)

    def _unname(self, upstream: LiveUpstream[Any]) -> None:
        """It has no names any more, or is not to be spoken to: who waits for one has waited long enough."""
        naming, upstream.naming = upstream.naming, None
        if naming is not None:
            self._loop.call_soon(naming.release)

    def _leave(self, upstream: LiveUpstream[Any], spec: Upstream | None) -> None:
        """No rule leads there any more, by this certificate at least. What waits still goes there, unless the endpoints
        are now spoken to otherwise."""
        upstream.pools = ()
        self._unname(upstream)
        upstream.seat(())
        if spec is not None and upstream.identity is not None and (spec.invalid or spec.tls != upstream.identity[0]):
            upstream.identity = None

    def _show(self, before: Mapping[UpstreamKey, tuple[LiveEndpoint, ...]]) -> None:
        """`penstock_endpoint_up`: 1 for every endpoint that takes requests, 0 for those just gone.

        One endpoint can be that of several upstreams, so what is gone from one is said first.
        """
        touched = {at[0] for at, pools in before.items() if self._pools_of(at) is not pools}
        for (key, _), pools in before.items():
            if key in touched:
                self._say(key, pools, 0.0)
        for (key, _), upstream in self._upstreams.items():
            if key in touched:
                self._say(key, upstream.pools, 1.0)

    def _pools_of(self, at: UpstreamKey) -> tuple[LiveEndpoint, ...] | None:
        upstream = self._upstreams.get(at)
        return None if upstream is None else upstream.pools

    def _say(self, key: str, pools: Iterable[LiveEndpoint], up: float) -> None:
        for pool in pools:
            self._metrics.values[self._metrics.gauge("penstock_endpoint_up", (key, pool.label))] = up

    # --- pools -------------------------------------------------------------------------------

    def _pool(
        self, endpoint: Endpoint, at: SecuredKey, secured: Secured | None, upstream: LiveUpstream[Any]
    ) -> LiveEndpoint:
        key = (endpoint.host, endpoint.port, at)
        pool = self._pools.get(key)
        if pool is None:
            address = (endpoint.host, endpoint.port)
            failed = upstream.connect_failures
            if at.protocol in ("tcp", "udp"):
                pool = DirectEndpoint(address, self._metrics, upstream.key, failed, secured, at)
            else:
                kind = Http2Pool if at.protocol == "h2" else Pool
                pool = kind(
                    self._loop, self._wheel, self._batch, address, self._settings, self._metrics, upstream.key, failed,
                    secured, at,
                )  # fmt: skip
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
