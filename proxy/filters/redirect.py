"""RequestRedirect: the answer is a Location, and nothing is forwarded.

What the filter does not name stays as the client had it: scheme, host, path, and always the query. The
port is the one given; else, when a scheme is given, that scheme's own; else the listener's declared one.
Port 80 of http and 443 of https are not written (HTTPRequestRedirectFilter.port).
"""

from http import HTTPStatus

from proxy.filters.base import FilterChain, FilterContext, field_value
from proxy.filters.path import path_change
from proxy.protocol.message import Reply, Request
from proxy.snapshot.route import Redirect

WELL_KNOWN = {"http": 80, "https": 443}


def build(spec: Redirect) -> FilterChain:
    return FilterChain(on_request=(RequestRedirect(spec).on_request,))


class RequestRedirect:
    """One redirect."""

    __slots__ = ("_body", "_change", "_spec")

    def __init__(self, spec: Redirect) -> None:
        self._spec = spec
        self._change = path_change(spec.path)
        self._body = HTTPStatus(spec.status).phrase.encode() + b"\n"

    def on_request(self, request: Request, context: FilterContext) -> Reply:
        location = (b"location", field_value(self._location(request, context)))
        return Reply(self._spec.status, [location, (b"content-type", b"text/plain")], self._body)

    def _location(self, request: Request, context: FilterContext) -> bytes:
        path = request.raw_path if self._change is None else self._change(request.raw_path)
        query = b"" if request.query is None else b"?" + request.query
        host = _bracketed(request.host) if self._spec.hostname is None else self._spec.hostname.encode()
        if not host:  # HTTP/1.0 without Host: relative, and never //elsewhere (RFC 3986 section 4.2)
            return b"/" + path.lstrip(b"/") + query
        scheme = self._spec.scheme or context.scheme
        return b"%s://%s%s%s%s" % (scheme.encode(), host, self._port(scheme, context), path, query)

    def _port(self, scheme: str, context: FilterContext) -> bytes:
        port = self._spec.port
        if port is None:
            port = context.port
            if self._spec.scheme is not None:
                port = WELL_KNOWN.get(scheme, port)
        return b"" if WELL_KNOWN.get(scheme) == port else b":%d" % port


def _bracketed(host: bytes) -> bytes:
    """An IPv6 literal needs its brackets before a port (RFC 3986 section 3.2.2)."""
    return b"[" + host + b"]" if b":" in host and not host.startswith(b"[") else host
