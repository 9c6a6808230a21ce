"""Generated worlds, and what the data plane really does with a request in them, seen from both of its ends.

The configuration is translated, and a whole data plane made of it; only its endpoints are wires in memory.
"""

import re
from typing import Any, NamedTuple

from hypothesis import strategies as st

from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.errors import ProxyError
from proxy.forward.exchange import Exchange
from proxy.forward.origin import Origin, Port, SecurePort
from proxy.observe.access_log import AccessRecord
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.http1.server import ServerCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Request
from proxy.protocol.stream import DownstreamStream, RequestSink
from proxy.resources.core import Secret
from proxy.resources.gateway import AllowedRoutes, Gateway, GatewaySpec, Listener, ListenerTLSConfig, RouteNamespaces
from proxy.resources.httproute import (
    HTTPBackendRef,
    HTTPCORSFilter,
    HTTPHeader,
    HTTPHeaderFilter,
    HTTPPathModifier,
    HTTPRequestMirrorFilter,
    HTTPRequestRedirectFilter,
    HTTPRoute,
    HTTPRouteFilter,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteSpec,
    HTTPURLRewriteFilter,
    ParentReference,
)
from proxy.resources.meta import BackendObjectReference, ObjectMeta, Resource, SecretObjectReference
from proxy.resources.store import ResourceSet
from proxy.snapshot.delta import difference
from proxy.snapshot.question import PSEUDONYM, Asked, head
from proxy.snapshot.snapshot import Bind
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.certificates import pair
from tests.e2e.gateway import Log
from tests.forward.memory import MemoryPool, MemoryUpstream
from tests.playbook import Wire
from tests.translate import strategies as declared

# --- worlds -----------------------------------------------------------------------------------

CERTIFICATE = pair("a.example.com", "*.example.com")
SECRET = Secret(
    "v1",
    "Secret",
    ObjectMeta(name="tls", namespace="default"),
    string_data={"tls.crt": CERTIFICATE.chain.decode(), "tls.key": CERTIFICATE.key.decode()},
    type="kubernetes.io/tls",
)
EVERYONE = AllowedRoutes(namespaces=RouteNamespaces(from_="All"))
TLS = ListenerTLSConfig(certificate_refs=(SecretObjectReference(name="tls"),))


