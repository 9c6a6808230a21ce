"""One request told through a snapshot: which rule takes it, what its filters do, where it goes.

The answer is plain data that `penstock explain --json` and the admin address print as it is. Nothing
here decides anything: the tables are those of `routing`, the filters are really run.
"""

from typing import Any

from proxy.errors import FilterFailed, ProxyError
from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.protocol.message import Reply, Request
from proxy.routing.explain import Candidate, Explanation, NearMiss, Question, Served, explain
from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.describe import filter_data, match_data, policy_data, text
from proxy.snapshot.explain_tls import Handshake, shake_hands
from proxy.snapshot.question import CLIENT, WELL_KNOWN, Asked, as_received
from proxy.snapshot.route import BackendRef, Filter, Rule
from proxy.snapshot.snapshot import Snapshot


def explain_request(snapshot: Snapshot, asked: Asked) -> dict[str, Any]:
    """The whole explanation. Raises BadQuestion; what the gateway would refuse is told, not raised."""
    ports = _ports(snapshot)
    port = _declared_port(ports, asked.port, WELL_KNOWN[asked.scheme])
    if port not in ports:
        there = ", ".join(map(str, ports)) or "none"
        return _refused(asked, port, f"nothing listens on port {port}; declared ports: {there}")
    try:
        request = as_received(asked, port)
    except ProxyError as error:
        return _refused(asked, port, f"{error.status}: {error.detail}")
    handshake = shake_hands(snapshot, port, asked, request.host)
    if handshake is not None and handshake.refused:
        return _refused(asked, port, handshake.refused) | _tls(snapshot, handshake)
    question = Question(request.host, request.path, request.method, request.headers, request.query)
    explanation = _ask(snapshot, port, question)
    answer = _answer(asked, port, explanation) | _tls(snapshot, handshake)
    if explanation.winner is not None:
        context = FilterContext(asked.scheme, port, CLIENT)
        answer |= _outcome(snapshot, explanation.winner.rule, request, context)
    return answer


def _declared_port(ports: list[int], named: int | None, default: int) -> int:
    """The port of the URL, or the scheme's own, or the only one there is."""
    alone = named is None and default not in ports and len(ports) == 1
    return ports[0] if alone else named or default


def _ports(snapshot: Snapshot) -> list[int]:
    return sorted({listener.port for listener in snapshot.listeners.values()})


def _ask(snapshot: Snapshot, port: int, question: Question) -> Explanation:
    """Asks the addresses that have this port, one after the other, until one has an answer."""
    explanation = Explanation("", None, (), ())
    for bind in snapshot.binds:
        keys = [key for key in bind.listeners if snapshot.listeners[key].port == port]
        if keys and explanation.winner is None:
            explanation = explain([served(snapshot, key) for key in keys], question)
    return explanation


def served(snapshot: Snapshot, key: str) -> Served:
    """One listener of a snapshot, compiled."""
    buckets = [bucket for (listener, _), bucket in snapshot.buckets.items() if listener == key]
    return Served(key, snapshot.listeners[key].hostname, buckets)


def _tls(snapshot: Snapshot, handshake: Handshake | None) -> dict[str, Any]:
    if handshake is None or not handshake.listener:
        return {"tls": None}
    checked = {"server_name": handshake.server_name, "listener": handshake.listener}
    return {"tls": checked | {"clients": _clients(snapshot.listeners[handshake.listener].clients)}}


def _clients(clients: ClientValidation | None) -> str | None:
    """FrontendTLSValidation.mode; None where no certificate is asked for."""
    if clients is None:
        return None
    return "AllowInsecureFallback" if clients.insecure_fallback else "AllowValidOnly"


def _refused(asked: Asked, port: int, why: str) -> dict[str, Any]:
    return _answer(asked, port, Explanation("", None, (), ())) | {"refused": why}


def _answer(asked: Asked, port: int, explanation: Explanation) -> dict[str, Any]:
    winner = explanation.winner
    return {
        "request": {"method": asked.method, "url": asked.url, "headers": [list(field) for field in asked.headers]},
        "port": port,
        "tls": None,
        "listener": explanation.listener or None,
        "winner": None if winner is None else _entry(winner),
        "candidates": [_entry(one) | {"decided_by": one.decided_by or None} for one in explanation.candidates],
        "near_misses": [_entry(one) | {"failed": one.failed, "detail": one.detail} for one in explanation.near_misses],
    }


def _entry(one: Candidate | NearMiss) -> dict[str, Any]:
    return {
        "route": one.rule.route,
        "rule": one.rule.index,
        "rule_name": one.rule.name or None,
        "match": one.match_index,
        "listener": one.listener,
        "hostname": text(one.hostname) or "*",
        "conditions": match_data(one.match),
    }


def _outcome(snapshot: Snapshot, rule: Rule, request: Request, context: FilterContext) -> dict[str, Any]:
    """What the rule does with the request: its filters in order, then its backends with theirs."""
    result = _filtered(rule.filters, request, context)
    total = sum(ref.weight for ref in rule.backends)
    backends = [] if "answer" in result else [
        _backend(snapshot, ref, total) | _filtered(ref.filters, request.copy(), context) for ref in rule.backends
    ]  # fmt: skip
    return result | policy_data(rule) | {"backends": backends}


def _filtered(filters: tuple[Filter, ...], request: Request, context: FilterContext) -> dict[str, Any]:
    """The filters of one place and what they make of the request: another target, or an answer."""
    described = {"filters": [filter_data(one) for one in filters]}
    try:
        for step in build_chain(filters).on_request:
            reply = step(request, context)
            if isinstance(reply, Reply):
                return described | {"answer": _reply_data(reply)}
    except FilterFailed as error:
        return described | {"answer": {"status": error.status, "location": None, "reason": error.reason}}
    return described | {"target": text(_target(request)), "host": text(dict(request.headers).get(b"host", b""))}


def _reply_data(reply: Reply) -> dict[str, Any]:
    """A redirect by its Location, anything else by its fields."""
    location = dict(reply.headers).get(b"location")
    if location:
        return {"status": reply.status, "location": text(location)}
    fields = [[text(name), text(value)] for name, value in reply.headers]
    return {"status": reply.status, "location": None, "headers": fields}


def _target(request: Request) -> bytes:
    return request.raw_path if request.query is None else request.raw_path + b"?" + request.query


def _backend(snapshot: Snapshot, ref: BackendRef, total: int) -> dict[str, Any]:
    upstream = snapshot.upstreams.get(ref.upstream)
    endpoints = upstream.endpoints if upstream is not None else ()
    tls = snapshot.upstream_tls.get(upstream.tls) if upstream is not None else None
    return {
        "backend": ref.backend,
        "weight": ref.weight,
        "percent": round(100 * ref.weight / total, 2) if total else 0.0,
        "invalid": ref.invalid or (upstream.invalid if upstream is not None else "") or None,
        "tls": None if tls is None else {"server_name": tls.server_name},
        "endpoints": [f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}" for at in endpoints],
    }
