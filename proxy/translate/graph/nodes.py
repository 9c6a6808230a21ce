"""The nodes of the graph: each holds a declared object, what was found about it, and what it is good for.

Frozen. Nodes of objects that did not change are the same instances from one translation to the next.
"""

from typing import NamedTuple

from msgspec import Struct, field

from proxy.resources.gateway import Gateway, GatewayClass, Listener, RouteGroupKind
from proxy.resources.grpcroute import GRPCRoute, GRPCRouteMatch
from proxy.resources.httproute import HTTPRoute, HTTPRouteFilter, HTTPRouteMatch, HTTPRouteRule, ParentReference
from proxy.resources.l4routes import L4Resource
from proxy.resources.listenerset import ListenerSet
from proxy.resources.meta import BackendObjectReference, LocalObjectReference, ObjectKey
from proxy.resources.parameters import GatewayParametersSpec
from proxy.snapshot.certificate import Certificate
from proxy.snapshot.snapshot import ProxyHeaders, Transport
from proxy.translate.graph.ca_certificates import BundleNode
from proxy.translate.graph.conditions import ACCEPTED, CONFLICTED, PROGRAMMED, RESOLVED_REFS, Broken, Finding, Findings
from proxy.translate.graph.extensions import ExtensionKey, ExtensionTarget
from proxy.translate.graph.sessions import SessionNode


def has(findings: Findings, *types: str) -> bool:
    return any(finding.type in types for finding in findings)


class ClassNode(Struct, frozen=True):
    """A GatewayClass of ours."""

    name: str
    resource: GatewayClass | None
    """None for the class that file mode implies."""
    findings: Findings = ()
    parameters: GatewayParametersSpec | None = None
    """Of its Gateways, unless they name their own."""

    @property
    def accepted(self) -> bool:
        return not has(self.findings, ACCEPTED)


class CertificateNode(Struct, frozen=True, eq=False):
    """A certificate that can be served. Compared by what it is."""

    secret: str
    """NAMESPACE/NAME."""
    key: str
    """Certificate.digest."""
    certificate: Certificate

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CertificateNode) and (self.secret, self.key) == (other.secret, other.key)

    def __hash__(self) -> int:
        return hash(self.key)


class ClientsNode(Struct, frozen=True):
    """How the clients of a listener are checked: by the word of any of these."""

    bundles: tuple[BundleNode, ...]
    """Not empty."""
    insecure_fallback: bool = False


class ListenerNode(Struct, frozen=True):
    """One listener of one Gateway of ours: its own, or one that a ListenerSet adds."""

    gateway: ObjectKey
    spec: Listener
    hostname: str
    """Lower-case; "" for every host."""
    kinds: tuple[RouteGroupKind, ...]
    """The kinds of routes that may attach: status.listeners[].supportedKinds."""
    findings: Findings = ()
    transport: Transport = "TCP"
    """With the port, what is bound."""
    certificates: tuple[CertificateNode, ...] = ()
    """Those that can be served, in the order declared."""
    secure: bool = False
    """TLS ends here, so without a certificate it cannot be served."""
    listener_set: ObjectKey | None = None
    """The ListenerSet that declares it; None for the Gateway's own."""
    clients: ClientsNode | None = None
    """None where clients are asked for no certificate; and where they cannot be checked, which `findings` says."""

    @property
    def owner(self) -> ObjectKey:
        """The object that declares it: its namespace is what `Same` and references are relative to."""
        return self.listener_set or self.gateway

    @property
    def name(self) -> str:
        """LISTENER, or NAMESPACE/LISTENERSET/LISTENER. Both kinds of owners may use one name; this cannot collide."""
        return self.spec.name if self.listener_set is None else f"{self.listener_set}/{self.spec.name}"

    @property
    def key(self) -> str:
        """NAMESPACE/GATEWAY and the name, as snapshot.Listener.key."""
        return f"{self.gateway}/{self.name}"

    @property
    def accepted(self) -> bool:
        return not has(self.findings, ACCEPTED, CONFLICTED)

    @property
    def served(self) -> bool:
        """With none of its route kinds possible nothing could ever be answered, so it is not bound."""
        reachable = bool(self.kinds) or not has(self.findings, RESOLVED_REFS)
        return self.accepted and reachable and not (self.secure and not self.certificates)


class Published(NamedTuple):
    """One of status.addresses."""

    type: str
    """IPAddress or Hostname."""
    value: str


