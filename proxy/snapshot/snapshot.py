"""Snapshot: one whole compiled configuration, and what of it changed since the one before."""

from msgspec import Struct

from proxy.snapshot.route import HostBucket


class Endpoint(Struct, frozen=True, array_like=True, order=True):
    """An address that answers for a backend. IPv6 without brackets. `host` may be a DNS name (kind Backend)."""

    host: str
    port: int


class Upstream(Struct, frozen=True):
    """A resolved backend: its ready endpoints and how to talk to them."""

    key: str
    """NAMESPACE/NAME:PORT (Service) or NAMESPACE/NAME (Backend): its identity across snapshots."""
    endpoints: tuple[Endpoint, ...] = ()
    protocol: str = "http"
    tls: str = ""
    """Identity of the TLS settings; "" for clear text. Part of the pool key."""


class Listener(Struct, frozen=True):
    """One accepted listener of one Gateway."""

    gateway: str
    """NAMESPACE/NAME."""
    name: str
    protocol: str
    hostname: bytes
    """Exact, wildcard or b""."""
    port: int
    """The declared port: Location, X-Forwarded-Port, port matching and metrics use it."""

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


class Snapshot(Struct, frozen=True):
    """Everything the data plane needs to serve."""

    generation: int
    binds: tuple[Bind, ...]
    listeners: dict[str, Listener]
    buckets: dict[tuple[str, bytes], HostBucket]
    """(listener key, hostname) to the routes served there."""
    upstreams: dict[str, Upstream]


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
