"""CORS: the gateway answers preflights itself and says on every response who may read it (Fetch section 3.3).

What the backend says of CORS is replaced: two opinions in one response are refused by every browser. Where
a list is `*`, what the client asked for is given back by name, so that it holds with credentials as without
(HTTPCORSFilter). An origin that is not allowed gets no field at all, and its request is served as any other:
it is the browser that keeps the answer from the page.
"""

import re

from proxy.filters.base import FilterChain, FilterContext
from proxy.protocol.message import Headers, Reply, Request, Response
from proxy.snapshot.route import Cors

_ALLOW_ORIGIN = b"access-control-allow-origin"
_OURS = frozenset(
    b"access-control-" + name
    for name in (
        b"allow-origin",
        b"allow-credentials",
        b"allow-methods",
        b"allow-headers",
        b"expose-headers",
        b"max-age",
    )
)
_NEVER_EXPOSED = frozenset({b"set-cookie", b"set-cookie2"})
"""Fetch: forbidden response-header names."""
_HOST_PART = re.compile(rb"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_DEFAULT_PORT = re.compile(rb"(?<=^http)(://[^/]*):80\Z|(?<=^https)(://[^/]*):443\Z")


def build(spec: Cors) -> FilterChain:
    filter = CORS(spec)
    return FilterChain((filter.on_request,), (filter.on_response,), (filter.on_reply,))


class CORS:
    """One policy."""

    __slots__ = ("_expose", "_expose_by_name", "_origins", "_spec", "_to_all")

    def __init__(self, spec: Cors) -> None:
        self._spec = spec
        self._origins = Origins(spec.origins)
        self._to_all = self._origins.all and not spec.credentials
        """The same answer for every origin: `*`. Else the answer depends on the Origin, which Vary says."""
        everything = b"*" in spec.expose
        self._expose = b"*" if everything else b", ".join(spec.expose)
        self._expose_by_name = everything and spec.credentials
        """With credentials `*` would be the name of a field."""

    def on_request(self, request: Request, context: FilterContext) -> Reply | None:
        headers = request.headers
        context.origin = origin = _only(headers, b"origin")
        if request.method != b"OPTIONS" or origin is None:
            return None
        method = _only(headers, b"access-control-request-method")
        if method is None:
            return None
        return Reply(204, self._preflight(origin, method, _only(headers, b"access-control-request-headers")))

    def on_response(self, response: Response, context: FilterContext) -> None:
        response.headers = self._signed(response.headers, context.origin)

    def on_reply(self, reply: Reply, context: FilterContext) -> None:
        """A page may read the gateway's errors, too: else its author looks for a CORS problem that there is not."""
        if not any(name == _ALLOW_ORIGIN for name, _ in reply.headers):  # a preflight says more than this
            reply.headers = self._signed(reply.headers, context.origin)

    def _signed(self, headers: Headers, origin: bytes | None) -> Headers:
        """A header section that says who may read the message."""
        headers = [field for field in headers if field[0] not in _OURS]
        if not self._to_all and not _varies(headers):
            headers.append((b"vary", b"origin"))
        granted = self._grant(origin)
        if granted:
            exposed = _names(headers) if self._expose_by_name else self._expose
            headers += granted
            if exposed:
                headers.append((b"access-control-expose-headers", exposed))
        return headers

    def _grant(self, origin: bytes | None) -> Headers:
        """The fields that allow reading; none when the origin is not allowed."""
        if self._to_all:
            return [(_ALLOW_ORIGIN, b"*")]
        if origin is None or not self._origins.allow(origin):
            return []
        if self._spec.credentials:
            return [(_ALLOW_ORIGIN, origin), (b"access-control-allow-credentials", b"true")]
        return [(_ALLOW_ORIGIN, origin)]

    def _preflight(self, origin: bytes, method: bytes, asked: bytes | None) -> Headers:
        vary = [] if self._to_all else [(b"vary", b"origin")]
        granted = self._grant(origin)
        if not granted:
            return vary
        spec = self._spec
        methods = method if b"*" in spec.methods else b", ".join(spec.methods)
        names = asked if b"*" in spec.headers else b", ".join(spec.headers)
        exposed = b"" if self._expose_by_name else self._expose
        fields = [
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", names),
            (b"access-control-expose-headers", exposed),
            (b"access-control-max-age", b"%d" % spec.max_age),
        ]
        return [*vary, *granted, *((name, value) for name, value in fields if value)]


class Origins:
    """Which origins are allowed."""

    __slots__ = ("_exact", "_wild", "all")

    def __init__(self, allowed: tuple[bytes, ...]) -> None:
        self.all = b"*" in allowed
        self._exact = frozenset(origin for origin in allowed if b"*" not in origin)
        self._wild = [origin.split(b"*", 1) for origin in allowed if b"*" in origin and origin != b"*"]

    def allow(self, origin: bytes) -> bool:
        """Scheme, host and port must agree; `*` stands for one or more labels of the host, or all of it."""
        if self.all:
            return True
        origin = normal(origin)
        if origin in self._exact:
            return True
        return any(
            origin.startswith(start)
            and origin.endswith(end)
            and _HOST_PART.fullmatch(origin[len(start) : len(origin) - len(end)])
            for start, end in self._wild
        )


def normal(origin: bytes) -> bytes:
    """An origin in the one form in which origins are compared: lower-case, its default port left out."""
    return _DEFAULT_PORT.sub(rb"\1\2", origin.lower())


def _only(headers: Headers, wanted: bytes) -> bytes | None:
    """The value of a field that is there once: of two none is to be believed."""
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 and values[0] else None


def _varies(headers: Headers) -> bool:
    """The response says already that it depends on the Origin."""
    members = [member.strip().lower() for name, value in headers if name == b"vary" for member in value.split(b",")]
    return b"origin" in members or b"*" in members


def _names(headers: Headers) -> bytes:
    return b", ".join(dict.fromkeys(name for name, _ in headers if name not in _NEVER_EXPOSED))