class GatewayNode(Struct, frozen=True):
    """A Gateway of one of our classes."""

    resource: Gateway
    addresses: tuple[str, ...]
    """What its listeners are bound to; "" is every address. With none nothing is bound here."""
    listeners: tuple[ListenerNode, ...]
    findings: Findings = ()
    parameters: GatewayParametersSpec = field(default_factory=GatewayParametersSpec)
    ports: dict[tuple[int, str], int] | None = None
    """(declared port, transport) to bound port, none but these; None where --map-port decides."""
    published: tuple[Published, ...] | None = None
    """Where clients find it; None where that is `addresses`."""
    added_ports: tuple[tuple[int, str], ...] = ()
    """(port, transport) of what ListenerSets add."""
    client_certificate: CertificateNode | None = None
    """What is shown to endpoints that are spoken to over TLS (spec.tls.backend)."""

    @property
    def accepted(self) -> bool:
        """Of itself; whether any listener is sound comes on top."""
        return not has(self.findings, ACCEPTED)

    @property
    def sound(self) -> bool:
        """Its condition Accepted: it and at least one of its own listeners."""
        return self.accepted and any(listener.accepted for listener in self.listeners)

    @property
    def declared_ports(self) -> tuple[tuple[int, str], ...]:
        """(port, transport) of all listeners that can be served, those that ListenerSets add last."""
        own = ((each.spec.port, each.transport) for each in self.listeners if each.served)
        return tuple(dict.fromkeys((*own, *self.added_ports)))

    def binds(self, listener: ListenerNode) -> bool:
        """Whether the listener is bound here, as far as the Gateway is concerned."""
        bound = self.ports is None or self.bound_port(listener) is not None
        return self.accepted and listener.served and bool(self.addresses) and bound

    def is_served(self, listener: ListenerNode) -> bool:
        """Whether it is bound, here or by a data plane of the Gateway's own that is up."""
        elsewhere = self.way == "deployment" and not self.addresses and not has(self.findings, PROGRAMMED)
        return self.binds(listener) or (elsewhere and self.accepted and listener.served)

    def bound_port(self, listener: ListenerNode) -> int | None:
        """None: --map-port decides, or where there are `ports`, nothing is bound."""
        return None if self.ports is None else self.ports.get((listener.spec.port, listener.transport))

    @property
    def proxy_headers(self) -> ProxyHeaders:
        """What is asked of trusted peers on its TCP ports."""
        asked = self.parameters.proxy_protocol
        return "" if asked is None else "required" if asked.mode == "Required" else "optional"

    @property
    def way(self) -> str:
        """How it comes by its addresses: the field of GatewayParameters that says so; "" without one."""
        spec = self.parameters
        ways = (("addresses", spec.addresses), ("service", spec.service), ("deployment", spec.deployment))
        return next((name for name, chosen in ways if chosen is not None), "")


class ListenerSetNode(Struct, frozen=True):
    """A ListenerSet that refers to a Gateway of ours, whether that lets it attach or not."""

    resource: ListenerSet
    gateway: GatewayNode
    listeners: tuple[ListenerNode, ...]
    findings: Findings = ()
    attached: bool = True
    """Its Gateway lets it attach; whether that is accepted itself is another question."""

    @property
    def accepted(self) -> bool:
        """Of itself, by its Gateway; whether any entry is sound comes on top."""
        return not has(self.findings, ACCEPTED)

    @property
    def sound(self) -> bool:
        """Its condition Accepted: it is attached, and at least one of its entries can be served."""
        return self.accepted and any(listener.served for listener in self.listeners)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its Gateway's."""
        return self.gateway.addresses

    def binds(self, listener: ListenerNode) -> bool:
        """Whether the listener is bound here: where its Gateway is."""
        return self.accepted and self.gateway.binds(listener)

    def is_served(self, listener: ListenerNode) -> bool:
        """Whether it is bound, here or elsewhere."""
        return self.accepted and self.gateway.is_served(listener)


class BindNode(Struct, frozen=True):
    """An address and port to bind, and the listeners that share it."""

    address: str
    port: int
    listeners: tuple[str, ...]
    transport: Transport = "TCP"
    proxy_headers: ProxyHeaders = ""


class BackendKey(NamedTuple):
    """A backendRef as it is resolved: who refers to what."""

    from_namespace: str
    group: str
    kind: str
    namespace: str
    name: str
    port: int | None
    from_kind: str = "HTTPRoute"
    speaks: str = ""
    """"" for requests, by what the backend says that it speaks; h2 for calls, which need HTTP/2; tcp for
    connections, over TLS where that is declared; raw for connections as they are; udp."""

    @property
    def upstream(self) -> str:
        """The label, with how it is spoken to where that is not the backend's to say: an identity for each."""
        return f"{self.speaks}://{self.label}" if self.speaks else self.label

    @property
    def label(self) -> str:
        """NAMESPACE/NAME:PORT, or NAMESPACE/NAME without a port; of an XBackend NAMESPACE/xbackend/NAME."""
        if self.kind == "XBackend":
            return f"{self.namespace}/xbackend/{self.name}"
        return f"{self.namespace}/{self.name}" + (f":{self.port}" if self.port is not None else "")


