"""Where a rule sends its requests: the odds of each backend, and what a client gets that meets it."""

from collections.abc import Iterable
from typing import Any

from proxy.errors import NoReadyEndpoint, NoValidBackend
from proxy.filters.base import FilterContext
from proxy.protocol.message import Request
from proxy.snapshot.answers import by_endpoint, by_error, by_filter, reply_answer
from proxy.snapshot.describe import text
from proxy.snapshot.effects import HTTP1, Filtered, Spoken, forwarded, host, run_filters, target
from proxy.snapshot.route import BackendRef, Rule
from proxy.snapshot.snapshot import Endpoint, Snapshot, Upstream

Data = dict[str, Any]

SCANNED = 16
"""Up to so many endpoints all are compared (upstream.live)."""


def shares(snapshot: Snapshot, rule: Rule, request: Request, context: FilterContext) -> list[Data]:
    """One item for each backendRef, those without a weight included."""
    total = sum(ref.weight for ref in rule.backends)
    return [_share(snapshot, rule, ref, total, request.copy(), _copied(context)) for ref in rule.backends]


def _copied(context: FilterContext) -> FilterContext:
    copy = FilterContext(context.scheme, context.port, context.client)
    copy.origin = context.origin
    return copy


def _share(
    snapshot: Snapshot, rule: Rule, ref: BackendRef, total: int, request: Request, context: FilterContext
) -> Data:
    upstream = snapshot.upstreams.get(ref.upstream)
    tls = snapshot.upstream_tls.get(upstream.tls) if upstream is not None else None
    endpoints = upstream.endpoints if upstream is not None else ()
    invalid = ref.invalid or (upstream.invalid if upstream is not None else "invalid_backend")
    ran = run_filters(ref.filters, request, context)
    percent = round(100 * ref.weight / total, 2) if total else 0.0
    return {
        "backend": ref.backend,
        "weight": ref.weight,
        "percent": percent,
        "invalid": invalid or None,
        "tls": None if tls is None else {"server_name": tls.server_name},
        "protocol": upstream.protocol if upstream is not None else None,
        "endpoints": [endpoint_text(at) for at in endpoints],
        "names": [] if upstream is None else [_name(at, upstream) for at in upstream.names],
        "balance": balance(len(endpoints)),
        **told(ran, request, (ref.filters, rule.filters), context, spoken(snapshot, ref)),
        "outcome": {"percent": percent, **_outcome(ran, ref.backend, invalid, upstream)},
    }


def _outcome(ran: Filtered, backend: str, invalid: str, upstream: Upstream | None) -> Data:
    """In the order in which the exchange finds out: filters first, then the backend, then its endpoints."""
    if ran.failure is not None:
        return by_error(ran.failure)
    if ran.reply is not None:
        return by_filter(ran.reply.status)
    if invalid:
        return by_error(NoValidBackend(invalid, f"{backend} cannot be used: {invalid}"))
    if upstream is None or not (upstream.endpoints or upstream.names):
        return by_error(NoReadyEndpoint("no_ready_endpoint", f"{backend} has no ready endpoint"))
    return by_endpoint(backend)


def _name(at: Endpoint, upstream: Upstream) -> Data:
    """A DNS name. What it leads to only a running gateway can say."""
    return {"name": endpoint_text(at), "host": at.host, "external": upstream.external}


def spoken(snapshot: Snapshot, ref: BackendRef) -> Spoken:
    """How its endpoints are spoken to; as HTTP/1.1 where there is nothing to speak to."""
    upstream = snapshot.upstreams.get(ref.upstream)
    return HTTP1 if upstream is None else Spoken(upstream.protocol, b"https" if upstream.tls else b"http")


def told(ran: Filtered, request: Request, chains: Iterable[Any], context: FilterContext, to: Spoken = HTTP1) -> Data:
    """The filters of one place, and what they made of the request: an answer, or what is forwarded."""
    data: Data = {"filters": ran.filters}
    if ran.reply is not None:
        return data | {"answer": reply_answer(ran.reply, chains, context)}
    if ran.failure is not None:
        return data | {"answer": {"status": ran.failure.status, "location": None, "reason": ran.failure.reason}}
    return data | {"target": text(target(request)), "host": host(request), "forwards": forwarded(request, to)}


def balance(endpoints: int) -> str:
    """How one of them is chosen (upstream.live)."""
    if endpoints < 2:
        return ""
    if endpoints > SCANNED:
        return "of two endpoints at random the one with fewer requests in flight"
    return "the endpoint with the fewest requests in flight, equals in turn"


def endpoint_text(at: Endpoint) -> str:
    return f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}"


def outcomes(parts: Iterable[Data]) -> list[Data]:
    """What clients get in all, the likeliest first: shares that end alike are added up."""
    summed: dict[tuple[Any, ...], Data] = {}
    for part in parts:
        alike = part["status"], part["reason"], part.get("backend")
        if alike in summed:
            summed[alike]["percent"] = round(summed[alike]["percent"] + part["percent"], 2)
        elif part["percent"]:
            summed[alike] = dict(part)
    return sorted(summed.values(), key=lambda one: -one["percent"])
