"""The nodes of the graph: each holds a declared object, what was found about it, and what it is good for.

Frozen. Nodes of objects that did not change are the same instances from one translation to the next.
"""

from typing import NamedTuple

from msgspec import Struct

from proxy.resources.gateway import Gateway, GatewayClass, Listener, RouteGroupKind
from proxy.resources.httproute import HTTPRoute, HTTPRouteFilter, HTTPRouteMatch, HTTPRouteRule, ParentReference
from proxy.resources.meta import BackendObjectReference, ObjectKey
from proxy.translate.graph.conditions import ACCEPTED, CONFLICTED, RESOLVED_REFS, Broken, Finding, Findings


def has(findings: Findings, *types: str) -> bool:
    return any(finding.type in types for finding in findings)


class ClassNode(Struct, frozen=True):
    """A GatewayClass of ours."""

    name: str
    resource: GatewayClass | None
    """None for the class that file mode implies."""
    findings: Findings = ()

    @property
    def accepted(self) -> bool:
        return not has(self.findings, ACCEPTED)


class ListenerNode(Struct, frozen=True):
    """One listener of one Gateway of ours."""

    gateway: ObjectKey
    spec: Listener
    hostname: str
    """Lower-case; "" for every host."""
    kinds: tuple[RouteGroupKind, ...]
    """The kinds of routes that may attach: status.listeners[].supportedKinds."""
    findings: Findings = ()

    @property
    def key(self) -> str:
        """NAMESPACE/GATEWAY/LISTENER, as snapshot.Listener.key."""
        return f"{self.gateway}/{self.spec.name}"

    @property
    def accepted(self) -> bool:
        return not has(self.findings, ACCEPTED, CONFLICTED)

    @property
    def served(self) -> bool:
        """With none of its route kinds possible nothing could ever be answered, so it is not bound."""
        return self.accepted and not (has(self.findings, RESOLVED_REFS) and not self.kinds)


class GatewayNode(Struct, frozen=True):
    """A Gateway of one of our classes."""

    resource: Gateway
    addresses: tuple[str, ...]
    """What its listeners are bound to; "" is every address."""
    listeners: tuple[ListenerNode, ...]
    findings: Findings = ()

    @property
    def accepted(self) -> bool:
        """Of itself; whether any listener is sound comes on top."""
        return not has(self.findings, ACCEPTED)


class BindNode(Struct, frozen=True):
    """An address and port to bind, and the listeners that share it."""

    address: str
    port: int
    listeners: tuple[str, ...]


class BackendKey(NamedTuple):
    """A backendRef as it is resolved: who refers to what."""

    from_namespace: str
    group: str
    kind: str
    namespace: str
    name: str
    port: int | None

    @property
    def label(self) -> str:
        """NAMESPACE/NAME:PORT, or NAMESPACE/NAME without a port."""
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


class MirrorNode(Struct, frozen=True, gc=False):
    """Where one requestMirror.backendRef of a rule, or of its backends, leads."""

    ref: BackendObjectReference
    key: BackendKey
    target: Target


class MatchNode(Struct, frozen=True, gc=False):
    """One match of a rule that can be evaluated."""

    index: int
    match: HTTPRouteMatch


class RuleNode(Struct, frozen=True, gc=False):
    """One rule of a route."""

    index: int
    rule: HTTPRouteRule
    matches: tuple[MatchNode, ...]
    backends: tuple[BackendRefNode, ...]
    findings: Findings = ()
    mirrors: tuple[MirrorNode, ...] = ()

    @property
    def valid(self) -> bool:
        """False: it is dropped, and the matches of it that can be evaluated answer 500."""
        return not has(self.findings, ACCEPTED)


class RouteNode(Struct, frozen=True, eq=False, gc=False):
    """A route by itself, whatever it attaches to. Compared by identity: it is reused while it holds."""

    resource: HTTPRoute
    rules: tuple[RuleNode, ...]
    hostnames: tuple[bytes, ...]
    """Lower-case, those that are hostnames; none for every host."""
    findings: Findings
    """About the route and all its rules."""
    accepted: bool
    """At least one rule can be served, and one hostname if any are declared."""


class Place(NamedTuple):
    """Where a route is served: on which listener, under which hostname, and by which of its own."""

    listener: str
    hostname: bytes
    own: bytes


class ParentNode(Struct, frozen=True, gc=False):
    """One parentRef of a route that names a Gateway of ours."""

    ref: ParentReference
    index: int
    listeners: tuple[str, ...]
    """Keys of the listeners it attaches to; empty when `finding` says why not."""
    finding: Finding | None = None


class AttachmentNode(Struct, frozen=True, eq=False, gc=False):
    """A route's parents and places. Compared by identity."""

    parents: tuple[ParentNode, ...]
    places: tuple[Place, ...]
    """On served listeners only."""
    advice: Findings
    """About parentRefs that no Gateway answers to."""