def often(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The odd one in eight."""
    return st.integers(0, 7).flatmap(lambda drawn: odd if drawn == 5 else usual)


def _listener(name: str, protocol: str, hostname: str | None) -> Listener:
    port, tls = (443, TLS) if protocol == "HTTPS" else (80, None)
    return Listener(name, port, protocol, hostname, tls, EVERYONE)


LISTENERS = (
    _listener("any", "HTTP", None),
    _listener("narrow", "HTTP", "a.example.com"),
    _listener("wild", "HTTP", "*.example.com"),
    _listener("one", "HTTPS", "a.example.com"),
    _listener("secure", "HTTPS", "*.example.com"),
)
GATEWAYS = st.lists(st.sampled_from(LISTENERS[1:]), min_size=2, unique_by=lambda one: one.name).map(
    lambda chosen: Gateway(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        ObjectMeta(name="web", namespace="default"),
        GatewaySpec(gateway_class_name="penstock", listeners=(LISTENERS[0], *chosen)),
    )
)
FIELDS = declared.tuples(
    st.builds(HTTPHeader, name=st.sampled_from(["x", "X-Y", "host", "via", "x-request-id"]), value=declared.TEXTS)
)
MODIFIERS = st.builds(
    HTTPHeaderFilter, set=FIELDS, add=FIELDS, remove=declared.tuples(st.sampled_from(["x", "cookie"]))
)
PATHS = st.one_of(
    st.builds(HTTPPathModifier, type=st.just("ReplaceFullPath"), replace_full_path=st.sampled_from(["/", "/new?"])),
    st.builds(
        HTTPPathModifier, type=st.just("ReplacePrefixMatch"), replace_prefix_match=st.sampled_from(["/", "/v2", ""])
    ),
)
NAMES = st.sampled_from([None, "inner.example", "a.example.com"])
MIRRORED = st.builds(BackendObjectReference, name=st.sampled_from(["a", "b", "nobody"]), port=st.just(80))


def _filter(kind: str, field: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[HTTPRouteFilter]:
    return value.map(lambda drawn: HTTPRouteFilter(kind, **{field: drawn}))  # type: ignore[arg-type]


SOUND_FILTERS = st.one_of(
    _filter("RequestHeaderModifier", "request_header_modifier", MODIFIERS),
    _filter("ResponseHeaderModifier", "response_header_modifier", MODIFIERS),
    _filter("URLRewrite", "url_rewrite", st.builds(HTTPURLRewriteFilter, hostname=NAMES, path=declared.maybe(PATHS))),
    _filter("RequestMirror", "request_mirror", st.builds(HTTPRequestMirrorFilter, backend_ref=MIRRORED)),
    _filter(
        "CORS", "cors", st.builds(HTTPCORSFilter, allow_origins=st.sampled_from([("*",), ("https://*.example.com",)]))
    ),
)
FILTERS = often(SOUND_FILTERS, declared.FILTERS)
REDIRECTS = _filter(
    "RequestRedirect",
    "request_redirect",
    st.builds(
        HTTPRequestRedirectFilter,
        scheme=st.sampled_from([None, "https"]),
        hostname=NAMES,
        path=declared.maybe(PATHS),
        port=st.sampled_from([None, 8443]),
        status_code=st.sampled_from([301, 302]),
    ),
)
BACKEND_REFS = often(
    st.builds(
        HTTPBackendRef,
        name=st.sampled_from(["a", "a", "b", "nobody"]),
        port=st.just(80),
        weight=st.sampled_from([1, 1, 2, 0]),
        filters=declared.tuples(often(FILTERS, REDIRECTS), 1),
    ),
    declared.BACKEND_REFS,
)
MATCHES = st.lists(declared.MATCHES, min_size=1, max_size=2).map(tuple)
RULES = often(
    st.builds(
        HTTPRouteRule,
        name=declared.maybe(st.sampled_from(["first", "second"])),
        matches=st.one_of(st.just((HTTPRouteMatch(),)), MATCHES),
        filters=declared.tuples(FILTERS),
        backend_refs=st.lists(BACKEND_REFS, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        HTTPRouteRule, matches=declared.MATCHES.map(lambda one: (one,)), filters=REDIRECTS.map(lambda one: (one,))
    ),
)
ROUTES = declared.resource(
    HTTPRoute,
    "gateway.networking.k8s.io/v1",
    spec=st.builds(
        HTTPRouteSpec,
        parent_refs=st.just((ParentReference(name="web", namespace="default"),)),
        hostnames=st.sampled_from([(), (), ("a.example.com",), ("*.example.com", "b.example.com"), ("*.com",)]),
        rules=st.lists(RULES, min_size=1, max_size=3).map(tuple),
    ),
)
OTHERS: st.SearchStrategy[Resource] = st.one_of(
    declared.SERVICES, declared.SERVICES, declared.SLICES, declared.SLICES, declared.BACKENDS, declared.GRANTS,
    declared.ROUTES, declared.BUNDLES, declared.POLICIES,
)  # fmt: skip
SOUND = """
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: NAME-1, labels: {kubernetes.io/service-name: NAME}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]
---
"""


class World(NamedTuple):
    """A configuration, and whom the gateway trusts."""

    resources: tuple[Resource, ...]
    trusted: tuple[str, ...]

    def translation(self) -> Translation:
        return translate(ResourceSet(self.resources), TranslateSettings())


def _world(gateway: Gateway, routes: list[HTTPRoute], others: list[Resource], trusted: tuple[str, ...]) -> World:
    named: dict[tuple[type, str, str], Resource] = {}
    for item in (SECRET, gateway, *routes, *others):
        named.setdefault((type(item), item.metadata.namespace, item.metadata.name), item)
    return World(tuple(named.values()), trusted)


def worlds(sound: list[Resource]) -> st.SearchStrategy[World]:
    """`sound`: Services that are always there."""
    return st.builds(
        _world,
        GATEWAYS,
        st.lists(ROUTES, min_size=1, max_size=4),
        st.lists(OTHERS, max_size=5).map(lambda drawn: [*sound, *drawn]),
        st.sampled_from([(), ("192.0.2.0/24",)]),
    )


HEADERS = st.lists(
    st.sampled_from(
        [
            ("x", "x"), ("x-y", "a b"), ("X", "(a+"), ("host", "a.example.com"), ("Origin", "https://a.example.com"),
            ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x"),
            ("X-Forwarded-For", "198.51.100.7, 10.0.0.9"), ("Forwarded", "for=198.51.100.8"), ("Via", "1.0 fred"),
            ("X-Request-Id", "mine"), ("Connection", "x"), ("Content-Length", "0"), ("x", "X"),
            ("Upgrade", "websocket"), ("Connection", "upgrade"),
        ]
    ),
    max_size=4,
)  # fmt: skip
HOSTILE = st.integers(0, 19).map(
    lambda drawn: {7: [("Via", f"1.1 {PSEUDONYM}")], 8: [("Transfer-Encoding", "odd")]}.get(drawn, [])
)
QUESTIONS = st.builds(
    lambda method, scheme, host, path, query, headers, hostile, client, name: Asked(
        method, f"{scheme}://{host}{path}{query}", (*headers, *hostile), client, name
    ),
    st.sampled_from(["GET", "GET", "POST", "HEAD", "OPTIONS", "get"]),
    st.sampled_from(["http", "http", "https"]),
    st.sampled_from(["a.example.com", "b.example.com", "x.a.example.com", "example.com", "192.0.2.1"]),
    st.sampled_from(["/", "/a", "/a/", "/a/b", "/a/../b", "/%7Ea", "/~a", "/7", "/a/%2e%2e/b", "/A", "/x/y"]),
    st.sampled_from(["", "", "?x=x", "?x-y=a%20b", "?X=1&x=2"]),
    HEADERS,
    HOSTILE,
    st.sampled_from(["127.0.0.1", "192.0.2.7", "2001:db8::7"]),
    st.sampled_from([None, None, "b.example.com", "a.example.com"]),
)


# --- what really happens ----------------------------------------------------------------------


class Seen(NamedTuple):
    """One request, from both ends of the gateway."""

    record: AccessRecord | None
    """Of the access log; None when the request was refused before it had a place there."""
    refused: ProxyError | None
    answer: bytes
    """What the client got."""
    forwarded: bytes
    """What the endpoint got; b"" for nothing."""


class Client:
    """A connection whose exchanges are known."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.wire = Wire()
        self.exchange: Exchange | None = None
        self.refused: ProxyError | None = None
        self.codec = ServerCodec(self.wire, self._start, self._refuse, Limits())

    def _start(self, stream: DownstreamStream, request: Request, end: bool) -> RequestSink:
        self.exchange = exchange = Exchange(self._origin, stream, request)
        exchange.begin(end)
        return exchange

    def _refuse(self, stream: DownstreamStream, error: ProxyError) -> None:
        self.refused = error


