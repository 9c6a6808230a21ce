"""Request and Response heads: one model for every HTTP version.

Made once per request, so they are plain classes with slots. Nothing above `protocol` knows how a
head was spelled on the wire: HTTP/2 pseudo-headers become fields, and `:authority` becomes `host`.
"""

from proxy.errors import ProxyError

Headers = list[tuple[bytes, bytes]]
"""(name, value) in wire order, names lower-case. A list: order and repeats matter, and scanning a
dozen pairs beats hashing them."""


class Request:
    """A request head (RFC 9110 section 9 and 7.1)."""

    __slots__ = ("as_read", "content_length", "expect_continue", "headers", "hops", "host", "method", "path", "query",
                 "raw_path", "upgrade", "version")  # fmt: skip

    method: bytes
    """Upper-case token, as received."""
    raw_path: bytes
    """The path that is forwarded: as received, but with literal dot segments resolved. No query."""
    path: bytes
    """The path that is matched: `raw_path` with percent-encoded unreserved characters decoded."""
    query: bytes | None
    """Everything after the first `?`, as received; None when there was no `?`."""
    host: bytes
    """The host that is matched: lower-case, without port and trailing dot. b"" when HTTP/1.0 sent none."""
    version: int
    """10, 11 or 20."""
    headers: Headers
    """End-to-end fields. `host` is among them as it came (or as absolute-form gave it), at most once.
    Framing and connection fields are not: they became the attributes below; `content-length` stays."""
    hops: Headers
    """Fields about the way here (Via, Forwarded, X-Forwarded-*, X-Real-IP, X-Request-ID), set aside by the
    codec until protocol.forwarding has decided which of them to believe."""
    content_length: int
    """Octets of the body; 0 for none; -1 when its length is not known beforehand (chunked)."""
    upgrade: bytes
    """The protocol asked for by Upgrade with `Connection: upgrade`, else b""."""
    expect_continue: bool
    as_read: bool
    """HTTP/2 brought the fields, and nobody but protocol.forwarding has touched them: they can go out in HTTP/2 without
    another look."""

    def __init__(self) -> None:
        self.method = self.host = self.upgrade = b""
        self.raw_path = self.path = b"/"
        self.query = None
        self.version = 11
        self.headers = []
        self.hops = []
        self.content_length = 0
        self.expect_continue = self.as_read = False

    def copy(self) -> "Request":
        """One that may be changed without this one seeing it."""
        copy = Request()
        for name in Request.__slots__:
            setattr(copy, name, getattr(self, name))
        copy.headers, copy.hops = list(self.headers), list(self.hops)
        return copy

    def name_host(self, endpoint: str) -> None:
        """HTTP/1.0 may come without Host; what is sent is HTTP/1.1 and needs one (RFC 9112 section 3.2)."""
        if not any(name == b"host" for name, _ in self.headers):
            self.headers.insert(0, (b"host", endpoint.encode()))


class Response:
    """A final or interim response head (RFC 9110 section 15)."""

    __slots__ = ("as_read", "content_length", "headers", "status", "upgrade", "version")

    status: int
    headers: Headers
    content_length: int
    """Octets of the body; -1 when not known beforehand (chunked, or until the connection closes)."""
    version: int
    upgrade: bytes
    """The protocol switched to, on a 101; else b""."""
    as_read: bool
    """As for a request."""

    def __init__(self, status: int = 200, headers: Headers | None = None, content_length: int = 0) -> None:
        self.status = status
        self.headers = [] if headers is None else headers
        self.content_length = content_length
        self.version = 11
        self.upgrade = b""
        self.as_read = False


class Reply:
    """A whole answer that the gateway gives by itself: what filters and refusals return."""

    __slots__ = ("body", "error", "headers", "status")

    def __init__(
        self, status: int, headers: Headers | None = None, body: bytes = b"", error: ProxyError | None = None
    ) -> None:
        self.status = status
        self.headers: Headers = [] if headers is None else headers
        self.body = body
        self.error = error
        """Why, for the log, where it is a refusal."""
