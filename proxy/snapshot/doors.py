"""Where a request comes in: the addresses and listeners of a port, and in what order they are tried."""

from typing import Any, NamedTuple

from proxy.snapshot.question import WELL_KNOWN, Asked, ip_of
from proxy.snapshot.snapshot import Bind, Listener, Snapshot


class Door(NamedTuple):
    """One address and port that is bound, and what of it has the declared port."""

    bind: Bind
    listeners: tuple[Listener, ...]
    secure: bool
    """TLS is spoken there."""

    @property
    def data(self) -> dict[str, Any]:
        """For people; "*" is every address."""
        gateways = dict.fromkeys(listener.gateway for listener in self.listeners)
        return {"address": self.bind.address or "*", "port": self.bind.port, "gateways": list(gateways)}


class NoDoor(Exception):
    """Nothing takes the connection; the text says why."""


class Port(NamedTuple):
    """The port of a URL."""

    declared: int
    note: str = ""
    """What about it is not as the URL has it."""


def find_port(snapshot: Snapshot, asked: Asked) -> Port:
    """The declared port that is meant: that of the URL, or of its scheme, or the only one there is.

    A bound port that is no declared one is what the user would give to curl, so it stands for the declared one.
    Raises NoDoor.
    """
    ports = sorted({listener.port for listener in snapshot.listeners.values() if listener.protocol != "UDP"})
    if asked.port is None and WELL_KNOWN[asked.scheme] not in ports and len(ports) == 1:
        return Port(ports[0])
    port = asked.port or WELL_KNOWN[asked.scheme]
    if port in ports:
        return Port(port)
    binds = [bind for bind in snapshot.binds if bind.port == port and bind.transport == "TCP"]
    declared = {snapshot.listeners[key].port for bind in binds for key in bind.listeners}
    if len(declared) == 1:
        return Port(declared.pop(), f"bound to port {port}")
    there = ", ".join(map(str, ports)) or "none"
    raise NoDoor(f"nothing listens on port {port}; declared ports: {there}")


def all_doors(snapshot: Snapshot, port: int) -> list[Door]:
    """Every address with a listener on a declared port. Datagrams are no requests."""
    doors = []
    for bind in snapshot.binds:
        if bind.transport == "UDP":
            continue
        there = tuple(snapshot.listeners[key] for key in bind.listeners if snapshot.listeners[key].port == port)
        if there:
            doors.append(Door(bind, there, snapshot.is_secure(bind)))
    return doors


def find_doors(doors: list[Door], asked: Asked, port: int) -> list[Door]:
    """Those that take a connection to the address and by the scheme that were asked for. Raises NoDoor."""
    if asked.address:
        doors = _at_address(doors, asked.address, port)
    fitting = [door for door in doors if door.secure == (asked.scheme == "https")]
    if not fitting:
        spoken, instead = ("TLS", "https") if doors[0].secure else ("clear text", "http")
        raise NoDoor(f"port {port} speaks {spoken}; ask for {instead}://")
    return fitting


def _at_address(doors: list[Door], address: str, port: int) -> list[Door]:
    """An address of its own goes before all addresses, as in the kernel."""
    wanted = ip_of(address)
    for taken in (wanted, ""):
        found = [door for door in doors if door.bind.address == taken]
        if found:
            return found
    there = ", ".join(door.bind.address for door in doors)
    raise NoDoor(f"nothing listens on port {port} of address {wanted}; addresses: {there}")


def other_listeners(snapshot: Snapshot, port: int) -> list[tuple[Listener, str]]:
    """The listeners of other ports, and by which scheme they are asked."""
    secure = {key: snapshot.is_secure(bind) for bind in snapshot.binds for key in bind.listeners}
    others = [one for one in snapshot.listeners.values() if one.port != port and one.protocol in ("HTTP", "HTTPS")]
    return [(listener, "https" if secure.get(listener.key) else "http") for listener in others]
