"""HTTPRoute (gateway.networking.k8s.io): matches, filters, backends, and what else a rule can say.

The whole field tree is here, experimental fields included; what a version does not serve yet is
said by `translate`, not hidden by the model.
"""

from typing import Annotated, Literal

from msgspec import Meta

from proxy.resources.fields import (
    MAX_INT32,
    MAX_INT64,
    CorsOrigin,
    Duration,
    Group,
    HeaderName,
    HeaderValue,
    Hostname,
    KindName,
    Name,
    NamespaceName,
    PathValue,
    Port,
    PreciseHostname,
    QueryName,
    QueryValue,
    RetryCode,
    SectionName,
    Weight,
)
from proxy.resources.gateway import GROUP
from proxy.resources.meta import BackendObjectReference, Ignored, LocalObjectReference, Model, Resource
from proxy.resources.session import SessionPersistence


class ParentReference(Model, frozen=True):
    """Where a route wants to attach. None of section name and port: to every listener."""

    name: Name
    group: Group = GROUP
    kind: KindName = "Gateway"
    namespace: NamespaceName | None = None
    section_name: SectionName | None = None
    port: Port | None = None


# --- matches ----------------------------------------------------------------------------------


class HTTPPathMatch(Model, frozen=True):
    """matches[].path."""

    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    value: PathValue = "/"


class HTTPHeaderMatch(Model, frozen=True):
    """matches[].headers[]."""

    name: HeaderName
    value: HeaderValue
    type: Literal["Exact", "RegularExpression"] = "Exact"


class HTTPQueryParamMatch(Model, frozen=True):
    """matches[].queryParams[]."""

    name: QueryName
    value: QueryValue
    type: Literal["Exact", "RegularExpression"] = "Exact"


HTTPMethod = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]


class HTTPRouteMatch(Model, frozen=True):
    """All of it must hold."""

    path: HTTPPathMatch = HTTPPathMatch()
    headers: Annotated[tuple[HTTPHeaderMatch, ...], Meta(max_length=16)] = ()
    query_params: Annotated[tuple[HTTPQueryParamMatch, ...], Meta(max_length=16)] = ()
    method: HTTPMethod | None = None


# --- filters ----------------------------------------------------------------------------------


class HTTPHeader(Model, frozen=True):
    """A header to set or add."""

    name: HeaderName
    value: HeaderValue


class HTTPHeaderFilter(Model, frozen=True):
    """requestHeaderModifier, responseHeaderModifier."""

    set: Annotated[tuple[HTTPHeader, ...], Meta(max_length=16)] = ()
    add: Annotated[tuple[HTTPHeader, ...], Meta(max_length=16)] = ()
    remove: Annotated[tuple[HeaderName, ...], Meta(max_length=16)] = ()


class HTTPPathModifier(Model, frozen=True):
    """The path of a redirect or rewrite; `type` says which of the two fields is meant."""

    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"]
    replace_full_path: PathValue | None = None
    replace_prefix_match: PathValue | None = None


class HTTPRequestRedirectFilter(Model, frozen=True):
    """requestRedirect: what is None stays as the request had it."""

    scheme: Literal["http", "https"] | None = None
    hostname: PreciseHostname | None = None
    path: HTTPPathModifier | None = None
    port: Port | None = None
    status_code: Literal[301, 302, 303, 307, 308] = 302


class HTTPURLRewriteFilter(Model, frozen=True):
    """urlRewrite."""

    hostname: PreciseHostname | None = None
    path: HTTPPathModifier | None = None


class Fraction(Model, frozen=True):
    """numerator / denominator of the requests."""

    numerator: Annotated[int, Meta(ge=0, le=MAX_INT32)]
    denominator: Annotated[int, Meta(ge=1, le=MAX_INT32)] = 100


class HTTPRequestMirrorFilter(Model, frozen=True):
    """requestMirror: without percent and fraction, every request."""

    backend_ref: BackendObjectReference
    percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    fraction: Fraction | None = None


CorsMethod = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"]


