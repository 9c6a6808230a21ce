"""The last phase of every exchange: counters and the access log."""

import time

from proxy.errors import NoRoute, ProxyError
from proxy.forward.origin import Origin
from proxy.forward.record import Record
from proxy.observe.access_log import AccessRecord, timestamp
from proxy.protocol.message import Request

_PROTOCOLS = {10: "HTTP/1.0", 11: "HTTP/1.1", 20: "HTTP/2"}


def finish(exchange: Record) -> None:
    """Count and log. An exchange that the client left counts as 499."""
    if not exchange.status:
        exchange.status = exchange.error.status if exchange.error is not None else 500
    duration = exchange.ended - exchange.started
    upstream = exchange.ended - exchange.connected if exchange.connected else 0.0
    overhead = duration - upstream - exchange.waited
    exchange.plane.overhead.observe(overhead)
    rule, backend = exchange.rule, exchange.backend
    if rule is not None:
        (rule.duration.series or rule.duration.bind()).observe(duration)
        counters = rule.no_backend if backend is None else backend.requests
        counters.count(exchange.request.method, exchange.status)
        if upstream and backend is not None and backend.upstream is not None:
            backend.upstream.duration.observe(upstream)
    else:
        _count_unrouted(exchange, duration)
    if exchange.plane.access_log is not None:
        exchange.plane.access_log.write(_record(exchange, duration, upstream, overhead))


def _count_unrouted(exchange: Record, duration: float) -> None:
    listener = exchange.listener
    metrics = exchange.plane.metrics
    if listener is None:
        exchange.plane.unrouted.count(exchange.request.method, exchange.status)
    else:
        listener.no_rule.count(exchange.request.method, exchange.status)
        (listener.no_rule_duration.series or listener.no_rule_duration.bind()).observe(duration)
    if isinstance(exchange.error, NoRoute):
        name = "" if listener is None else f"{listener.gateway}/{listener.name}"
        reason = "host" if listener is None else exchange.error.reason.removeprefix("no_route_")
        metrics.values[metrics.counter("penstock_no_route_total", (name, reason))] += 1.0


def _record(exchange: Record, duration: float, upstream: float, overhead: float) -> AccessRecord:
    request, rule, listener, error = exchange.request, exchange.rule, exchange.listener, exchange.error
    return AccessRecord(
        ts=timestamp(time.time() - duration),
        method=request.method.decode("latin-1"),
        host=request.host.decode("latin-1"),
        path=_target(exchange),
        protocol=_PROTOCOLS[request.version],
        status=exchange.status,
        flags=error.flag if error is not None else "",
        reason=error.reason if error is not None else "",
        duration_ms=round(duration * 1000, 3),
        overhead_ms=round(overhead * 1000, 3),
        upstream_ms=round(upstream * 1000, 3) if upstream else None,
        bytes_in=exchange.bytes_in,
        bytes_out=exchange.bytes_out,
        client=exchange.client,
        request_id=exchange.request_id.decode("latin-1"),
        trace_id=_trace_id(request),
        generation=exchange.generation,
        gateway=listener.gateway if listener is not None else "",
        listener=listener.name if listener is not None else "",
        route=rule.route if rule is not None else "",
        rule=rule.label if rule is not None else "",
        match=exchange.hit.match_index if exchange.hit is not None else None,
        backend=exchange.backend.name if exchange.backend is not None else "",
        endpoint=exchange.endpoint,
        retries=exchange.retries,
        tls=exchange.origin.tls,
        user_agent=_field(request, b"user-agent"),
    )


def _target(exchange: Record) -> str:
    path = exchange.path if exchange.query is None else exchange.path + b"?" + exchange.query
    return path.decode("latin-1")


def _field(request: Request, wanted: bytes) -> str:
    for name, value in request.headers:
        if name == wanted:
            return value.decode("latin-1")
    return ""


def _trace_id(request: Request) -> str:
    """The trace id of a W3C traceparent: version-traceid-parentid-flags."""
    parts = _field(request, b"traceparent").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else ""


def finish_refused(origin: Origin, error: ProxyError, status: int, bytes_out: int) -> None:
    """The same for a request that was refused before there was one, with `status`: nothing of it is to be believed."""
    plane = origin.plane
    plane.unrouted.count(b"", status)
    if plane.access_log is not None:
        plane.access_log.write(
            AccessRecord(
                ts=timestamp(time.time()),
                method="",
                host="",
                path="",
                protocol="",
                status=status,
                flags=error.flag,
                reason=error.reason,
                bytes_out=bytes_out,
                client=origin.client.address,
                tls=origin.tls,
                generation=plane.generation,
            )
        )
