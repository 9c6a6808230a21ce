"""Backends: what a backendRef leads to, and what answers there.

Checked in this order: kind, permission, existence, port, protocol. Permission comes before existence,
so that nobody learns by asking what other namespaces hold.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import is_
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proxy.protocol.proxy_protocol import Version
from proxy.resources import gateway, own, xbackend
from proxy.resources.core import EndpointSlice, Service, ServicePort
from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.own import Backend
from proxy.resources.policy import ReferenceGrant
from proxy.resources.store import ResourceSet, same_objects
from proxy.resources.xbackend import XBackend
from proxy.snapshot.session import RetryBudget
from proxy.snapshot.snapshot import Endpoint, Protocol, Transport
from proxy.translate.graph import conditions as c
from proxy.translate.graph.backendtls import BackendTLSPolicies, PolicyNode
from proxy.translate.graph.backendtraffic import BackendTrafficPolicies, TrafficNode
from proxy.translate.graph.conditions import Broken, Finding
from proxy.translate.graph.endpoints import no_endpoints, no_such_port, ready_pods, why_no_endpoints
from proxy.translate.graph.name_conditions import another_port, for_requests_alone
from proxy.translate.graph.named import external_host, is_external, outside, permitted, port_of, refused_name, split
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.nodes import BackendKey, Target
from proxy.translate.graph.proxy_protocol import header_to, why_not_told
from proxy.translate.graph.references import Grants
from proxy.translate.graph.upstream_tls import Security, SecurityNode
from proxy.translate.graph.upstream_tls_conditions import needs_policy
from proxy.translate.graph.xbackends import XBackends, why_broken
from proxy.translate.settings import TranslateSettings

APP_PROTOCOLS: dict[str, Protocol] = {"": "http", "http": "http", "kubernetes.io/ws": "http", "kubernetes.io/h2c": "h2"}
"""Service appProtocol, lower-case, to `Upstream.protocol`. A value without a row is refused."""
SECURE_APP_PROTOCOLS: dict[str, Protocol] = {"https": "http", "kubernetes.io/wss": "http"}
"""The same for those that mean TLS, which a BackendTLSPolicy must say how to verify."""
CALL_APP_PROTOCOLS = frozenset(("", "http", "https", "kubernetes.io/h2c"))
"""Service appProtocol of what calls can go to. That it is HTTP/2 the route says (GRPCRoute)."""
BACKEND_PROTOCOLS: dict[str, Protocol] = {"HTTP": "http", "H2C": "h2"}
"""Backend.spec.protocol to `Upstream.protocol`."""
L4_PROTOCOLS: dict[str, Protocol] = {"tcp": "tcp", "raw": "tcp", "udp": "udp"}
SPOKEN: dict[str, Protocol] = {"h2": "h2", **L4_PROTOCOLS}
"""BackendKey.speaks to `Upstream.protocol`, whatever the backend says."""

_SERVED_APP_PROTOCOLS = ", ".join(name for name in APP_PROTOCOLS if name) + " or none"


class BackendNode(Struct, frozen=True):
    """A backend that can be used, by its key: NAMESPACE/NAME:PORT (Service), NAMESPACE/NAME (Backend) or
    NAMESPACE/xbackend/NAME (XBackend)."""

    key: str
    endpoints: tuple[Endpoint, ...]
    protocol: Protocol
    security: SecurityNode | None = None
    """None: it is spoken to in clear text."""
    advice: tuple[tuple[Resource, Finding], ...] = ()
    """Why there may be no endpoints or no way to speak to them, about the Service, Backend or XBackend."""
    names: tuple[Endpoint, ...] = ()
    """DNS names of further endpoints."""
    external: bool = False
    """How they are looked up: snapshot.names.NameKey."""
    uid: str = ""
    """Of the Service, Backend or XBackend; "" in files that give none."""
    pods: tuple[str, ...] = ()
    """The uids of what stands behind the endpoints, in their order, "" where nobody says; none where nobody does."""
    retry_budget: RetryBudget | None = None
    proxy_protocol: Version | Literal[""] = ""


class Trace(NamedTuple):
    """What a backend was made from."""

    resource: Service | Backend | XBackend
    security: SecurityNode | None
    """None: it is spoken to in clear text."""
    port: ServicePort | None = None
    """Of a Service."""
    slices: tuple[EndpointSlice, ...] = ()
    override: tuple[str, int] | None = None
    """Host and port by --backend, which holds where there are no slices."""
    policy: PolicyNode | None = None
    """The BackendTLSPolicy that counts for the port."""


_MANY = 10_000
"""Remembered answers beyond four for each backend in use, after which all are forgotten."""


class _ServicePort(NamedTuple):
    """What a reference to a Service was resolved to."""

    service: Service
    port: ServicePort


_Slices = Sequence[EndpointSlice]


class Backends:
    """Resolves references. Answers are remembered, and handed on while nothing they rest on changed."""

    def __init__(
        self,
        resources: ResourceSet,
        settings: TranslateSettings,
        policies: BackendTLSPolicies,
        security: Security,
        traffic: BackendTrafficPolicies,
        previous: "Backends | None" = None,
    ) -> None:
        self.traffic = traffic
        self._policies = policies
        self._security = security
        self._services = resources.by_kind(Service)
        self._backends = resources.by_kind(Backend)
        self._grant_objects = resources.by_kind(ReferenceGrant)
        self._slice_objects = resources.by_kind(EndpointSlice)
        self._settings = settings
        self._overrides = settings.backend_overrides
        self.xbackends = XBackends(resources, security)
        self._names: dict[tuple[str, str], Names] = {}
        self.unchanged = previous is not None and self._rests_on_the_same_as(previous)
        """Every reference leads where it led in the previous translation."""
        if previous is not None and self.unchanged:
            self._grants: Grants = previous._grants
            self._targets: dict[BackendKey, Target] = previous._targets
            self._found: dict[str, _ServicePort | Backend | XBackend] = previous._found
            self._old_nodes: dict[str, tuple[_Slices, BackendNode]] = previous._nodes
        else:
            self._grants = Grants(self._grant_objects.values())
            self._targets = {}
            self._found = {}
            self._old_nodes = {}
        self._slices = _by_service(self._slice_objects.values())
        self._nodes: dict[str, tuple[_Slices, BackendNode]] = {}

    def _rests_on_the_same_as(self, previous: "Backends") -> bool:
        """Endpoints may differ: no target depends on them. Answers that nobody needs any more must go at times."""
        return (
            len(previous._targets) < _MANY + 4 * len(previous._nodes)
            and same_objects(self._services, previous._services)
            and same_objects(self._backends, previous._backends)
            and same_objects(self.xbackends.declared, previous.xbackends.declared)
            and same_objects(self._policies.declared, previous._policies.declared)
            and same_objects(self.traffic.declared, previous.traffic.declared)
            and same_objects(self._grant_objects, previous._grant_objects)
        )

    # --- references ---------------------------------------------------------------------------

    def resolve(self, key: BackendKey) -> Target:
        """Where a backendRef leads; the same instance for the same question."""
        target = self._targets.get(key)
        if target is None:
            outcome = self._resolve(key)
            target = Target(outcome) if isinstance(outcome, str) else Target("", outcome)
            self._targets[key] = target
        return target

    def _resolve(self, key: BackendKey) -> str | Broken:
        follow = _KINDS.get((key.group, key.kind))
        if follow is None:
            return c.backend_kind(key.group, key.kind)
        if not self._permitted(key):
            return c.backend_not_permitted(key.from_kind, key.kind, key.name, key.namespace, key.from_namespace)
        return follow(self, key)

    def _permitted(self, key: BackendKey) -> bool:
        return self._grants.permits(
            from_group=gateway.GROUP,
            from_kind=key.from_kind,
            from_namespace=key.from_namespace,
            group=key.group,
            kind=key.kind,
            namespace=key.namespace,
            name=key.name,
        )

    def _service(self, key: BackendKey) -> str | Broken:
        service = self._services.get(ObjectKey(key.namespace, key.name))
        if service is None:
            return c.backend_missing("Service", key.name, key.namespace, self._nearest(self._services, key, "Services"))
        name = str(service.key)
        refused = refused_name(service, self._settings)
        if refused is not None:
            return refused
        if key.port is None:
            return c.port_missing(name)
        transport: Transport = "UDP" if key.speaks == "udp" else "TCP"
        port = port_of(service, key.port, transport)
        if port is None:
            return no_such_port(service, key.port, transport)
        refused = None if key.speaks in L4_PROTOCOLS else self._app_protocol(service, port, key.speaks)
        refused = refused or why_not_told(service, key.speaks)
        if refused is not None:
            return refused
        self._found[key.upstream] = _ServicePort(service, port)
        return key.upstream

    def _app_protocol(self, service: Service, port: ServicePort, speaks: str) -> Broken | None:
        """Why requests cannot be sent to a port. What is passed on as it is may be anything."""
        protocol, what = (port.app_protocol or "").lower(), f"port {port.port} of Service {service.key}"
        if protocol in SECURE_APP_PROTOCOLS:
            if self._policies.of(service, port) is None:
                return needs_policy(what, port.app_protocol or "")
        elif protocol not in APP_PROTOCOLS:
            return c.app_protocol("port", what, port.app_protocol or "", _SERVED_APP_PROTOCOLS)
        if speaks and protocol not in CALL_APP_PROTOCOLS:
            return c.no_calls(what, port.app_protocol or "")
        return None

    def _backend(self, key: BackendKey) -> str | Broken:
        backend = self._backends.get(ObjectKey(key.namespace, key.name))
        if backend is None:
            return c.backend_missing("Backend", key.name, key.namespace, self._nearest(self._backends, key, "Backends"))
        name = str(backend.key)
        if key.speaks not in L4_PROTOCOLS and backend.spec.protocol not in BACKEND_PROTOCOLS:
            return c.app_protocol("name", f"Backend {name}", backend.spec.protocol, ", ".join(BACKEND_PROTOCOLS))
        refused = why_not_told(backend, key.speaks)
        if refused is not None:
            return refused
        upstream = key._replace(port=None).upstream
        self._found[upstream] = backend
        return upstream

    def _xbackend(self, key: BackendKey) -> str | Broken:
        """For requests alone: it says itself which protocol of HTTP is spoken."""
        if key.speaks in L4_PROTOCOLS:
            return for_requests_alone()
        declared = self.xbackends.declared
        at = ObjectKey(key.namespace, key.name)
        if at not in declared:
            return c.backend_missing("XBackend", key.name, key.namespace, self._nearest(declared, key, "XBackends"))
        backend = declared[at]
        if key.port is not None and key.port != backend.spec.port.port:
            return another_port(f"XBackend {at}", key.port, backend.spec.port.port)
        broken = why_broken(backend)
        if broken is None:
            self._found[key.upstream] = backend
        return broken or key.upstream

    def _nearest(self, objects: Mapping[ObjectKey, Resource], key: BackendKey, plural: str) -> str:
        at = plural, key.namespace
        if at not in self._names:
            self._names[at] = Names(name for namespace, name in objects if namespace == key.namespace)
        return self._names[at].hint(key.name, f"{plural} of namespace {key.namespace}")

    def policy_of(self, key: BackendKey) -> TrafficNode | None:
        """How requests to a backend are treated, whatever rule they come by."""
        return self.traffic.of(key.group, key.kind, ObjectKey(key.namespace, key.name))

    # --- endpoints ----------------------------------------------------------------------------

    def node(self, upstream: str) -> BackendNode:
        """The backend of a target's `upstream` key."""
        found = self._found[upstream]
        if isinstance(found, _ServicePort):
            return self._service_node(upstream, found)
        node = self._listed(upstream, found) if isinstance(found, Backend) else self._outside(upstream, found)
        self._nodes[upstream] = (), node
        return node

    def used(self) -> list[BackendNode]:
        """The backends asked for so far, by key."""
        return [node for _, (_, node) in sorted(self._nodes.items(), key=lambda item: item[0])]

    def _service_node(self, key: str, found: _ServicePort) -> BackendNode:
        slices = () if is_external(found.service) else self._slices.get(found.service.key, ())
        old = self._old_nodes.get(key)
        security = self._policies.of(*found) if may_be_secured(key) else None
        if old is not None and _same(old[0], slices) and old[1].security == security:
            node = old[1]
        else:
            node = self._answered_by(key, found, slices, security)
        self._nodes[key] = slices, node
        return node

    def _answered_by(
        self, key: str, found: _ServicePort, slices: _Slices, security: SecurityNode | None
    ) -> BackendNode:
        service, port = found
        speaks, _, label = key.rpartition("://")
        spoken = (port.app_protocol or "").lower()
        protocol = SPOKEN.get(speaks) or APP_PROTOCOLS.get(spoken) or SECURE_APP_PROTOCOLS[spoken]
        override = self._overrides.get(label)
        budget = self.traffic.budget_of("", "Service", service.key)
        made = BackendNode(key, (), protocol, security, uid=service.metadata.uid, retry_budget=budget)
        made = replace(made, proxy_protocol=header_to(service))
        if override is not None and not slices:
            addresses, names = split([Endpoint(*override)])
            return replace(made, endpoints=addresses, names=names)
        if is_external(service):
            return replace(made, names=(Endpoint(external_host(service), port.port),), external=True)
        ready = ready_pods(service, port, slices)
        made = replace(made, advice=() if ready else ((service, why_no_endpoints(label, port, slices)),))
        if not any(item.address_type == "FQDN" for item in slices):
            return replace(made, endpoints=tuple(ready), pods=_known(ready.values()))
        addresses, names = split(ready)
        pods = _known(ready[at] for at in addresses)
        return replace(made, endpoints=addresses, pods=pods, names=names, external=not self._settings.file_mode)

    def _listed(self, key: str, backend: Backend) -> BackendNode:
        endpoints, names = split(Endpoint(item.host, item.port) for item in backend.spec.endpoints)
        advice: tuple[tuple[Resource, Finding], ...] = ()
        if not endpoints and not names:
            advice = ((backend, no_endpoints(key, "spec.endpoints", "the list is empty")),)
        security = None
        if backend.spec.tls is not None and may_be_secured(key):
            security, findings = self._security.of_backend(backend, backend.spec.tls)
            advice += tuple((backend, finding) for finding in findings)
        external = not self._settings.file_mode
        if external:
            endpoints, forbidden = permitted(backend, endpoints, self._settings.guard)
            names, of_the_cluster = outside(backend, names)
            advice += tuple((backend, finding) for finding in (*forbidden, *of_the_cluster))
        protocol = SPOKEN.get(key.rpartition("://")[0]) or BACKEND_PROTOCOLS[backend.spec.protocol]
        uid = backend.metadata.uid
        budget = self.traffic.budget_of(own.GROUP, "Backend", backend.key)
        header = header_to(backend)
        return BackendNode(key, endpoints, protocol, security, advice, names, external, uid, (), budget, header)

    def _outside(self, key: str, backend: XBackend) -> BackendNode:
        node, uid = self.xbackends.node(backend.key), backend.metadata.uid
        advice: tuple[tuple[Resource, Finding], ...] = tuple((backend, finding) for finding in node.findings)
        protocol = SPOKEN.get(key.rpartition("://")[0]) or node.protocol
        return BackendNode(key, (), protocol, node.security, advice, (node.name,), external=True, uid=uid)

    def trace(self, upstream: str) -> "Trace | None":
        """What a target's `upstream` key stands for, for explanations; None where it stands for nothing."""
        found, made = self._found.get(upstream), self._nodes.get(upstream)
        if found is None or made is None:
            return None
        security = made[1].security
        if not isinstance(found, _ServicePort):
            return Trace(found, security)
        slices = () if is_external(found.service) else tuple(self._slices.get(found.service.key, ()))
        override = None if slices else self._overrides.get(upstream.rpartition("://")[2])
        return Trace(found.service, security, found.port, slices, override, self._policies.policy_of(*found))

    def useless_overrides(self) -> list[tuple[str, str]]:
        """--backend options that point nothing, and why."""
        return [(key, why) for key in sorted(self._overrides) if (why := self._why_useless(key))]

    def _why_useless(self, key: str) -> str:
        path, _, port = key.rpartition(":")
        namespace, _, name = path.partition("/")
        service = self._services.get(ObjectKey(namespace, name))
        if service is None:
            return f"there is no Service {path}"
        if is_external(service):
            return "" if self._settings.external_name else "it is of type ExternalName, which is not followed"
        if all(str(candidate.port) != port for candidate in service.spec.ports):
            return f"Service {path} has no port {port}"
        return "it has EndpointSlices, and those are used" if service.key in self._slices else ""


def may_be_secured(upstream: str) -> bool:
    """Not where datagrams are passed on, nor TLS that is the client's own."""
    return not upstream.startswith(("raw://", "udp://"))


_KINDS = {
    ("", "Service"): Backends._service,
    (own.GROUP, "Backend"): Backends._backend,
    (xbackend.GROUP, "XBackend"): Backends._xbackend,
}
"""Kinds a backendRef can name."""


def _by_service(slices: Iterable[EndpointSlice]) -> dict[ObjectKey, list[EndpointSlice]]:
    grouped: dict[ObjectKey, list[EndpointSlice]] = defaultdict(list)
    for item in slices:
        if item.service_name:
            grouped[ObjectKey(item.metadata.namespace, item.service_name)].append(item)
    return dict(grouped)


def _same(one: _Slices, other: _Slices) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


def _known(pods: Iterable[str]) -> tuple[str, ...]:
    """None at all where nobody names one."""
    uids = tuple(pods)
    return uids if any(uids) else ()