class Target(Struct, frozen=True, gc=False):
    """What a backendRef leads to. Says nothing of endpoints, so that those come and go without it."""

    upstream: str
    """Key of the backend; "" when it cannot be used, then `broken` says why."""
    broken: Broken | None = None


class BackendRefNode(Struct, frozen=True, gc=False):
    """One backendRef of a rule."""

    key: BackendKey
    weight: int
    target: Target
    filters: tuple[HTTPRouteFilter, ...]


class FilterBackendNode(Struct, frozen=True, gc=False):
    """Where the backendRef of a filter (requestMirror, externalAuth) of a rule, or of its backends, leads."""

    ref: BackendObjectReference
    key: BackendKey
    target: Target


class ExtensionNode(Struct, frozen=True, gc=False):
    """Where one extensionRef of a rule, or of its backends, leads."""

    ref: LocalObjectReference
    key: ExtensionKey
    target: ExtensionTarget


class MatchNode(Struct, frozen=True, gc=False):
    """One match of a rule that can be evaluated."""

    index: int
    match: HTTPRouteMatch | GRPCRouteMatch


class RuleNode(Struct, frozen=True, gc=False):
    """One rule of a route."""

    index: int
    rule: HTTPRouteRule
    """Of a GRPCRoute as an HTTPRoute has it, without its matches."""
    matches: tuple[MatchNode, ...]
    backends: tuple[BackendRefNode, ...]
    findings: Findings = ()
    filter_backends: tuple[FilterBackendNode, ...] = ()
    extensions: tuple[ExtensionNode, ...] = ()
    session: SessionNode | None = None

    @property
    def valid(self) -> bool:
        """False: it is dropped, and the matches of it that can be evaluated answer 500."""
        return not has(self.findings, ACCEPTED)


class RouteKey(NamedTuple):
    """A route among those of its kind and of others: an HTTPRoute and a GRPCRoute may use one name."""

    kind: str
    namespace: str
    name: str


class RouteNode(Struct, frozen=True, eq=False, gc=False):
    """A route by itself, whatever it attaches to. Compared by identity: it is reused while it holds."""

    resource: HTTPRoute | GRPCRoute
    rules: tuple[RuleNode, ...]
    hostnames: tuple[bytes, ...]
    """Lower-case, those that are hostnames; none for every host."""
    findings: Findings
    """About the route and all its rules."""
    accepted: bool
    """At least one rule can be served, and one hostname if any are declared."""

    @property
    def key(self) -> RouteKey:
        return RouteKey(type(self.resource).__name__, *self.resource.key)


class L4RouteNode(Struct, frozen=True, eq=False, gc=False):
    """A TCPRoute, TLSRoute or UDPRoute by itself. Compared by identity."""

    resource: L4Resource
    name: str
    """Of its rule."""
    hostnames: tuple[bytes, ...]
    """Lower-case, those that are server names; none for every one, and for connections without."""
    backends: tuple[BackendRefNode, ...]
    passed_on: tuple[BackendRefNode, ...]
    """The same of a TLSRoute, as they are where TLS does not end at the listener."""
    findings: Findings
    accepted: bool


AnyRoute = RouteNode | L4RouteNode


class Place(NamedTuple):
    """Where a route is served: on which listener, under which hostname, and by which of its own."""

    listener: str
    hostname: bytes
    own: bytes


class ParentNode(Struct, frozen=True, gc=False):
    """One parentRef of a route that names a Gateway of ours, or a ListenerSet of one; or a default Gateway of ours."""

    ref: ParentReference
    listeners: tuple[str, ...]
    """Keys of the listeners it attaches to; empty when `finding` says why not."""
    finding: Finding | None = None
    field: str = ""
    """Of the route, where it says so: spec.parentRefs[0], or spec.useDefaultGateways."""
    is_default: bool = False
    """The route does not name it, but asks for default Gateways."""


class AttachmentNode(Struct, frozen=True, eq=False, gc=False):
    """A route's parents and places. Compared by identity."""

    parents: tuple[ParentNode, ...]
    places: tuple[Place, ...]
    """On served listeners only."""
    advice: Findings
    """About parentRefs that nothing answers to."""
