"""ExternalAuth filters by themselves: a protocol that is served, and settings that can be followed."""

import re
from collections.abc import Iterator

from proxy.resources.httproute import HTTPAuthConfig, HTTPExternalAuthFilter
from proxy.translate.graph import route_conditions as c
from proxy.translate.graph.conditions import Finding, advice, unsupported_value
from proxy.translate.graph.header_names import CONNECTION_HEADERS, is_token

MAX_BODY = 1024 * 1024
"""Octets of forwardBody.maxSize: all of it is kept in memory, for each request that is asked about."""
NEVER_COPIED = CONNECTION_HEADERS | {"host", "via"}
"""What no answer of an authorization server changes in a request (HTTPAuthConfig.allowedResponseHeaders)."""

_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_HIDDEN = re.compile(r"//|(?:^|/)\.{1,2}(?:/|$)|%(?:2[fFeE]|5[cC])")
"""Empty and dot segments, and what decodes to them or to a separator."""


def check_external_auth(field: str, auth: HTTPExternalAuthFilter) -> Iterator[Finding]:
    """The rules of the CRD again, for sources that are laxer, and those that it cannot say."""
    for protocol, part, given in (("HTTP", "http", auth.http), ("GRPC", "grpc", auth.grpc)):
        if auth.protocol == protocol and given is None:
            yield unsupported_value(f"{field}.{part}", f"protocol {protocol} needs it", f"add {part}: {{}}")
        elif auth.protocol != protocol and given is not None:
            yield unsupported_value(f"{field}.{part}", f"not possible with protocol {auth.protocol}", "remove it")
    if auth.protocol == "GRPC":
        yield c.grpc_not_served(f"{field}.protocol")
    if auth.http is not None:
        yield from _http(f"{field}.http", auth.http)
    size = auth.forward_body.max_size if auth.forward_body is not None else None
    if size is not None and not 0 <= size <= MAX_BODY:
        yield unsupported_value(
            f"{field}.forwardBody.maxSize", f"{size} is more than can be kept for a request", f"use up to {MAX_BODY}"
        )


def _http(field: str, http: HTTPAuthConfig) -> Iterator[Finding]:
    path = http.path
    if path and not path.startswith("/"):
        yield unsupported_value(f"{field}.path", f"{path!r} does not start with /", f"write /{path}")
    elif path and (not _PATH.fullmatch(path) or _HIDDEN.search(path)):
        yield unsupported_value(
            f"{field}.path", f"{path!r} is not a plain path", "write /name/name, without //, dot segments and %2F"
        )
    yield from _names(f"{field}.allowedHeaders", http.allowed_headers)
    yield from _names(f"{field}.allowedResponseHeaders", http.allowed_response_headers)
    for i, name in enumerate(http.allowed_headers):
        if name.lower() in CONNECTION_HEADERS - {"content-length"}:
            at = f"{field}.allowedHeaders[{i}]"
            yield advice(at, f"{name} belongs to the client's connection and is not sent", "remove this entry")
    for i, name in enumerate(http.allowed_response_headers):
        if name.lower() in NEVER_COPIED:
            at = f"{field}.allowedResponseHeaders[{i}]"
            yield unsupported_value(at, f"{name} is not the authorization server's to say", "remove this entry")


def _names(field: str, names: tuple[str, ...]) -> Iterator[Finding]:
    for i, name in enumerate(names):
        if not is_token(name):
            hint = "use letters, digits and -"
            yield unsupported_value(f"{field}[{i}]", f"{name!r} is not a header name", hint)
        elif "*" in name:
            yield advice(f"{field}[{i}]", f"{name} is a name and no pattern", "name each header")
