"""What every exchange of a worker shares: clock, rules of forwarding, counters, log, limits of time."""

import asyncio
from collections.abc import Callable

from proxy.batch import WriteBatch
from proxy.forward.counters import RequestCounters
from proxy.forward.ongoing import Ongoing
from proxy.observe.access_log import AccessLogWriter
from proxy.observe.metrics import Histogram, WorkerMetrics
from proxy.protocol.forwarding import ForwardingRules
from proxy.wheel import Lender, Wheel


class Timeouts:
    """Seconds an exchange may wait."""

    __slots__ = ("answer", "filter", "idle", "response_head", "tunnel")

    def __init__(
        self,
        *,
        response_head: float = 60.0,
        idle: float = 300.0,
        tunnel: float = 3600.0,
        answer: float = 10.0,
        filter: float = 30.0,
    ) -> None:
        self.response_head = response_head
        """From the whole request sent to a whole response head."""
        self.idle = idle
        """No octet in either direction."""
        self.tunnel = tunnel
        """The same after an upgrade."""
        self.answer = answer
        """From a filter's question to the whole answer, connecting included."""
        self.filter = filter
        """A filter waits, for whatever it may be but for the client."""


class Plane:
    """One per worker. `generation` moves when a snapshot is committed."""

    __slots__ = ("access_log", "answer_time", "batch", "clock", "filter_time", "forwarding", "generation", "loop",
                 "metrics", "ongoing", "open_connections", "overhead", "timeouts", "unrouted", "wheel")  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wheel: Wheel,
        forwarding: ForwardingRules,
        metrics: WorkerMetrics,
        access_log: AccessLogWriter | None,
        timeouts: Timeouts,
        batch: WriteBatch,
    ) -> None:
        self.loop = loop
        self.wheel = wheel
        self.clock: Callable[[], float] = wheel.clock
        self.forwarding = forwarding
        self.metrics = metrics
        self.access_log = access_log
        self.timeouts = timeouts
        self.answer_time = Lender(timeouts.answer)
        self.filter_time = Lender(timeouts.filter)
        self.batch = batch
        self.ongoing = Ongoing(wheel)
        self.generation = 0
        self.open_connections = 0
        """Of clients."""
        self.unrouted = RequestCounters(metrics, ("", "", "", "", ""))
        """Requests that reached no listener: malformed ones, and hosts that no listener on the port serves."""
        self.overhead: Histogram = metrics.histogram("penstock_http_overhead_seconds")
