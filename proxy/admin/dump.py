"""What is served, as plain data for JSON, each part picked by hand: a snapshot holds private keys, this never."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from proxy import __version__
from proxy.admin.readiness import readiness
from proxy.admin.view import NameState, View
from proxy.observe.live import count_rules, endpoint_label
from proxy.resources.problem import Problem
from proxy.snapshot.certificate import Certificate, ClientValidation
from proxy.snapshot.describe import budget_data, text
from proxy.snapshot.listing import effective_routes
from proxy.snapshot.names import NameKey
from proxy.snapshot.snapshot import Bind, Listener, Snapshot, Upstream


def overview(view: View) -> dict[str, Any]:
    """Numbers, workers and problems on one page."""
    snapshot = view.snapshot
    return {
        "version": __version__,
        "uptime_seconds": round(view.uptime, 1),
        **readiness(view),
        "processes": {
            str(index): {"pid": worker.pid, "generation": worker.generation, "uptime_seconds": round(worker.uptime, 1)}
            for index, worker in view.workers.items()
        },
        "counts": {
            "listeners": len(snapshot.listeners) if snapshot else 0,
            "rules": count_rules(snapshot) if snapshot else 0,
            "backends": len(snapshot.upstreams) if snapshot else 0,
        },
        "problems": [problem_data(problem) for problem in view.problems],
    }


def problem_data(problem: Problem) -> dict[str, Any]:
    data = {name: getattr(problem, name) for name in problem.__struct_fields__}
    return {name: value for name, value in data.items() if value not in ("", 0)}


def listeners(view: View) -> list[dict[str, Any]]:
    snapshot = view.snapshot
    if snapshot is None:
        return []
    return [_listener_data(listener, snapshot, view) for listener in snapshot.listeners.values()]


def _listener_data(listener: Listener, snapshot: Snapshot, view: View) -> dict[str, Any]:
    binds = [bind for bind in snapshot.binds if listener.key in bind.listeners]
    return {
        "listener": listener.key,
        "gateway": listener.gateway,
        "name": listener.name,
        "protocol": listener.protocol,
        "hostname": text(listener.hostname) or "*",
        "port": listener.port,
        "certificates": [_certificate_data(snapshot.certificates[key]) for key in listener.certificates],
        **({"clients": _clients_data(listener.clients, snapshot)} if listener.clients else {}),
        "binds": [_bind_data(bind, view) for bind in binds],
    }


def _clients_data(clients: ClientValidation, snapshot: Snapshot) -> dict[str, Any]:
    """How they are checked, in the words of FrontendTLSValidation."""
    return {
        "mode": "AllowInsecureFallback" if clients.insecure_fallback else "AllowValidOnly",
        "ca_certificates": sum(snapshot.bundles[key].pem.count(b"BEGIN CERTIFICATE") for key in clients.bundles),
    }


def _certificate_data(certificate: Certificate) -> dict[str, Any]:
    """What anybody learns who connects."""
    ends = datetime.fromtimestamp(certificate.not_after, UTC)
    return {
        "common_name": certificate.common_name,
        "names": [text(name) for name in certificate.names],
        "not_after": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _bind_data(bind: Bind, view: View) -> dict[str, Any]:
    return {
        "address": bind.address or "*",
        "port": bind.port,
        "transport": bind.transport,
        "bound": bind.socket in view.bound,
        **({"proxy_headers": bind.proxy_headers} if bind.proxy_headers else {}),
    }


def routes(view: View) -> list[dict[str, Any]]:
    """The same as `penstock routes --json`."""
    return effective_routes(view.snapshot) if view.snapshot else []


def backends(view: View) -> list[dict[str, Any]]:
    snapshot = view.snapshot
    resolved = names(view)
    return [_backend_data(upstream, snapshot, resolved) for upstream in snapshot.upstreams.values()] if snapshot else []


def names(view: View) -> dict[NameKey, dict[str, Any]]:
    """What is known of DNS names: addresses, for how many seconds their TTL has them good, and what is wrong."""
    return {key: _name_data(state) for key, state in view.names.items()}


def _name_data(state: NameState) -> dict[str, Any]:
    told: dict[str, Any] = {"state": state.state, "addresses": list(state.addresses)}
    if state.fresh_for is not None and state.age is not None:
        told |= {"age_seconds": round(state.age, 1), "fresh_for_seconds": round(state.fresh_for, 1)}
    return told | {"reason": state.trouble, "detail": state.detail, "forbidden": list(state.forbidden)}


def _named(upstream: Upstream, resolved: Mapping[NameKey, dict[str, Any]]) -> list[dict[str, Any]]:
    """Each DNS name of an upstream, with what it leads to where that is known."""
    found: list[dict[str, Any]] = []
    for name in upstream.names:
        known = resolved.get(NameKey(name.host, upstream.external))
        found.append({"name": endpoint_label(name), **({} if known is None else {"resolved": known})})
    return found


def _backend_data(upstream: Upstream, snapshot: Snapshot, resolved: Mapping[NameKey, dict[str, Any]]) -> dict[str, Any]:
    """With who its endpoints must be where that is declared, and why they are not spoken to where that cannot be."""
    tls = snapshot.upstream_tls.get(upstream.tls)
    secured = {} if tls is None else {"server_name": tls.server_name, "names": [name.value for name in tls.names]}
    invalid = {"invalid": upstream.invalid} if upstream.invalid else {}
    return {
        "backend": upstream.key,
        "protocol": upstream.protocol,
        "tls": bool(upstream.tls),
        **secured,
        **invalid,
        **({"proxy_protocol": upstream.proxy_protocol} if upstream.proxy_protocol else {}),
        **({"retryConstraint": budget_data(upstream.retry_budget)} if upstream.retry_budget else {}),
        "endpoints": [endpoint_label(endpoint) for endpoint in upstream.endpoints],
        **({"names": _named(upstream, resolved)} if upstream.names else {}),
    }


def status(view: View) -> list[dict[str, Any]]:
    """Every object's status, as it would be written to the API server."""
    return [
        {"kind": item.kind, "namespace": item.key.namespace, "name": item.key.name, "status": item.status}
        for item in view.statuses
    ]


def config(view: View) -> dict[str, Any]:
    """The whole snapshot in use."""
    snapshot = view.snapshot
    if snapshot is None:
        return {"generation": 0}
    return {
        "generation": snapshot.generation,
        "binds": [_bind_data(bind, view) | {"listeners": bind.listeners} for bind in snapshot.binds],
        "listeners": listeners(view),
        "routes": routes(view),
        "backends": backends(view),
    }


def encode(data: object) -> bytes:
    """Indented, for people who ask with curl."""
    return msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"
