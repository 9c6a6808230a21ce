"""TCPRoute, TLSRoute and UDPRoute (gateway.networking.k8s.io): one rule, which says no more than where to."""

from typing import Annotated, Literal

from msgspec import Meta

from proxy.resources.fields import Hostname, SectionName, Weight
from proxy.resources.httproute import ParentReference
from proxy.resources.meta import BackendObjectReference, Ignored, Model, Resource


class L4BackendRef(BackendObjectReference, frozen=True):
    """A backend and its share of the connections or flows: weight / sum of weights."""

    weight: Weight = 1


class L4RouteRule(Model, frozen=True):
    """The rule of a route: it has no matches, so there is one."""

    backend_refs: Annotated[tuple[L4BackendRef, ...], Meta(min_length=1, max_length=16)]
    name: SectionName | None = None


Rules = Annotated[tuple[L4RouteRule, ...], Meta(min_length=1, max_length=1)]


class L4RouteSpec(Model, frozen=True):
    """TCPRoute.spec and UDPRoute.spec."""

    rules: Rules
    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    use_default_gateways: Literal["All", "None"] | None = None


class TLSRouteSpec(Model, frozen=True):
    """TLSRoute.spec."""

    hostnames: Annotated[tuple[Hostname, ...], Meta(min_length=1, max_length=1024)]
    """Server names (SNI): exact, or with `*.` in place of the first labels."""
    rules: Rules
    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    use_default_gateways: Literal["All", "None"] | None = None


class TCPRoute(Resource, frozen=True):
    """Where connections of a TCP listener go."""

    spec: L4RouteSpec
    status: Ignored = None


class UDPRoute(Resource, frozen=True):
    """Where datagrams of a UDP listener go."""

    spec: L4RouteSpec
    status: Ignored = None


class TLSRoute(Resource, frozen=True):
    """Where connections of a TLS listener go, by the server name that clients ask for."""

    spec: TLSRouteSpec
    status: Ignored = None


L4Resource = TCPRoute | TLSRoute | UDPRoute
