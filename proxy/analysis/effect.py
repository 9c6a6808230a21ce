"""Effects: what a rule does with a request, whatever the rule is called. Two rules with one effect are one answer."""

from functools import reduce
from math import gcd
from typing import Final, NamedTuple

from msgspec.structs import replace

from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.route import (
    BackendRef,
    DirectResponse,
    ExternalAuth,
    Fail,
    Filter,
    Mirror,
    Redirect,
    Retry,
    Rule,
    Timeouts,
)
from proxy.snapshot.session import RetryBudget, Session
from proxy.snapshot.snapshot import Endpoint, Listener, Snapshot, Upstream
from proxy.snapshot.upstream_tls import SubjectName

ANSWERS: Final = Redirect | Fail | DirectResponse
"""Filters that answer every request themselves; each has a `status`."""


class Security(NamedTuple):
    """Who the endpoints of a backend must be, and whether they are shown a certificate."""

    server_name: str
    bundles: tuple[str, ...]
    names: tuple[SubjectName, ...]
    certificate: bool


class Target(NamedTuple):
    """Where requests go."""

    backend: str
    """NAMESPACE/NAME:PORT; "" for nowhere, which is 500."""
    protocol: str = ""
    security: Security | None = None
    filters: tuple[Filter, ...] = ()
    budget: RetryBudget | None = None
    """Of retries; only where the rule has any."""
    endpoints: tuple[Endpoint, ...] = ()
    """Addresses and DNS names. Only where they count: those that somebody declared, or all if asked to."""


class Effect(NamedTuple):
    """What becomes of a request."""

    status: int = 0
    """Answered here for want of a rule: 404, or 0 with `closed`."""
    closed: bool = False
    """The connection is closed, for no listener takes its server name."""
    filters: tuple[Filter, ...] = ()
    shares: tuple[tuple[int, Target], ...] = ()
    """(odds, target), sorted, the odds without a common divisor."""
    timeouts: Timeouts | None = None
    retry: Retry | None = None
    session: Session | None = None
    beside: tuple[Target, ...] = ()
    """Where filters lead that send requests of their own: mirrors and authorization servers."""


NOT_FOUND = Effect(status=404)
CLOSED = Effect(closed=True)
NOWHERE = Target("")


class Effects:
    """The effects of the rules of one listener."""

    def __init__(self, snapshot: Snapshot, listener: Listener, *, endpoints: bool) -> None:
        self._snapshot = snapshot
        self._shows_certificate = bool(listener.client_certificate)
        self._endpoints = endpoints
        self._known: dict[int, Effect] = {}

    def of(self, rule: Rule) -> Effect:
        """Remembered by identity: the snapshot holds its rules."""
        found = self._known.get(id(rule))
        if found is None:
            found = self._known[id(rule)] = self._effect(rule)
        return found

    def _effect(self, rule: Rule) -> Effect:
        filters = tuple(_said_once(one) for one in rule.filters)
        if any(isinstance(one, ANSWERS) for one in filters):
            return Effect(filters=filters, beside=self._beside(rule.filters))
        shares = self._shares(rule)
        beside = self._beside(rule.filters, *(ref.filters for ref in rule.backends if ref.weight))
        if all(target == NOWHERE for _, target in shares):
            return Effect(filters=filters, shares=shares, beside=beside)
        return Effect(
            filters=filters,
            shares=shares,
            timeouts=rule.timeouts,
            retry=_sorted(rule.retry),
            session=None if rule.session is None else replace(rule.session, scope=b"", policy=""),
            beside=beside,
        )

    def _beside(self, *chains: tuple[Filter, ...]) -> tuple[Target, ...]:
        leading = (one for chain in chains for one in chain if isinstance(one, Mirror | ExternalAuth))
        return tuple(sorted({self._target(one.backend, one.upstream) for one in leading}, key=repr))

    def _shares(self, rule: Rule) -> tuple[tuple[int, Target], ...]:
        weights: dict[Target, int] = {}
        for ref in rule.backends:
            if ref.weight:
                target = self._backend(ref, rule.retry is not None)
                weights[target] = weights.get(target, 0) + ref.weight
        if not weights:
            return ((1, NOWHERE),)
        divisor = reduce(gcd, weights.values())
        return tuple(sorted(((weight // divisor, target) for target, weight in weights.items()), key=repr))

    def _backend(self, ref: BackendRef, retried: bool) -> Target:
        if not ref.upstream:
            return NOWHERE
        target = self._target(ref.backend, ref.upstream)
        if target == NOWHERE:
            return target
        budget = self._budget(ref.upstream) if retried else None
        return target._replace(filters=tuple(map(_said_once, ref.filters)), budget=budget)

    def _target(self, backend: str, key: str) -> Target:
        upstream = self._snapshot.upstreams.get(key)
        if upstream is None or upstream.invalid:
            return NOWHERE
        tls = self._snapshot.upstream_tls.get(upstream.tls)
        security = None
        if tls is not None:
            shown = bool(tls.certificate) or self._shows_certificate
            security = Security(tls.server_name, tuple(sorted(tls.bundles)), tls.names, shown)
        return Target(backend, upstream.protocol, security, endpoints=self._counted(key, upstream))

    def _budget(self, key: str) -> RetryBudget | None:
        budget = self._snapshot.upstreams[key].retry_budget
        return None if budget is None else replace(budget, service="")

    def _counted(self, key: str, upstream: Upstream) -> tuple[Endpoint, ...]:
        """Those of a Backend are declared with it, and so are names outside; those of a Service come and go."""
        if self._endpoints or ":" not in key:
            return tuple(sorted((*upstream.endpoints, *upstream.names)))
        return tuple(sorted(upstream.names)) if upstream.external else ()


def _said_once(one: Filter) -> Filter:
    """Without what only tells people why."""
    if isinstance(one, Fail):
        return Fail("", one.status)
    if isinstance(one, DirectResponse):
        return replace(one, name="")
    return replace(one, upstream="") if isinstance(one, Mirror | ExternalAuth) else one


def _sorted(retry: Retry | None) -> Retry | None:
    return None if retry is None else Retry(tuple(sorted(retry.codes)), retry.attempts, retry.backoff)


def client_check(listener: Listener | None) -> ClientValidation | None:
    """How a listener checks its clients, the order of authorities aside."""
    if listener is None or listener.clients is None:
        return None
    return ClientValidation(tuple(sorted(listener.clients.bundles)), listener.clients.insecure_fallback)