class HTTPCORSFilter(Model, frozen=True):
    """cors."""

    allow_origins: Annotated[tuple[CorsOrigin, ...], Meta(max_length=64)] = ()
    allow_credentials: bool | None = None
    allow_methods: Annotated[tuple[CorsMethod, ...], Meta(max_length=9)] = ()
    allow_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()
    expose_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()
    max_age: Annotated[int, Meta(ge=1, le=MAX_INT32)] = 5
    """Seconds."""


class GRPCAuthConfig(Model, frozen=True):
    """externalAuth.grpc."""

    allowed_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()


class HTTPAuthConfig(Model, frozen=True):
    """externalAuth.http."""

    path: PathValue | None = None
    allowed_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    allowed_response_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()


class ForwardBodyConfig(Model, frozen=True):
    """externalAuth.forwardBody."""

    max_size: Annotated[int, Meta(ge=0)] | None = None
    """Bytes; None or 0 forwards no body."""


class HTTPExternalAuthFilter(Model, frozen=True):
    """externalAuth (experimental)."""

    protocol: Literal["HTTP", "GRPC"]
    backend_ref: BackendObjectReference
    grpc: GRPCAuthConfig | None = None
    http: HTTPAuthConfig | None = None
    forward_body: ForwardBodyConfig | None = None


HTTPRouteFilterType = Literal[
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestMirror",
    "RequestRedirect",
    "URLRewrite",
    "ExtensionRef",
    "CORS",
    "ExternalAuth",
]


class HTTPRouteFilter(Model, frozen=True):
    """One filter: `type` names the one field that is set."""

    type: HTTPRouteFilterType
    request_header_modifier: HTTPHeaderFilter | None = None
    response_header_modifier: HTTPHeaderFilter | None = None
    request_mirror: HTTPRequestMirrorFilter | None = None
    request_redirect: HTTPRequestRedirectFilter | None = None
    url_rewrite: HTTPURLRewriteFilter | None = None
    cors: HTTPCORSFilter | None = None
    external_auth: HTTPExternalAuthFilter | None = None
    extension_ref: LocalObjectReference | None = None


# --- rules ------------------------------------------------------------------------------------


class HTTPBackendRef(BackendObjectReference, frozen=True):
    """A backend and its share of the requests: weight / sum of weights."""

    weight: Weight = 1
    filters: Annotated[tuple[HTTPRouteFilter, ...], Meta(max_length=16)] = ()


class HTTPRouteTimeouts(Model, frozen=True):
    """Durations as GEP-2257 writes them; "0s" is no limit."""

    request: Duration | None = None
    backend_request: Duration | None = None


class HTTPRouteRetry(Model, frozen=True):
    """retry (experimental)."""

    codes: tuple[RetryCode, ...] = ()
    attempts: Annotated[int, Meta(ge=1, le=MAX_INT64)] | None = None
    backoff: Duration | None = None


class HTTPRouteRule(Model, frozen=True):
    """Any of `matches` leads here; filters and backends are what happens then."""

    name: SectionName | None = None
    matches: Annotated[tuple[HTTPRouteMatch, ...], Meta(max_length=64)] = (HTTPRouteMatch(),)
    filters: Annotated[tuple[HTTPRouteFilter, ...], Meta(max_length=16)] = ()
    backend_refs: Annotated[tuple[HTTPBackendRef, ...], Meta(max_length=16)] = ()
    timeouts: HTTPRouteTimeouts | None = None
    retry: HTTPRouteRetry | None = None
    session_persistence: SessionPersistence | None = None


class HTTPRouteSpec(Model, frozen=True):
    """HTTPRoute.spec. Without hostnames, every hostname of the listeners."""

    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=16)] = ()
    rules: Annotated[tuple[HTTPRouteRule, ...], Meta(min_length=1, max_length=16)] = (HTTPRouteRule(),)
    use_default_gateways: Literal["All", "None"] | None = None


class HTTPRoute(Resource, frozen=True):
    """Rules that decide where requests go."""

    spec: HTTPRouteSpec
    status: Ignored = None
