"""Filters of the API to the plain filters of the snapshot."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from proxy.filters.cors import normal
from proxy.resources.httproute import (
    HTTPCORSFilter,
    HTTPExternalAuthFilter,
    HTTPHeader,
    HTTPHeaderFilter,
    HTTPPathModifier,
    HTTPRequestMirrorFilter,
    HTTPRouteFilter,
)
from proxy.resources.meta import BackendObjectReference, LocalObjectReference
from proxy.snapshot.route import (
    Cors,
    ExternalAuth,
    Fail,
    Filter,
    HeaderModifier,
    Mirror,
    PathModifier,
    Redirect,
    Rewrite,
)
from proxy.translate.compile.octets import octets
from proxy.translate.extensions import EXTENSIONS
from proxy.translate.graph.nodes import ExtensionNode, FilterBackendNode, RuleNode

UNRESOLVED = Fail("filter_unresolved")
"""Stands for a filter whose reference leads nowhere: such a filter is never skipped (HTTPRouteFilter)."""
INVALID = Fail("rule_invalid")
"""Stands for all that a refused rule would do."""


class References(NamedTuple):
    """Where the references of a rule's filters lead."""

    backends: Mapping[BackendObjectReference, FilterBackendNode]
    extensions: Mapping[LocalObjectReference, ExtensionNode]

    @classmethod
    def of(cls, rule: RuleNode) -> "References":
        return cls({node.ref: node for node in rule.filter_backends}, {node.ref: node for node in rule.extensions})


def compile_filters(filters: tuple[HTTPRouteFilter, ...], prefix: bytes, refs: References) -> tuple[Filter, ...]:
    """In the order listed. `prefix` is the PathPrefix that ReplacePrefixMatch replaces.

    A mirror whose reference leads nowhere is dropped (HTTPRequestMirrorFilter.backendRef); nothing else ever is.
    """
    compiled: list[Filter] = []
    for item in filters:
        if item.type == "RequestMirror" and item.request_mirror:
            compiled += _mirror(item.request_mirror, refs.backends[item.request_mirror.backend_ref])
        elif item.type == "ExternalAuth" and item.external_auth:
            compiled.append(_external_auth(item.external_auth, refs.backends[item.external_auth.backend_ref]))
        elif item.type == "ExtensionRef" and item.extension_ref:
            compiled.append(_extension(refs.extensions[item.extension_ref]))
        else:
            compiled.append(_compile(item, prefix))
    return tuple(compiled)


def _mirror(filter: HTTPRequestMirrorFilter, node: FilterBackendNode) -> Iterator[Mirror]:
    if node.target.broken is None:
        share = (1, 1)
        if filter.percent is not None:
            share = (filter.percent, 100)
        elif filter.fraction is not None:
            share = (filter.fraction.numerator, filter.fraction.denominator)
        yield Mirror(node.key.label, node.target.upstream, *share)


def _external_auth(filter: HTTPExternalAuthFilter, node: FilterBackendNode) -> Filter:
    """Protocol HTTP; with any other the rule is refused."""
    if node.target.broken is not None or filter.http is None:
        return UNRESOLVED
    http, body = filter.http, filter.forward_body
    return ExternalAuth(
        node.key.label,
        node.target.upstream,
        octets((http.path or "").removesuffix("/")),
        _names(http.allowed_headers),
        _names(http.allowed_response_headers),
        (body.max_size or 0) if body is not None else 0,
    )


def _extension(node: ExtensionNode) -> Filter:
    resource = node.target.resource
    return UNRESOLVED if resource is None else EXTENSIONS[resource.kind].compile(resource)


def _names(names: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(octets(name.lower()) for name in names))


def _compile(item: HTTPRouteFilter, prefix: bytes) -> Filter:
    """A row for each type that `graph.filters.CHECKS` lets through; anything else fails its requests."""
    if item.type == "RequestHeaderModifier" and item.request_header_modifier:
        return _headers("request", item.request_header_modifier)
    if item.type == "ResponseHeaderModifier" and item.response_header_modifier:
        return _headers("response", item.response_header_modifier)
    if item.type == "RequestRedirect" and item.request_redirect:
        redirect = item.request_redirect
        return Redirect(
            status=redirect.status_code,
            scheme=redirect.scheme,
            hostname=redirect.hostname.lower() if redirect.hostname else None,
            port=redirect.port,
            path=_path(redirect.path, prefix),
        )
    if item.type == "URLRewrite" and item.url_rewrite:
        hostname = item.url_rewrite.hostname
        return Rewrite(hostname.lower() if hostname else None, _path(item.url_rewrite.path, prefix))
    if item.type == "CORS" and item.cors:
        return _cors(item.cors)
    return UNRESOLVED


def _cors(cors: HTTPCORSFilter) -> Cors:
    return Cors(
        origins=tuple(dict.fromkeys(normal(octets(origin)) for origin in cors.allow_origins)),
        methods=tuple(map(octets, cors.allow_methods)),
        headers=tuple(map(octets, cors.allow_headers)),
        expose=tuple(map(octets, cors.expose_headers)),
        credentials=bool(cors.allow_credentials),
        max_age=cors.max_age,
    )


def _headers(on: Literal["request", "response"], modifier: HTTPHeaderFilter) -> HeaderModifier:
    return HeaderModifier(
        on=on,
        set=_pairs(modifier.set),
        add=_pairs(modifier.add),
        remove=_names(modifier.remove),
    )


def _pairs(headers: tuple[HTTPHeader, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Names lower-case; of equal names the first entry counts (HTTPHeader.name)."""
    first: dict[bytes, bytes] = {}
    for header in headers:
        first.setdefault(octets(header.name.lower()), octets(header.value))
    return tuple(first.items())


def _path(modifier: HTTPPathModifier | None, prefix: bytes) -> PathModifier | None:
    if modifier is None:
        return None
    if modifier.type == "ReplaceFullPath":
        return PathModifier("full", octets(modifier.replace_full_path or "/"))
    return PathModifier("prefix", octets(modifier.replace_prefix_match or ""), prefix)
