"""Record: what is known of one exchange - where it went, how it ended, and when."""

from proxy.errors import ProxyError
from proxy.forward.live import LiveBackend, LiveListener, LiveRule
from proxy.forward.origin import Origin
from proxy.protocol.message import Request
from proxy.routing.hit import Hit
from proxy.upstream.endpoint import EndpointPool


class Record:
    """Filled in by the exchange as it goes; read by counters and the access log."""

    __slots__ = ("backend", "bytes_in", "bytes_out", "client", "connected", "ended", "error",
                 "first_byte", "generation", "head_sent", "hit", "listener", "origin", "path", "plane",
                 "pool", "query", "request", "request_id", "retries", "rule", "started", "status",
                 "waited")  # fmt: skip

    def __init__(self, origin: Origin, request: Request) -> None:
        plane = origin.plane
        self.origin = origin
        self.plane = plane
        self.request = request
        # The target as received, since filters may rewrite it.
        self.path = request.raw_path
        self.query = request.query
        self.client = origin.client.address
        """The client's address, decided once."""
        self.request_id = b""
        self.generation = plane.generation
        """Of the snapshot that routed it."""
        # Where it went.
        self.listener: LiveListener | None = None
        self.hit: Hit[LiveRule] | None = None
        self.rule: LiveRule | None = None
        self.backend: LiveBackend | None = None
        self.pool: EndpointPool | None = None
        """Of the endpoint asked last."""
        # How it ended.
        self.status = 0
        self.error: ProxyError | None = None
        self.retries = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.head_sent = False
        # When, in plane.clock seconds; 0 for what did not happen.
        self.started = plane.clock()
        self.connected = 0.0
        self.first_byte = 0.0
        self.ended = 0.0
        self.waited = 0.0
        """Seconds in which filters waited for others."""

    @property
    def endpoint(self) -> str:
        """host:port of the endpoint asked last, "" when none was."""
        return self.pool.label if self.pool is not None else ""
