"""The ports of a configuration, and which of two configurations belong together."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from proxy.analysis.effect import CLOSED, NOT_FOUND, Effect, Effects
from proxy.analysis.order import Order
from proxy.routing.hostname import HostIndex
from proxy.routing.listeners import PortTable
from proxy.snapshot.route import HostBucket
from proxy.snapshot.snapshot import Bind, Listener, Snapshot


class Socket(NamedTuple):
    """What a client can connect to."""

    address: str
    port: int
    """The bound one."""
    secure: bool


class Port:
    """One socket of one configuration, and its listeners."""

    def __init__(self, side: "Side", bind: Bind) -> None:
        self.side = side
        self.socket = Socket(bind.address, bind.port, side.snapshot.is_secure(bind))
        self.headers = bind.proxy_headers
        self.listeners = [side.snapshot.listeners[key] for key in bind.listeners]
        self.declared = self.listeners[0].port if self.listeners else bind.port
        self._table = PortTable([(listener.hostname, listener) for listener in self.listeners])

    def choose(self, host: bytes) -> Listener | None:
        return self._table.choose(host)

    def nothing(self, listener: Listener | None) -> Effect:
        """What becomes of a request that no entry takes; without a listener a TLS connection is not even made."""
        return CLOSED if listener is None and self.socket.secure else NOT_FOUND

    def hostnames(self) -> Iterator[bytes]:
        """Of listeners and of what they serve."""
        for listener in self.listeners:
            yield listener.hostname
            yield from self.side.buckets_of(listener.key)


class Side:
    """One configuration, its parts worked out when they are asked for."""

    def __init__(self, snapshot: Snapshot, *, endpoints: bool) -> None:
        self.snapshot = snapshot
        self._buckets: dict[str, dict[bytes, HostBucket]] = {key: {} for key in snapshot.listeners}
        for (listener, hostname), bucket in snapshot.buckets.items():
            self._buckets[listener][hostname] = bucket
        self._hosts = {key: HostIndex((name, name) for name in found) for key, found in self._buckets.items()}
        self._effects = {
            key: Effects(snapshot, listener, endpoints=endpoints) for key, listener in snapshot.listeners.items()
        }
        self._orders: dict[tuple[str, bytes], Order] = {}
        self.ports = [Port(self, bind) for bind in snapshot.binds if bind.listeners]

    def buckets_of(self, listener: str) -> Mapping[bytes, HostBucket]:
        return self._buckets[listener]

    def effects_of(self, listener: str) -> Effects:
        return self._effects[listener]

    def order(self, listener: str, hostname: bytes) -> Order | None:
        """None: nothing is served there."""
        bucket = self._buckets[listener].get(hostname)
        if bucket is None:
            return None
        at = (listener, hostname)
        if at not in self._orders:
            self._orders[at] = Order(bucket, self._effects[listener].of)
        return self._orders[at]

    def asked(self, listener: Listener | None, host: bytes) -> list[bytes]:
        """The hostnames under which a listener looks for a host, the most specific first."""
        if listener is None:
            return []
        index = self._hosts[listener.key]
        exact = [host] if host in index.exact else []
        return exact + list(index.wildcards(host)) + ([b""] if index.any is not None else [])


def pair_ports(old: Side, new: Side) -> Iterator[tuple[Port | None, Port | None]]:
    """By socket; of those left over, a Gateway's listeners for the same declared port belong together."""
    before = {port.socket: port for port in old.ports}
    after = {port.socket: port for port in new.ports}
    for socket in before.keys() & after.keys():
        yield before.pop(socket), after.pop(socket)
    moved = {_mark(port): port for port in after.values()}
    for port in before.values():
        yield port, moved.pop(_mark(port), None)
    yield from ((None, port) for port in moved.values())


def _mark(port: Port) -> tuple[int, bool, tuple[str, ...]]:
    return port.declared, port.socket.secure, tuple(sorted({listener.gateway for listener in port.listeners}))
