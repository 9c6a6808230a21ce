"""From Host to listener among those that share an address and port.

The most specific listener hostname is chosen, and only its routes are looked at: a request that none
of them takes does not go to a less specific listener (feature GatewayHTTPListenerIsolation).
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from proxy.routing.hostname import HostIndex

L = TypeVar("L")


class PortTable(Generic[L]):
    """The listeners of one port. `L` is a ListenerTable, or whatever the caller keeps about a listener."""

    __slots__ = ("_hosts", "_only")

    def __init__(self, listeners: Iterable[tuple[bytes, L]]) -> None:
        """Takes (listener hostname, listener); of two with the same hostname the first stays."""
        self._hosts = HostIndex(listeners)
        alone = not self._hosts.exact and not self._hosts.wildcard
        self._only = self._hosts.any if alone else None

    def items(self) -> Iterator[tuple[bytes, L]]:
        """Hostname and listener of each."""
        return self._hosts.items()

    def choose(self, host: bytes) -> L | None:
        """The listener for a host (as Request.host), None when there is none."""
        return self._only if self._only is not None else self._hosts.find(host)
