"""View: what the admin address may see of the control process."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from proxy.resources.problem import Problem
from proxy.snapshot.names import NameKey
from proxy.snapshot.snapshot import Snapshot, Transport
from proxy.translate.explain.explain import Explained
from proxy.translate.status.build import ObjectStatus


class WorkerState(NamedTuple):
    """One worker process."""

    pid: int
    generation: int
    """The one it has acknowledged; 0 before the first."""
    uptime: float
    """Seconds."""


class NameState(NamedTuple):
    """What is known of one DNS name."""

    state: str
    """pending, fresh, stale or failed."""
    addresses: tuple[str, ...] = ()
    fresh_for: float | None = None
    """Seconds until its addresses have outlived their TTL, negative since then; None before the first answer."""
    age: float | None = None
    """Seconds since its last answer."""
    trouble: str = ""
    """Why it is stale or failed."""
    detail: str = ""
    forbidden: tuple[str, ...] = ()
    """Addresses of the last answer that nothing is sent to, each with why."""


class View(Protocol):
    """Implemented by the control process. Everything is as of now."""

    @property
    def snapshot(self) -> Snapshot | None:
        """What is being served; None before the first configuration."""

    @property
    def explained(self) -> Explained | None:
        """What `snapshot` was made from; None before the first configuration."""

    @property
    def statuses(self) -> Sequence[ObjectStatus]: ...

    @property
    def problems(self) -> Sequence[Problem]: ...

    @property
    def draining(self) -> bool: ...

    @property
    def bound(self) -> Sequence[tuple[str, int, Transport]]:
        """(address, bound port, TCP or UDP) of the listeners that could be bound."""

    @property
    def workers(self) -> Mapping[int, WorkerState]: ...

    @property
    def names(self) -> Mapping[NameKey, NameState]:
        """DNS names of upstreams."""

    @property
    def uptime(self) -> float:
        """Seconds."""

    def render_metrics(self, openmetrics: bool) -> bytes: ...
