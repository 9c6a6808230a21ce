"""Routes below HTTP: where connections and flows of a listener go (TCPRoute, TLSRoute, UDPRoute after translation)."""

from typing import Literal

from msgspec import Struct

from proxy.snapshot.route import BackendRef


class L4Route(Struct, frozen=True):
    """The one rule of one route on one listener, under one hostname."""

    route: str
    """NAMESPACE/NAME."""
    kind: Literal["TCPRoute", "TLSRoute", "UDPRoute"]
    hostname: bytes = b""
    """What the TLS server name must be: exact, wildcard, or b"" for all, and for connections without one."""
    name: str = ""
    """The rule's own."""
    backends: tuple[BackendRef, ...] = ()

    @property
    def label(self) -> str:
        """The `rule` label of metrics and logs: the rule's name, else its index, of which there is one."""
        return self.name or "0"
