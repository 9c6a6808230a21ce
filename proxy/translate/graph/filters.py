"""Filters of a rule or a backendRef: known, sound each by itself, and possible together."""

import re
from collections.abc import Callable, Iterator

from proxy.resources.httproute import HTTPHeaderFilter, HTTPPathModifier, HTTPRouteFilter
from proxy.translate.graph import route_conditions as c
from proxy.translate.graph.conditions import Finding, advice, unsupported_value
from proxy.translate.graph.external_auth import check_external_auth
from proxy.translate.graph.header_names import CONNECTION_HEADERS, is_token
from proxy.translate.graph.listeners import is_hostname

_ORIGIN = re.compile(
    r"\*|https?://(?:\*|(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

REPEATABLE = frozenset(("RequestMirror", "ExtensionRef"))


def check_filters(field: str, filters: tuple[HTTPRouteFilter, ...], *, one_prefix: bool) -> Iterator[Finding]:
    """`one_prefix`: the rule has exactly one match, a PathPrefix, so ReplacePrefixMatch has a meaning."""
    seen: set[str] = set()
    for i, item in enumerate(filters):
        at = f"{field}[{i}]"
        yield from CHECKS[item.type](at, item, one_prefix)
        if item.type in seen and item.type not in REPEATABLE:
            yield c.incompatible_filters(at, f"{item.type} is given twice", "merge the two into one")
        seen.add(item.type)
    if {"RequestRedirect", "URLRewrite"} <= seen:
        yield c.incompatible_filters(
            field, "RequestRedirect and URLRewrite exclude each other", "keep one, or split the rule in two"
        )


def _missing(field: str, item: HTTPRouteFilter, name: str) -> Finding:
    return unsupported_value(f"{field}.{name}", f"type {item.type} needs it", f"add {name}:")


# --- header modifiers -------------------------------------------------------------------------


def _request_headers(field: str, item: HTTPRouteFilter, _: bool) -> Iterator[Finding]:
    modifier = item.request_header_modifier
    if modifier is None:
        yield _missing(field, item, "requestHeaderModifier")
        return
    yield from _header_names(f"{field}.requestHeaderModifier", modifier)
    for place, name in _changed(modifier):
        if name == "host":
            yield unsupported_value(
                f"{field}.requestHeaderModifier.{place}",
                "Host is not changed as a header",
                "use URLRewrite with hostname",
            )


def _response_headers(field: str, item: HTTPRouteFilter, _: bool) -> Iterator[Finding]:
    if item.response_header_modifier is None:
        yield _missing(field, item, "responseHeaderModifier")
    else:
        yield from _header_names(f"{field}.responseHeaderModifier", item.response_header_modifier)


def _changed(modifier: HTTPHeaderFilter) -> Iterator[tuple[str, str]]:
    """(place, lower-case name) of every header that is changed."""
    yield from ((f"set[{i}].name", header.name.lower()) for i, header in enumerate(modifier.set))
    yield from ((f"add[{i}].name", header.name.lower()) for i, header in enumerate(modifier.add))
    yield from ((f"remove[{i}]", name.lower()) for i, name in enumerate(modifier.remove))


def _header_names(field: str, modifier: HTTPHeaderFilter) -> Iterator[Finding]:
    action: dict[str, str] = {}
    for place, name in _changed(modifier):
        kind = place.partition("[")[0]
        at = f"{field}.{place}"
        if not is_token(name):
            yield unsupported_value(at, f"{name!r} is not a header name", "use letters, digits and -")
        elif name in CONNECTION_HEADERS:
            yield unsupported_value(at, f"{name} belongs to the connection", "remove this entry")
        elif name not in action:
            action[name] = kind
        elif action[name] != kind:
            yield unsupported_value(
                at, f"{name} is also in {action[name]}", "name a header in only one of set, add and remove"
            )
        else:
            yield advice(at, f"{name} is there twice; the first entry counts", "remove this entry")
    yield from _header_values(field, modifier)


def _header_values(field: str, modifier: HTTPHeaderFilter) -> Iterator[Finding]:
    for kind, headers in (("set", modifier.set), ("add", modifier.add)):
        for i, header in enumerate(headers):
            if _CONTROL.search(header.value):
                at = f"{field}.{kind}[{i}].value"
                yield unsupported_value(at, "the value holds control characters", "remove them")


# --- redirect and rewrite ---------------------------------------------------------------------


def _redirect(field: str, item: HTTPRouteFilter, one_prefix: bool) -> Iterator[Finding]:
    redirect = item.request_redirect
    if redirect is None:
        yield _missing(field, item, "requestRedirect")
        return
    field = f"{field}.requestRedirect"
    yield from _hostname(field, redirect.hostname)
    yield from _path(field, redirect.path, one_prefix)
    if redirect.port is not None and not 1 <= redirect.port <= 65535:
        yield unsupported_value(f"{field}.port", f"{redirect.port} is not a port", "use 1 to 65535")


def _rewrite(field: str, item: HTTPRouteFilter, one_prefix: bool) -> Iterator[Finding]:
    if item.url_rewrite is None:
        yield _missing(field, item, "urlRewrite")
        return
    yield from _hostname(f"{field}.urlRewrite", item.url_rewrite.hostname)
    yield from _path(f"{field}.urlRewrite", item.url_rewrite.path, one_prefix)


def _hostname(field: str, hostname: str | None) -> Iterator[Finding]:
    if hostname is not None and (not is_hostname(hostname.lower()) or hostname.startswith("*")):
        yield unsupported_value(f"{field}.hostname", f"{hostname!r} is not a DNS name", "write a name without *")


def _path(field: str, path: HTTPPathModifier | None, one_prefix: bool) -> Iterator[Finding]:
    if path is None:
        return
    if path.type == "ReplaceFullPath":
        if path.replace_full_path is None:
            yield unsupported_value(f"{field}.path", "type ReplaceFullPath needs replaceFullPath", "add it")
    elif path.replace_prefix_match is None:
        yield unsupported_value(f"{field}.path", "type ReplacePrefixMatch needs replacePrefixMatch", "add it")
    elif not one_prefix:
        yield unsupported_value(
            f"{field}.path",
            "ReplacePrefixMatch needs a rule with exactly one match, of type PathPrefix",
            "give each match a rule of its own, or use ReplaceFullPath",
        )


# --- mirror -----------------------------------------------------------------------------------


def _mirror(field: str, item: HTTPRouteFilter, _: bool) -> Iterator[Finding]:
    """Its share. Where the reference leads is looked up with the backends of the rule."""
    mirror = item.request_mirror
    if mirror is None:
        yield _missing(field, item, "requestMirror")
        return
    field = f"{field}.requestMirror"
    if mirror.percent is not None and mirror.fraction is not None:
        yield unsupported_value(f"{field}.fraction", "percent is given as well", "keep one of the two")
    if mirror.percent is not None and not 0 <= mirror.percent <= 100:
        yield unsupported_value(f"{field}.percent", f"{mirror.percent} is not a percentage", "use 0 to 100")
    if mirror.fraction is not None and not 0 <= mirror.fraction.numerator <= mirror.fraction.denominator:
        share = f"{mirror.fraction.numerator}/{mirror.fraction.denominator}"
        yield unsupported_value(f"{field}.fraction", f"{share} is not between 0 and 1", "lower the numerator")
    if mirror.fraction is not None and mirror.fraction.denominator < 1:
        yield unsupported_value(f"{field}.fraction.denominator", "it must be at least 1", "100 is the default")


# --- CORS -------------------------------------------------------------------------------------


def _cors(field: str, item: HTTPRouteFilter, _: bool) -> Iterator[Finding]:
    cors = item.cors
    if cors is None:
        yield _missing(field, item, "cors")
        return
    field = f"{field}.cors"
    if not cors.allow_origins:
        yield advice(f"{field}.allowOrigins", "no origin is allowed, so no page may read the answers", "add one")
    for i, origin in enumerate(cors.allow_origins):
        if not _is_origin(origin):
            example = "write https://shop.example.com, https://*.example.com:8443, or *"
            yield unsupported_value(f"{field}.allowOrigins[{i}]", f"{origin!r} is not an origin", example)
    for name, values in (
        ("allowOrigins", cors.allow_origins),
        ("allowMethods", cors.allow_methods),
        ("allowHeaders", cors.allow_headers),
    ):
        if "*" in values and len(values) > 1:
            yield unsupported_value(f"{field}.{name}", '"*" means all and must stand alone', "remove the others")
    for name, headers in (("allowHeaders", cors.allow_headers), ("exposeHeaders", cors.expose_headers)):
        for i, header in enumerate(headers):
            if not is_token(header):
                what = f"{header!r} is not a header name"
                yield unsupported_value(f"{field}.{name}[{i}]", what, "use letters, digits and -")
    if cors.max_age < 1:
        yield unsupported_value(f"{field}.maxAge", f"{cors.max_age} is not a time", "use 1 second or more")


def _is_origin(origin: str) -> bool:
    found = _ORIGIN.fullmatch(origin)
    return found is not None and (found["port"] is None or 1 <= int(found["port"]) <= 65535)


# --- those that lead elsewhere ------------------------------------------------------------------


def _external_auth(field: str, item: HTTPRouteFilter, _: bool) -> Iterator[Finding]:
    """Where the reference leads is looked up with the backends of the rule."""
    if item.external_auth is None:
        yield _missing(field, item, "externalAuth")
    else:
        yield from check_external_auth(f"{field}.externalAuth", item.external_auth)


def _extension(field: str, item: HTTPRouteFilter, _: bool) -> Iterator[Finding]:
    """Where the reference leads is looked up with the backends of the rule."""
    if item.extension_ref is None:
        yield _missing(field, item, "extensionRef")


Check = Callable[[str, HTTPRouteFilter, bool], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "RequestHeaderModifier": _request_headers,
    "ResponseHeaderModifier": _response_headers,
    "RequestRedirect": _redirect,
    "URLRewrite": _rewrite,
    "RequestMirror": _mirror,
    "CORS": _cors,
    "ExternalAuth": _external_auth,
    "ExtensionRef": _extension,
}
"""The filters that this version serves, and what each must hold."""
