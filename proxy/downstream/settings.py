"""What the data plane of one worker is told from outside. Seconds and counts."""

from msgspec import Struct


class DataPlaneSettings(Struct, frozen=True):
    """Plain data, so that the control process can hand it to its workers."""

    trusted_proxies: tuple[str, ...] = ()
    """CIDRs of peers whose forwarding fields are believed."""
    via_id: bytes = b"penstock"
    """Our name in Via; alike in all workers of one process group and nowhere else."""
    header_timeout: float = 10.0
    """For a whole head once its first byte is there, and for the first byte of a new connection."""
    handshake_timeout: float = 10.0
    """From accept to the end of a TLS handshake."""
    idle_timeout: float = 75.0
    """Between requests of one connection."""
    body_timeout: float = 30.0
    """No byte of a request body."""
    body_rate: float = 240.0
    """Octets a second that a request body must come at on the whole, beside `body_timeout`."""
    max_connections: int = 10_000
    """Of clients, per worker; more are refused by a reset."""
    connect_timeout: float = 2.0
    response_head_timeout: float = 60.0
    exchange_idle_timeout: float = 300.0
    tunnel_timeout: float = 3600.0
    """No octet either way through an upgraded connection, or one that is passed on as it is."""
    udp_idle_timeout: float = 60.0
    """No datagram either way, then the flow is over."""
    udp_settled: float = 5.0
    """At the end: no datagram either way, then a flow is not waited for any more."""
    udp_answered: float = 1.0
    """The same where all that the client has asked has been answered, and it has not gone on after that."""
    max_flows: int = 4096
    """Of UDP, per worker, port and IP version; beyond it the one that has been silent longest makes room."""
    upstream_idle_timeout: float = 60.0
    answer_timeout: float = 10.0
    """From a filter's question to another server to the whole answer."""
    filter_timeout: float = 30.0
    """A filter that waits for anything but the client."""
    max_upstream_connections: int = 1024
    """Per endpoint and worker."""
    max_upstream_waiting: int = 1024
