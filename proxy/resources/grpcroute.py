"""GRPCRoute (gateway.networking.k8s.io): calls by service, method and metadata, and where they go.

It is an HTTPRoute in all but its matches, so what both have in common has one model, and `as_httproute` shows the
one as the other: the same checks, filters and backends serve both.
"""

from typing import Annotated, Literal

from msgspec import Meta

from proxy.resources.fields import Hostname, SectionName, Weight
from proxy.resources.httproute import (
    HTTPBackendRef,
    HTTPHeaderFilter,
    HTTPHeaderMatch,
    HTTPRequestMirrorFilter,
    HTTPRoute,
    HTTPRouteFilter,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteSpec,
    ParentReference,
)
from proxy.resources.meta import BackendObjectReference, Ignored, LocalObjectReference, Model, Resource
from proxy.resources.session import SessionPersistence

ServiceText = Annotated[str, Meta(max_length=1024, description="a gRPC service such as com.example.User")]
MethodText = Annotated[str, Meta(max_length=1024, description="a gRPC method such as Login")]


class GRPCMethodMatch(Model, frozen=True):
    """matches[].method: service, method, or both."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    service: ServiceText | None = None
    method: MethodText | None = None


class GRPCRouteMatch(Model, frozen=True):
    """All of it must hold. Without anything every call does."""

    method: GRPCMethodMatch | None = None
    headers: Annotated[tuple[HTTPHeaderMatch, ...], Meta(max_length=16)] = ()


class GRPCRouteFilter(Model, frozen=True):
    """One filter: `type` names the one field that is set."""

    type: Literal["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"]
    request_header_modifier: HTTPHeaderFilter | None = None
    response_header_modifier: HTTPHeaderFilter | None = None
    request_mirror: HTTPRequestMirrorFilter | None = None
    extension_ref: LocalObjectReference | None = None


class GRPCBackendRef(BackendObjectReference, frozen=True):
    """A backend and its share of the calls: weight / sum of weights."""

    weight: Weight = 1
    filters: Annotated[tuple[GRPCRouteFilter, ...], Meta(max_length=16)] = ()


class GRPCRouteRule(Model, frozen=True):
    """Any of `matches` leads here, every call where there are none."""

    name: SectionName | None = None
    matches: Annotated[tuple[GRPCRouteMatch, ...], Meta(max_length=64)] = ()
    filters: Annotated[tuple[GRPCRouteFilter, ...], Meta(max_length=16)] = ()
    backend_refs: Annotated[tuple[GRPCBackendRef, ...], Meta(max_length=16)] = ()
    session_persistence: SessionPersistence | None = None


class GRPCRouteSpec(Model, frozen=True):
    """GRPCRoute.spec. Without hostnames, every hostname of the listeners; without rules, nothing."""

    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=16)] = ()
    rules: Annotated[tuple[GRPCRouteRule, ...], Meta(max_length=16)] = ()
    use_default_gateways: Literal["All", "None"] | None = None


class GRPCRoute(Resource, frozen=True):
    """Rules that decide where gRPC calls go."""

    spec: GRPCRouteSpec
    status: Ignored = None


# --- as an HTTPRoute --------------------------------------------------------------------------


def as_httproute(route: GRPCRoute) -> HTTPRoute:
    """The same with the same fields at the same places, but for the methods, of which its matches say nothing."""
    spec = route.spec
    rules = tuple(map(_rule, spec.rules))
    shown = HTTPRouteSpec(spec.parent_refs, spec.hostnames, rules, spec.use_default_gateways)
    return HTTPRoute(api_version=route.api_version, kind=route.kind, metadata=route.metadata, spec=shown)


def _rule(rule: GRPCRouteRule) -> HTTPRouteRule:
    return HTTPRouteRule(
        name=rule.name,
        matches=tuple(HTTPRouteMatch(headers=match.headers) for match in rule.matches),
        filters=tuple(map(_filter, rule.filters)),
        backend_refs=tuple(map(_backend_ref, rule.backend_refs)),
        session_persistence=rule.session_persistence,
    )


def _backend_ref(ref: GRPCBackendRef) -> HTTPBackendRef:
    filters = tuple(map(_filter, ref.filters))
    return HTTPBackendRef(ref.name, ref.group, ref.kind, ref.namespace, ref.port, ref.weight, filters)


def _filter(item: GRPCRouteFilter) -> HTTPRouteFilter:
    return HTTPRouteFilter(
        item.type,
        request_header_modifier=item.request_header_modifier,
        response_header_modifier=item.response_header_modifier,
        request_mirror=item.request_mirror,
        extension_ref=item.extension_ref,
    )
