"""The proxies that can be measured. A peer is a function from a Plan to a Launch, entered in PEERS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load.workloads import Table


@dataclass(frozen=True)
class Plan:
    """What a peer is asked to serve, and where."""

    table: Table
    directory: Path
    """Empty, the peer's own: configuration, log and the working directory of its processes."""
    port: int
    """To listen on, at 127.0.0.1."""
    admin_port: int
    backend_port: int
    """Every rule of the table leads to 127.0.0.1 and this port."""

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        return path


@dataclass(frozen=True)
class Launch:
    """How to start a peer."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    """Where it listens when it does not heed Plan.port."""
    admin: bool = False
    """It answers GET /readyz on Plan.admin_port."""
    patience: float = 60.0
    """Seconds it may take until its last route answers."""


@dataclass(frozen=True)
class Peer:
    """One proxy under test."""

    name: str
    launch: Callable[[Plan], Launch]
    serves_all: bool = True
    """False when it can serve only the table that takes everything, in clear text."""
