"""What pools are told from outside."""

from proxy.protocol.limits import Limits


class PoolSettings:
    """Limits of every pool of this process. Seconds and counts."""

    __slots__ = ("connect_timeout", "idle_timeout", "limits", "max_connections", "max_waiting", "wait_timeout")

    def __init__(
        self,
        limits: Limits,
        *,
        connect_timeout: float = 2.0,
        idle_timeout: float = 60.0,
        max_connections: int = 1024,
        max_waiting: int = 1024,
        wait_timeout: float = 10.0,
    ) -> None:
        self.limits = limits
        self.connect_timeout = connect_timeout
        self.idle_timeout = idle_timeout
        self.max_connections = max_connections
        self.max_waiting = max_waiting
        self.wait_timeout = wait_timeout
        """In the queue, when all connections are in use."""
