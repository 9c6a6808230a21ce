"""Rules: what is matched, what is done, where it goes (rules of HTTPRoutes and GRPCRoutes after translation)."""

from typing import Literal

from msgspec import Struct

from proxy.snapshot.session import Session

PathKind = Literal["exact", "prefix", "regex", "call"]
"""Of a path, and last what can be said of gRPC calls alone: see `CallMatch`."""


class ValueMatch(Struct, frozen=True, array_like=True):
    """One header or query-parameter match. Header names are lower-case."""

    name: bytes
    value: bytes
    regex: bool = False


class CallMatch(Struct, frozen=True, array_like=True):
    """GRPCRoute `matches[].method` as written; b"" for what is not asked. A call's path is /service/method."""

    service: bytes = b""
    method: bytes = b""
    regex: bool = False


class RouteMatch(Struct, frozen=True, array_like=True):
    """One entry of `rules[].matches`, defaults filled in and duplicate names dropped (first one counts)."""

    path: bytes = b"/"
    path_kind: PathKind = "prefix"
    method: bytes = b""
    """b"" matches every method."""
    headers: tuple[ValueMatch, ...] = ()
    query: tuple[ValueMatch, ...] = ()
    call: CallMatch | None = None
    """Of a GRPCRoute. An exact service and method is an exact path, a service alone a prefix; for the rest, kind
    "call", the path is a pattern."""


class HeaderModifier(Struct, frozen=True, tag="headers"):
    """RequestHeaderModifier or ResponseHeaderModifier; names lower-case."""

    on: Literal["request", "response"]
    set: tuple[tuple[bytes, bytes], ...] = ()
    add: tuple[tuple[bytes, bytes], ...] = ()
    remove: tuple[bytes, ...] = ()


class PathModifier(Struct, frozen=True):
    """HTTPPathModifier. `prefix` is the matched PathPrefix that ReplacePrefixMatch replaces."""

    kind: Literal["full", "prefix"]
    value: bytes
    prefix: bytes = b"/"


class Redirect(Struct, frozen=True, tag="redirect"):
    """RequestRedirect."""

    status: int = 302
    scheme: str | None = None
    hostname: str | None = None
    port: int | None = None
    path: PathModifier | None = None


class Rewrite(Struct, frozen=True, tag="rewrite"):
    """URLRewrite."""

    hostname: str | None = None
    path: PathModifier | None = None


class Cors(Struct, frozen=True, tag="cors"):
    """CORS. b"*" in a list stands for all."""

    origins: tuple[bytes, ...] = ()
    """`scheme://host:port`, lower-case, without a default port; a host may begin with `*` or be one."""
    methods: tuple[bytes, ...] = ()
    headers: tuple[bytes, ...] = ()
    expose: tuple[bytes, ...] = ()
    credentials: bool = False
    max_age: int = 5
    """Seconds."""


class Mirror(Struct, frozen=True, tag="mirror"):
    """RequestMirror: `numerator` of `denominator` requests are sent to a second backend, too."""

    backend: str
    """NAMESPACE/NAME:PORT."""
    upstream: str
    """Key into `Snapshot.upstreams`. A reference that leads nowhere is left out: it mirrors nothing."""
    numerator: int = 1
    denominator: int = 1


class ExternalAuth(Struct, frozen=True, tag="external_auth"):
    """ExternalAuth with protocol HTTP: another server is asked about each request first. Names lower-case."""

    backend: str
    """NAMESPACE/NAME:PORT."""
    upstream: str
    """Key into `Snapshot.upstreams`."""
    prefix: bytes = b""
    """Put before the path; begins with "/" and does not end with it, or is empty."""
    sent: tuple[bytes, ...] = ()
    """Request headers that it is told, beside those that it always is."""
    copied: tuple[bytes, ...] = ()
    """Headers of its answer that the backend gets, and gets from nobody else; none: all that can be copied."""
    body_at_most: int = 0
    """Octets of the request's body that it is sent; 0: it is sent none."""


class DirectResponse(Struct, frozen=True, tag="direct_response"):
    """DirectResponse (penstock.dev): the answer itself. Names lower-case."""

    name: str
    """NAMESPACE/NAME of the object."""
    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Content-Type among them, and never how long the body is."""
    body: bytes = b""


class Fail(Struct, frozen=True, tag="fail"):
    """Stands for a filter that cannot be resolved: every request gets `status`; it is never skipped."""

    reason: str
    status: int = 500


Filter = HeaderModifier | Redirect | Rewrite | Mirror | Cors | ExternalAuth | DirectResponse | Fail


class Timeouts(Struct, frozen=True):
    """HTTPRouteTimeouts. Seconds; 0 is no limit."""

    request: float = 0.0
    """From the request's head to the end of its response, whatever happens between."""
    backend_request: float = 0.0
    """One attempt, to the end of the endpoint's answer."""


class Retry(Struct, frozen=True):
    """HTTPRouteRetry, defaults filled in. Connection errors are always retried."""

    codes: tuple[int, ...] = ()
    attempts: int = 2
    """Retries, not tries: the first one is not counted."""
    backoff: float = 0.05
    """Seconds at least from a failure to the next try."""


class BackendRef(Struct, frozen=True):
    """One weighted backend of a rule."""

    backend: str
    """NAMESPACE/NAME:PORT, the `backend` of metrics and logs, whether it resolves or not."""
    weight: int = 1
    upstream: str = ""
    """Key into `Snapshot.upstreams`; "" when the reference is invalid, then `invalid` says why."""
    invalid: str = ""
    filters: tuple[Filter, ...] = ()


class Rule(Struct, frozen=True):
    """One rule of one route."""

    route: str
    """NAMESPACE/NAME."""
    index: int
    name: str = ""
    kind: str = "HTTPRoute"
    created: str = ""
    """creationTimestamp as RFC 3339, "" in files that give none (sorts as oldest)."""
    filters: tuple[Filter, ...] = ()
    backends: tuple[BackendRef, ...] = ()
    timeouts: Timeouts | None = None
    """None: the gateway's own deadlines hold."""
    retry: Retry | None = None
    """None: a request is sent again only when nothing of it can have been processed."""
    session: Session | None = None
    """None: no request is bound to an endpoint."""

    @property
    def owner(self) -> str:
        """KIND NAMESPACE/NAME of the route: routes of two kinds may share a name."""
        return f"{self.kind} {self.route}"

    @property
    def label(self) -> str:
        """The `rule` label of metrics and logs: the rule's name, else its index."""
        return self.name or str(self.index)


class Entry(Struct, frozen=True, array_like=True):
    """One match of one rule under one hostname."""

    match: RouteMatch
    rule: int
    """Index into `HostBucket.rules`."""
    match_index: int
    own: bytes = b""
    """The route's own hostname that led here, b"" when the route has none: precedence steps 1 and 2."""


class HostBucket(Struct, frozen=True):
    """Every entry that one listener serves under one (intersected) hostname. The unit of differences."""

    hostname: bytes
    """Exact ("a.example.com"), wildcard ("*.example.com") or b"" for every host."""
    rules: tuple[Rule, ...]
    entries: tuple[Entry, ...]
    """In no particular order: routing.precedence sorts them."""
