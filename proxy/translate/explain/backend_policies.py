"""Policies of a backend: what the reference leads to and by whose leave, its endpoints, and how they are spoken to."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from proxy.resources.core import EndpointSlice, Service, ServicePort
from proxy.resources.gateway import GROUP
from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.own import Backend
from proxy.resources.xbackend import XBackend
from proxy.snapshot.describe import budget_data, budget_words
from proxy.translate.explain.grants import permitted_by
from proxy.translate.explain.origins import default, named, option
from proxy.translate.explain.scene import BackendScene, Data, Told
from proxy.translate.graph.backends import Trace
from proxy.translate.graph.backendtls import PolicyNode
from proxy.translate.graph.endpoints import ready_endpoints, serves_port
from proxy.translate.graph.named import external_host, is_external
from proxy.translate.graph.upstream_tls import SecurityNode

Describer = Callable[[BackendScene], "Told | None"]
"""None where there is nothing to say."""


def reference(scene: BackendScene) -> Told:
    """What is referred to; where that cannot be used, why, and what to do about it."""
    key, origins = scene.key, scene.rule.at.stage.origins
    refers = origins.of(scene.rule.route.resource, scene.field)
    what = f"{key.kind} {key.namespace}/{key.name}"
    data: Data = {"kind": key.kind, "group": key.group, "port": key.port}
    broken = scene.target.broken
    if broken is not None:
        data |= {"invalid": broken.reason, "hint": broken.hint or None}
        return Told("backend", broken.message, data, (refers,))
    trace = _trace(scene)
    port = "" if key.port is None or trace is None or trace.port is None else f" port {key.port}"
    there = () if trace is None else (origins.of(trace.resource),)
    return Told("backend", what + port, data, (refers, *there))


def grant(scene: BackendScene) -> Told | None:
    """The ReferenceGrant that lets the route refer to another namespace."""
    key = scene.key
    if scene.target.broken is not None:
        return None
    stage = scene.rule.at.stage
    return permitted_by(
        stage, GROUP, key.from_kind, key.from_namespace, key.group, key.kind, key.namespace, key.name
    )  # fmt: skip


def endpoints(scene: BackendScene) -> Told | None:
    """Which objects list them, and how many of each are ready."""
    trace = _trace(scene)
    if trace is None:
        return None
    stage = scene.rule.at.stage
    if isinstance(trace.resource, Service) and trace.port is not None:
        return _of_service(scene, trace, trace.resource, trace.port)
    if isinstance(trace.resource, XBackend):
        origin = stage.origins.of(trace.resource, "spec.externalHostname")
        return Told("endpoints", f"what {trace.resource.hostname} leads to", {"slices": []}, (origin,))
    count = len(trace.resource.spec.endpoints) if isinstance(trace.resource, Backend) else 0
    origin = stage.origins.of(trace.resource, "spec.endpoints")
    return Told("endpoints", f"{_counted(count, 'endpoint')} listed, all taken for ready", {"slices": []}, (origin,))


def _of_service(scene: BackendScene, trace: Trace, service: Service, port: ServicePort) -> Told:
    origins = scene.rule.at.stage.origins
    if trace.override is not None:
        where = f"{trace.override[0]}:{trace.override[1]}"
        given = f"{scene.key.label}={where}"
        return Told("endpoints", f"{where} by --backend", {"slices": []}, (option("--backend", given),))
    if is_external(service):
        words = f"what {external_host(service)} leads to"
        return Told("endpoints", words, {"slices": []}, (origins.of(service, "spec.externalName"),))
    slices = [_slice(service, port, item) for item in trace.slices]
    if not slices:
        words = "no EndpointSlice belongs to the Service"
        return Told("endpoints", words, {"slices": []}, (origins.of(service),))
    ready, known = sum(one["ready"] for one in slices), sum(one["endpoints"] for one in slices)
    words = f"{ready} of {known} ready in {_counted(len(slices), 'EndpointSlice')}"
    if not any(serves_port(item, port) for item in trace.slices):
        words += f", none of which has a port named {port.name or ''!r}"
    return Told("endpoints", words, {"slices": slices}, tuple(origins.of(item) for item in trace.slices[:_SHOWN]))


_SHOWN = 10
"""EndpointSlices that are named as origins; `slices` has all."""


def _slice(service: Service, port: ServicePort, item: EndpointSlice) -> Data:
    """`ports`: what the Service port is in this slice."""
    ready = ready_endpoints(service, port, (item,))
    numbers = sorted({one.port for one in item.ports if one.port and one.name == (port.name or "")})
    return {"slice": str(item.key), "ports": numbers, "endpoints": len(item.endpoints), "ready": len(ready)}


def tls(scene: BackendScene) -> Told | None:
    """BackendTLSPolicy, or spec.tls of a Backend: of keys and certificates only the names of what holds them."""
    trace = _trace(scene)
    if trace is None:
        return None
    if trace.security is None:
        return Told("tls", "none: clear text", {"server_name": None}, (default("no BackendTLSPolicy is for it"),))
    origins = scene.rule.at.stage.origins
    if trace.policy is None or trace.port is None:
        return _secured(scene, trace.security, origins.of(trace.resource, "spec.tls"))
    at = _target(trace.policy, trace.resource, trace.port)
    return _secured(scene, trace.security, origins.of(trace.policy.resource, f"spec.targetRefs[{at}]"))


def _target(policy: PolicyNode, service: Resource, port: ServicePort) -> int:
    """Which of its targetRefs is for the port: the one that names it, else the one for the whole Service."""
    refs = [(ref.name, ref.section_name or "") for ref in policy.resource.spec.target_refs]
    name = service.metadata.name
    return refs.index((name, port.name)) if port.name and (name, port.name) in refs else refs.index((name, ""))


def _secured(scene: BackendScene, security: SecurityNode, origin: Data) -> Told:
    if security.tls is None:
        words = "wanted, but what is declared cannot be followed: nothing is sent"
        return Told("tls", words, {"server_name": None, "invalid": True}, (origin,))
    spec, maps = security.tls, [bundle.config_map for bundle in security.bundles]
    trust = f"ConfigMap {', '.join(maps)}" if maps else "System"
    names = [f"{one.kind}:{one.value}" for one in spec.names]
    shown = _shown(scene, security)
    words = f"to {spec.server_name}, trusting {trust}" + (f", as {' or '.join(names)}" if names else "")
    if shown is not None:
        words += f", showing the certificate of Secret {shown.secret}"
    data: Data = {
        "server_name": spec.server_name,
        "subject_alt_names": names,
        "trust": maps or ["System"],
        "client_certificate": None if shown is None else shown.secret,
    }
    more = () if shown is None else shown.origins
    return Told("tls", words, data, (origin, *(named("ConfigMap", one) for one in maps), *more))


class _Shown(NamedTuple):
    """What endpoints are shown of us: the name of a Secret, never what is in it."""

    secret: str
    origins: tuple[Data, ...]


def _shown(scene: BackendScene, security: SecurityNode) -> _Shown | None:
    """Its own certificate, else that of the listener's Gateway."""
    if security.certificate is not None:
        secret = security.certificate.secret
        return _Shown(secret, (named("Secret", secret),))
    gateway = scene.rule.at.gateway
    if gateway.client_certificate is None:
        return None
    secret = gateway.client_certificate.secret
    refers = scene.rule.at.stage.origins.of(gateway.resource, "spec.tls.backend.clientCertificateRef")
    return _Shown(secret, (refers, named("Secret", secret)))


def retry_budget(scene: BackendScene) -> Told | None:
    """How many retries the backend may get, where an XBackendTrafficPolicy says so."""
    graph = scene.rule.at.stage.graph
    policy = graph.backends.policy_of(scene.key)
    if scene.target.broken is not None or policy is None or policy.constraint is None:
        return None
    budget = graph.backends.traffic.budget_of(*_identity(scene))
    data = budget_data(budget)
    if data is None:
        return None
    origin = scene.rule.at.stage.origins.of(policy.resource, "spec.retryConstraint")
    return Told("retryBudget", budget_words(data), data, (origin,))


def _identity(scene: BackendScene) -> tuple[str, str, ObjectKey]:
    key = scene.key
    return key.group, key.kind, ObjectKey(key.namespace, key.name)


BACKEND_POLICIES: Mapping[str, Describer] = {
    "backend": reference,
    "grant": grant,
    "endpoints": endpoints,
    "tls": tls,
    "retryBudget": retry_budget,
}
"""A row for each policy of a backend, in the order in which they are told."""


def _trace(scene: BackendScene) -> Trace | None:
    upstream = scene.target.upstream
    return scene.rule.at.stage.graph.backends.trace(upstream) if upstream else None


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
