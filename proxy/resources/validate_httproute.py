"""HTTPRoute: rules across fields, in the order in which they are written."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from proxy.resources.duration import seconds
from proxy.resources.gateway import GROUP
from proxy.resources.httproute import (
    HTTPBackendRef,
    HTTPCORSFilter,
    HTTPExternalAuthFilter,
    HTTPHeader,
    HTTPHeaderFilter,
    HTTPHeaderMatch,
    HTTPPathMatch,
    HTTPPathModifier,
    HTTPQueryParamMatch,
    HTTPRequestMirrorFilter,
    HTTPRoute,
    HTTPRouteFilter,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteSpec,
    ParentReference,
)
from proxy.resources.meta import BackendObjectReference
from proxy.resources.problem import Finding, Path
from proxy.resources.validate_session import validate_session

MAX_MATCHES: Final = 128
"""Of all rules of a route together."""
PORT_NEEDED: Final = "required when the backend is a Service"
_PATH_CHARACTERS = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+\Z")

FILTER_FIELDS: Final[dict[str, tuple[str, Callable[[HTTPRouteFilter], object]]]] = {
    "RequestHeaderModifier": ("requestHeaderModifier", lambda item: item.request_header_modifier),
    "ResponseHeaderModifier": ("responseHeaderModifier", lambda item: item.response_header_modifier),
    "RequestMirror": ("requestMirror", lambda item: item.request_mirror),
    "RequestRedirect": ("requestRedirect", lambda item: item.request_redirect),
    "URLRewrite": ("urlRewrite", lambda item: item.url_rewrite),
    "ExtensionRef": ("extensionRef", lambda item: item.extension_ref),
    "CORS": ("cors", lambda item: item.cors),
    "ExternalAuth": ("externalAuth", lambda item: item.external_auth),
}
"""Filter type to the field that belongs to it."""
REPEATABLE: Final = frozenset({"RequestMirror", "ExtensionRef", "ExternalAuth"})


def validate_httproute(route: HTTPRoute) -> Iterator[Finding]:
    spec = route.spec
    yield from validate_parent_refs(spec.parent_refs)
    yield from _rule_names(spec)
    total = sum(len(rule.matches) for rule in spec.rules)
    if total > MAX_MATCHES:
        hint = "split the route in two"
        yield Finding(("spec", "rules"), f"{total} matches in all, at most {MAX_MATCHES} are allowed", hint)
    for index, rule in enumerate(spec.rules):
        yield from _rule(rule, ("spec", "rules", index))


def validate_parent_refs(refs: tuple[ParentReference, ...]) -> Iterator[Finding]:
    """Two references to one parent must each name a section or port, and not the same."""
    if len(refs) < 2:
        return
    seen: dict[tuple[str, str, str, str], list[ParentReference]] = {}
    for index, ref in enumerate(refs):
        path = ("spec", "parentRefs", index)
        others = seen.setdefault((ref.group, ref.kind, ref.namespace or "", ref.name), [])
        if any((ref.section_name or "", ref.port or 0) == (o.section_name or "", o.port or 0) for o in others):
            yield Finding(path, f'refers to "{ref.name}" the same way twice', "remove one, or name another section")
        elif any(_says(ref) != _says(other) for other in others):
            message = f'"{ref.name}" is referred to twice: both must set sectionName, or both port'
            yield Finding(path, message)
        others.append(ref)


def _says(ref: ParentReference) -> tuple[bool, bool]:
    return bool(ref.section_name), bool(ref.port)


def _rule_names(spec: HTTPRouteSpec) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, rule in enumerate(spec.rules):
        if rule.name is not None and first.setdefault(rule.name, index) != index:
            message = f'"{rule.name}" is the name of rules[{first[rule.name]}], too'
            yield Finding(("spec", "rules", index, "name"), message, "give every rule its own name")


def _rule(rule: HTTPRouteRule, path: Path) -> Iterator[Finding]:
    for index, match in enumerate(rule.matches):
        yield from _match(match, (*path, "matches", index))
    yield from _filters(rule.filters, (*path, "filters"))
    for index, ref in enumerate(rule.backend_refs):
        yield from _backend_ref(ref, (*path, "backendRefs", index))
    yield from _redirect_alone(rule, path)
    yield from _prefix_replaced(rule, path)
    if rule.timeouts is not None and rule.timeouts.request and rule.timeouts.backend_request:
        total, attempt = rule.timeouts.request, rule.timeouts.backend_request
        if seconds(total) and seconds(attempt) > seconds(total):
            where = (*path, "timeouts", "backendRequest")
            yield Finding(where, f"{attempt} is longer than the whole request may take ({total})")
    if rule.session_persistence is not None:
        yield from validate_session(rule.session_persistence, (*path, "sessionPersistence"))
    if rule.retry is not None:
        yield from _distinct(rule.retry.codes, (*path, "retry", "codes"))


# --- matches ----------------------------------------------------------------------------------


def _match(match: HTTPRouteMatch, path: Path) -> Iterator[Finding]:
    if match.path.type != "RegularExpression":
        yield from _path(match.path, (*path, "path", "value"))
    yield from _distinct_names(match.headers, (*path, "headers"))
    yield from _distinct_names(match.query_params, (*path, "queryParams"))


def _path(match: HTTPPathMatch, path: Path) -> Iterator[Finding]:
    value = match.value
    if not value.startswith("/"):
        hint = f'write "/{value}"' if value else 'write "/"'
        yield Finding(path, f'"{value}" must begin with "/" ({match.type})', hint)
        return
    for part in ("//", "/./", "/../", "%2f", "%2F", "#"):
        if part in value:
            yield Finding(path, f'must not contain "{part}" ({match.type})')
    for end in ("/.", "/.."):
        if value.endswith(end):
            yield Finding(path, f'must not end with "{end}" ({match.type})')
    if not _PATH_CHARACTERS.match(value) and "#" not in value:
        hint = "percent-encode what is not a letter, a digit or one of -._~!$&'()*+,;=:@/"
        yield Finding(path, f"{value!r} holds a character that a path cannot have", hint)


# --- filters ----------------------------------------------------------------------------------


def _filters(filters: tuple[HTTPRouteFilter, ...], path: Path) -> Iterator[Finding]:
    for index, item in enumerate(filters):
        yield from _filter(item, (*path, index))
    if len(filters) < 2:
        return
    for kind, count in Counter(item.type for item in filters).items():
        if count > 1 and kind not in REPEATABLE:
            yield Finding(path, f"{kind} can be used once, not {count} times", "put its settings in one filter")
    kinds = {item.type for item in filters}
    if {"RequestRedirect", "URLRewrite"} <= kinds:
        yield Finding(path, "RequestRedirect and URLRewrite cannot be used together", "a redirect can set the path")


def _filter(item: HTTPRouteFilter, path: Path) -> Iterator[Finding]:
    for kind, (field, read) in FILTER_FIELDS.items():
        if item.type == kind and read(item) is None:
            yield Finding((*path, field), f"required for type {kind}", at_key=True)
        elif item.type != kind and read(item) is not None:
            hint = f"set type to {kind}, or remove {field}"
            yield Finding((*path, field), f"not allowed with type {item.type}", hint, at_key=True)
    if item.request_header_modifier is not None:
        yield from _headers(item.request_header_modifier, (*path, "requestHeaderModifier"))
    if item.response_header_modifier is not None:
        yield from _headers(item.response_header_modifier, (*path, "responseHeaderModifier"))
    if item.request_mirror is not None:
        yield from _mirror(item.request_mirror, (*path, "requestMirror"))
    if item.cors is not None:
        yield from _cors(item.cors, (*path, "cors"))
    if item.external_auth is not None:
        yield from _external_auth(item.external_auth, (*path, "externalAuth"))
    if item.request_redirect is not None and item.request_redirect.path is not None:
        yield from _modifier(item.request_redirect.path, (*path, "requestRedirect", "path"))
    if item.url_rewrite is not None and item.url_rewrite.path is not None:
        yield from _modifier(item.url_rewrite.path, (*path, "urlRewrite", "path"))


def _headers(headers: HTTPHeaderFilter, path: Path) -> Iterator[Finding]:
    yield from _distinct_names(headers.set, (*path, "set"))
    yield from _distinct_names(headers.add, (*path, "add"))
    yield from _distinct(headers.remove, (*path, "remove"))


def _modifier(modifier: HTTPPathModifier, path: Path) -> Iterator[Finding]:
    for kind, field, value in (
        ("ReplaceFullPath", "replaceFullPath", modifier.replace_full_path),
        ("ReplacePrefixMatch", "replacePrefixMatch", modifier.replace_prefix_match),
    ):
        if modifier.type == kind and value is None:
            yield Finding((*path, field), f"required for type {kind}", at_key=True)
        elif modifier.type != kind and value is not None:
            hint = f"set type to {kind}, or remove {field}"
            yield Finding((*path, field), f"not allowed with type {modifier.type}", hint, at_key=True)


def _mirror(mirror: HTTPRequestMirrorFilter, path: Path) -> Iterator[Finding]:
    if mirror.percent is not None and mirror.fraction is not None:
        yield Finding((*path, "fraction"), "only one of percent and fraction can be set", at_key=True)
    if mirror.fraction is not None and mirror.fraction.numerator > mirror.fraction.denominator:
        yield Finding((*path, "fraction", "numerator"), "must not be larger than the denominator")
    yield from _needs_port(mirror.backend_ref, (*path, "backendRef"))


def _cors(cors: HTTPCORSFilter, path: Path) -> Iterator[Finding]:
    for field, values in (
        ("allowOrigins", cors.allow_origins),
        ("allowMethods", cors.allow_methods),
        ("allowHeaders", cors.allow_headers),
    ):
        if "*" in values and len(values) > 1:
            yield Finding((*path, field), '"*" means all and must stand alone')
        yield from _distinct(values, (*path, field))
    yield from _distinct(cors.expose_headers, (*path, "exposeHeaders"))


def _external_auth(auth: HTTPExternalAuthFilter, path: Path) -> Iterator[Finding]:
    for protocol, field, value in (("GRPC", "grpc", auth.grpc), ("HTTP", "http", auth.http)):
        if auth.protocol == protocol and value is None:
            yield Finding((*path, field), f"required for protocol {protocol}", f"{field}: {{}} will do", at_key=True)
        elif auth.protocol != protocol and value is not None:
            yield Finding((*path, field), f"not allowed with protocol {auth.protocol}", at_key=True)
    if auth.http is not None and auth.http.path is not None and not _PATH_CHARACTERS.match(auth.http.path):
        yield Finding((*path, "http", "path"), "holds a character that a path cannot have")
    if auth.http is not None:
        yield from _distinct(auth.http.allowed_headers, (*path, "http", "allowedHeaders"))
        yield from _distinct(auth.http.allowed_response_headers, (*path, "http", "allowedResponseHeaders"))
    if auth.grpc is not None:
        yield from _distinct(auth.grpc.allowed_headers, (*path, "grpc", "allowedHeaders"))
    yield from _needs_port(auth.backend_ref, (*path, "backendRef"))


# --- rules ------------------------------------------------------------------------------------


def _backend_ref(ref: HTTPBackendRef, path: Path) -> Iterator[Finding]:
    yield from _needs_port(ref, path)
    yield from _filters(ref.filters, (*path, "filters"))


def _needs_port(ref: BackendObjectReference, path: Path) -> Iterator[Finding]:
    if ref.kind == "Service" and ref.group == "" and ref.port is None:
        yield Finding((*path, "port"), PORT_NEEDED, "give the port of the Service", at_key=True)
    if ref.kind == "Service" and ref.group == GROUP:
        yield Finding(
            (*path, "group"), "Service is in the core group", 'write group: "" or leave it out', severity="warning"
        )


def _redirect_alone(rule: HTTPRouteRule, path: Path) -> Iterator[Finding]:
    if rule.backend_refs and any(item.request_redirect is not None for item in rule.filters):
        message = "RequestRedirect cannot be used together with backendRefs"
        yield Finding((*path, "backendRefs"), message, "a redirect answers by itself: remove one of them", at_key=True)


def _prefix_replaced(rule: HTTPRouteRule, path: Path) -> Iterator[Finding]:
    """ReplacePrefixMatch needs to know which prefix: the rule must have exactly one match, a PathPrefix."""
    if len(rule.matches) == 1 and rule.matches[0].path.type == "PathPrefix":
        return
    message = "ReplacePrefixMatch needs a rule with exactly one match, of path type PathPrefix"
    for where, item in _all_filters(rule, path):
        for field, holder in (("requestRedirect", item.request_redirect), ("urlRewrite", item.url_rewrite)):
            if holder is not None and holder.path is not None and holder.path.type == "ReplacePrefixMatch":
                yield Finding((*where, field, "path"), message, "split the rule, one match each")


def _all_filters(rule: HTTPRouteRule, path: Path) -> Iterator[tuple[Path, HTTPRouteFilter]]:
    for index, item in enumerate(rule.filters):
        yield (*path, "filters", index), item
    for number, ref in enumerate(rule.backend_refs):
        for index, item in enumerate(ref.filters):
            yield (*path, "backendRefs", number, "filters", index), item


# --- lists ------------------------------------------------------------------------------------

Named = HTTPHeader | HTTPHeaderMatch | HTTPQueryParamMatch


def _distinct_names(items: Sequence[Named], path: Path) -> Iterator[Finding]:
    """listType=map with key `name`: names differ, as written."""
    if len(items) < 2:
        return
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = item.name
        if name in seen:
            yield Finding((*path, index, "name"), f'"{name}" is listed twice', "only one entry per name")
        seen.add(name)


def _distinct(values: Iterable[object], path: Path) -> Iterator[Finding]:
    """listType=set: no value twice."""
    seen: set[object] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Finding((*path, index), f'"{value}" is listed twice')
        seen.add(value)
