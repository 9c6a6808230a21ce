"""The stage of the demo: what its configuration says about ports and addresses, and whether they are free."""

import errno
import socket
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from proxy.resources.core import EndpointSlice
from proxy.resources.gateway import Gateway
from proxy.sources.file import FileSource

LOOPBACK = "127.0.0.1"
CONFIGURATION = Path(str(files("proxy.demo"))) / "hello.yaml"
"""In a checkout this is a link to config/hello.yaml, the file to edit."""


class StageError(Exception):
    """The demo cannot start; says what is in the way and what to do."""


class Stage(NamedTuple):
    """Who stands where."""

    source: Path
    declared_port: int
    """The port of the Gateway's listener; bound to `port`."""
    backend_host: str
    backend_port: int
    port: int
    admin_port: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/hello"

    @property
    def admin(self) -> str:
        return f"{LOOPBACK}:{self.admin_port}"


class Wanted(NamedTuple):
    """A port the demo listens on, and what to do when it cannot."""

    host: str
    port: int
    who: str
    instead: str


def set_stage(port: int, admin_port: int, source: Path = CONFIGURATION) -> Stage:
    """Reads the configuration and makes sure that all three ports are free; raises StageError."""
    stage = read_stage(source.resolve(), port, admin_port)
    required: set[int] = set()
    for wanted in wanted_ports(stage):
        require_free(wanted, required)
        required.add(wanted.port)
    return stage


def read_stage(path: Path, port: int, admin_port: int) -> Stage:
    """Where the first Gateway listens and the first EndpointSlice points; raises StageError without them."""
    loaded = FileSource([str(path)]).load()
    try:
        gateway = next(iter(loaded.resources.by_kind(Gateway).values()))
        endpoints = next(iter(loaded.resources.by_kind(EndpointSlice).values()))
        host, backend_port = endpoints.endpoints[0].addresses[0], endpoints.ports[0].port or 0
        declared_port = gateway.spec.listeners[0].port
    except (StopIteration, IndexError):
        problems = "".join(f"\n{problem}" for problem in loaded.problems)
        raise StageError(f"{path} needs a Gateway and an EndpointSlice for the demo.{problems}") from None
    return Stage(path, declared_port, host, backend_port, port, admin_port)


def wanted_ports(stage: Stage) -> tuple[Wanted, ...]:
    other, other_admin = stage.port % 65535 + 1, stage.admin_port % 65535 + 1
    edit = f"stop what holds it, or edit the EndpointSlice in {stage.source}"
    return (
        Wanted(LOOPBACK, stage.port, "the gateway", f"make demo PORT={other} (penstock demo --port {other})"),
        Wanted(
            LOOPBACK,
            stage.admin_port,
            "the admin address",
            f"make demo ADMIN_PORT={other_admin} (penstock demo --admin-port {other_admin})",
        ),
        Wanted(stage.backend_host, stage.backend_port, "the hello backend", edit),
    )


def require_free(wanted: Wanted, required: set[int]) -> None:
    """Raises StageError when nobody could listen there now, or another part of the demo will."""
    host, port, who, instead = wanted
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT do no harm
        try:
            if port in required:
                raise OSError(errno.EADDRINUSE, "wanted twice")
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is taken already" if taken else f"cannot be bound: {error.strerror}"
            raise StageError(f"Port {port}, wanted for {who}, {reason}. Instead: {instead}") from None
