"""Snapshot: one whole compiled configuration, and what of it changed since the one before."""

from typing import Literal

from msgspec import Struct, field

from proxy.protocol.proxy_protocol import Version
from proxy.snapshot.certificate import CABundle, Certificate, ClientValidation
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.names import NameKey
from proxy.snapshot.route import HostBucket
from proxy.snapshot.session import RetryBudget, Seat
from proxy.snapshot.upstream_tls import UpstreamTLS

Protocol = Literal["http", "h2", "tcp", "udp"]
"""h2: HTTP/2, with prior knowledge in clear text and by ALPN over TLS. tcp, udp: octets are passed on as they are."""
Transport = Literal["TCP", "UDP"]
ProxyHeaders = Literal["", "required", "optional"]
"""What is asked of peers that are trusted: headers of the PROXY protocol."""


class Endpoint(Struct, frozen=True, array_like=True, order=True):
    """Where a backend is answered: an IP address (IPv6 without brackets), among `Upstream.names` a DNS name."""

    host: str
    port: int


class Upstream(Struct, frozen=True):
    """A resolved backend: its ready endpoints and how to talk to them."""

    key: str
    """NAMESPACE/NAME:PORT (Service), NAMESPACE/NAME (Backend) or NAMESPACE/xbackend/NAME: its identity across
    snapshots. Where connections or datagrams are passed on it begins with tcp://, raw:// (TCP whatever is declared of
    TLS to it) or udp://."""
    endpoints: tuple[Endpoint, ...] = ()
    """IP addresses."""
    protocol: Protocol = "http"
    tls: str = ""
    """Key of Snapshot.upstream_tls; "" for clear text. Part of the pool key."""
    invalid: str = ""
    """Why nothing may be sent there, as what was declared for it cannot be followed; then it has no endpoints."""
    names: tuple[Endpoint, ...] = ()
    """DNS names: whatever they lead to are endpoints, too, from one moment to the next."""
    external: bool = False
    """How `names` are looked up, see NameKey."""
    seats: tuple[Seat, ...] = ()
    """What stands for each of `endpoints`, then of `names`, in tokens; none where no rule persists sessions."""
    retry_budget: RetryBudget | None = None
    proxy_protocol: Version | Literal[""] = ""
    """The header that connections there begin with; "" for none. Only where each is for one client."""

    @property
    def name_keys(self) -> frozenset[NameKey]:
        return frozenset(NameKey(name.host, self.external) for name in self.names)


class Listener(Struct, frozen=True):
    """One accepted listener of one Gateway."""

    gateway: str
    """NAMESPACE/NAME."""
    name: str
    """Its own; of one that a ListenerSet adds NAMESPACE/LISTENERSET/NAME."""
    protocol: str
    hostname: bytes
    """Exact, wildcard or b""."""
    port: int
    """The declared port: Location, X-Forwarded-Port, port matching and metrics use it."""
    certificates: tuple[str, ...] = ()
    """Keys of Snapshot.certificates, in the order declared. Not empty where TLS ends here."""
    client_certificate: str = ""
    """Key of Snapshot.certificates: what its Gateway shows to endpoints that are spoken to over TLS."""
    clients: ClientValidation | None = None
    """How clients are checked; None where they are asked for no certificate."""

    @property
    def key(self) -> str:
        return f"{self.gateway}/{self.name}"


class Bind(Struct, frozen=True):
    """One address and port to bind, and the listeners that share it."""

    address: str
    """IP literal; "" for every address, IPv4 and IPv6 alike."""
    port: int
    """The bound port (after --map-port)."""
    listeners: tuple[str, ...]
    """Listener keys."""
    transport: Transport = "TCP"
    proxy_headers: ProxyHeaders = ""
    """What connections have to begin with, or may; "" where nobody is asked for a header."""

    @property
    def socket(self) -> tuple[str, int, Transport]:
        """What tells it from all others."""
        return self.address, self.port, self.transport


class Snapshot(Struct, frozen=True):
    """Everything the data plane needs to serve."""

    generation: int
    binds: tuple[Bind, ...]
    listeners: dict[str, Listener]
    buckets: dict[tuple[str, bytes], HostBucket]
    """(listener key, hostname) to the routes served there."""
    upstreams: dict[str, Upstream]
    certificates: dict[str, Certificate] = field(default_factory=dict)
    """By Certificate.digest, so a renewed one has another key."""
    upstream_tls: dict[str, UpstreamTLS] = field(default_factory=dict)
    """By UpstreamTLS.digest."""
    bundles: dict[str, CABundle] = field(default_factory=dict)
    """By CABundle.digest."""
    l4: dict[str, tuple[L4Route, ...]] = field(default_factory=dict)
    """Listener key to the routes of a listener that is not one of HTTP, in order of precedence."""

    def certificate_ends(self) -> dict[tuple[str, str], float]:
        """(listener key, common name) to seconds since the epoch; of several with one name the first to end."""
        ends: dict[tuple[str, str], float] = {}
        for listener in self.listeners.values():
            for certificate in map(self.certificates.__getitem__, listener.certificates):
                at = (listener.key, certificate.common_name)
                ends[at] = min(certificate.not_after, ends.get(at, certificate.not_after))
        return ends

    def name_keys(self) -> frozenset[NameKey]:
        """All DNS names that upstreams have."""
        return frozenset(key for upstream in self.upstreams.values() if upstream.names for key in upstream.name_keys)

    def is_secure(self, bind: Bind) -> bool:
        """TLS is spoken there, whoever ends it: protocols of one port are of one family."""
        return any(key in self.listeners and self.listeners[key].protocol in ("HTTPS", "TLS") for key in bind.listeners)


class Delta(Struct, frozen=True):
    """What turns the snapshot a worker has into the next. Buckets are encoded once for all workers."""

    base: int
    """The generation this applies to; 0 applies to an empty worker."""
    generation: int
    binds: tuple[Bind, ...]
    listeners: dict[str, Listener]
    buckets: dict[tuple[str, bytes], HostBucket]
    """Changed or new."""
    dropped_buckets: tuple[tuple[str, bytes], ...]
    upstreams: dict[str, Upstream]
    """Changed or new."""
    dropped_upstreams: tuple[str, ...]
    certificates: dict[str, Certificate] = field(default_factory=dict)
    """New."""
    dropped_certificates: tuple[str, ...] = ()
    upstream_tls: dict[str, UpstreamTLS] = field(default_factory=dict)
    dropped_upstream_tls: tuple[str, ...] = ()
    bundles: dict[str, CABundle] = field(default_factory=dict)
    dropped_bundles: tuple[str, ...] = ()
    l4: dict[str, tuple[L4Route, ...]] = field(default_factory=dict)
    """All of them: there are few, and each is small."""