class Plane:
    """A data plane of a snapshot with endpoints in memory. Needs a running event loop."""

    def __init__(self, world: World) -> None:
        self.log = Log()
        settings = DataPlaneSettings(trusted_proxies=world.trusted, via_id=PSEUDONYM.encode())
        self.snapshot = world.translation().snapshot
        self.plane = DataPlane(settings, WorkerMetrics.in_memory(), self.log)  # type: ignore[arg-type]
        prepared = self.plane.prepare(difference(None, self.snapshot))
        self.plane.commit(prepared)
        self._tables = prepared.ports
        for upstream in self.plane._registry._upstreams.values():
            upstream.pools = tuple(_Pool(pool.label, pool.identity) for pool in upstream.pools)  # type: ignore[misc]

    def ask(self, bind: Bind, declared: int, asked: Asked) -> Seen:
        """`bind`: where the connection comes in."""
        port: Port | SecurePort = Port(declared, self._tables[bind.socket])
        if asked.scheme == "https":
            name = asked.host if asked.server_name is None else asked.server_name
            sent = b"" if re.fullmatch(r"[\d.]+", name) else name.encode()
            assert isinstance(port, Port)
            port = SecurePort(port, sent, "TLSv1.3")
        forwarding = self.plane._plane.forwarding
        origin = Origin(self.plane._plane, port, forwarding.client(asked.client, asked.scheme, declared))
        client = Client(origin)
        client.codec.feed(head(asked))
        connection = client.exchange._connection if client.exchange is not None else None
        forwarded = b""
        if connection is not None:
            forwarded = connection.codec._carrier.written  # type: ignore[attr-defined]
            connection.codec.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        record = self.log.records.pop() if self.log.records else None
        return Seen(record, client.refused, client.wire.written, forwarded)


class _Pool(MemoryPool):
    """Of one endpoint, whose connections know it."""

    full = False

    def __init__(self, label: str, identity: object) -> None:
        super().__init__()
        self.label = label
        self.identity = identity  # type: ignore[assignment]

    def take(self) -> MemoryUpstream | None:
        connection = super().take()
        if connection is not None:
            connection.pool = self  # type: ignore[attr-defined]
        return connection
