"""What changes before a rule is asked: ports that open, close or move, and requests on connections for another host."""

from collections.abc import Sequence

from proxy.analysis.changes import Asked, Gathered, Outcome
from proxy.analysis.ports import Port
from proxy.analysis.witness import Witness
from proxy.snapshot.snapshot import Listener

_PLAIN = Witness(b"/", b"GET", {})

Member = tuple[bytes, tuple[Listener | None, Listener | None]]
"""A host, and the listener that it belongs to, before and after."""


def compare_sockets(old: Port | None, new: Port | None, gathered: Gathered) -> None:
    """A port that only one side has; and one that stands at another address."""
    there = new or old
    assert there is not None
    if old is not None and new is not None and old.socket.address == new.socket.address:
        return
    gathered.change(_asked(there), _listening(old), _listening(new))


def _listening(port: Port | None) -> Outcome:
    if port is None:
        return Outcome("nothing listens")
    keys = ", ".join(listener.key for listener in port.listeners)
    return Outcome("listener", listener=keys, address=port.socket.address or "every address")


def _asked(port: Port) -> Asked:
    host = min((_example(listener.hostname) for listener in port.listeners), key=lambda one: (len(one), one))
    return Asked(port.socket.secure, port.socket.address, port.declared, host, host, _PLAIN)


def _example(hostname: bytes) -> bytes:
    return b"any" + hostname[1:] if hostname.startswith(b"*") else hostname or b"any.example"


def compare_headers(old: Port, new: Port, gathered: Gathered) -> None:
    """What comes before a request is no part of its answer, but trusted proxies have to know."""
    if old.headers != new.headers:
        asked = f"of mode {new.headers.capitalize()}" if new.headers else "not set any more"
        for listener in new.listeners:
            gathered.note(listener.key, f"proxyProtocol is {asked}")


def compare_server_names(members: Sequence[Member], port: Port, gathered: Gathered) -> None:
    """Requests for the host of one listener on a connection for that of another: 421, or not any more."""
    for server_name, theirs in members:
        for host, ours in members:
            before, after = (_outcome(theirs[side], ours[side]) for side in (0, 1))
            if (
                host != server_name
                and before.what != after.what
                and {before.what, after.what} != {"closed", "listener"}
            ):
                asked = Asked(True, port.socket.address, port.declared, host, server_name, _PLAIN)
                gathered.change(asked, before, after)


def _outcome(connection: Listener | None, host: Listener | None) -> Outcome:
    if connection is None:
        return Outcome("closed")
    if host is None:
        return Outcome("not found", listener=connection.key)
    return Outcome("listener" if host is connection else "misdirected", listener=connection.key)
