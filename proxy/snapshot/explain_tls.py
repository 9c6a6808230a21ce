"""What TLS decides before a request is read: the listener by server name, and whether the host may be asked for.

The same questions, put to the same tables, as in the data plane.
"""

from ipaddress import ip_address
from typing import NamedTuple

from proxy.routing.listeners import PortTable
from proxy.snapshot.describe import text
from proxy.snapshot.question import Asked
from proxy.snapshot.snapshot import Listener, Snapshot


class Handshake(NamedTuple):
    """What becomes of a connection for a URL."""

    server_name: str
    """What the client would send; "" for an address."""
    listener: str
    """Key of the one that the server name chooses; "" for none."""
    refused: str
    """Why the request is not even asked; "" when it is."""


def shake_hands(snapshot: Snapshot, port: int, asked: Asked, host: bytes) -> Handshake | None:
    """None for clear text. `host`: that of the request. Of several addresses with this port the first that takes it."""
    binds = [bind for bind in snapshot.binds if any(snapshot.listeners[key].port == port for key in bind.listeners)]
    secure = [bind for bind in binds if snapshot.is_secure(bind)]
    if asked.scheme == "http":
        plain = len(secure) < len(binds)
        return None if plain else Handshake("", "", f"port {port} speaks TLS; ask for https://")
    if not secure:
        return Handshake("", "", f"port {port} speaks clear text; ask for http://")
    name = _server_name(asked)
    outcomes = [_choose([snapshot.listeners[key] for key in bind.listeners], name, host) for bind in secure]
    return next((outcome for outcome in outcomes if not outcome.refused), outcomes[0])


def _choose(listeners: list[Listener], server_name: bytes, host: bytes) -> Handshake:
    table = PortTable([(listener.hostname, listener) for listener in listeners])
    chosen = table.choose(server_name)
    name = text(server_name)
    if chosen is None:
        what = f"server name {name}" if name else "connection without a server name"
        return Handshake(name, "", f"no listener takes a {what}: the connection is closed")
    other = table.choose(host)
    if other is not None and other is not chosen:
        why = f"421: host {text(host)} belongs to listener {other.key}, the server name {name} to {chosen.key}"
        return Handshake(name, chosen.key, why)
    return Handshake(name, chosen.key, "")


def _server_name(asked: Asked) -> bytes:
    """Clients name no server when the URL has an address (RFC 6066 section 3)."""
    host = asked.host
    try:
        ip_address(host)
    except ValueError:
        return host.lower().removesuffix(".").encode("ascii", "ignore")
    return b""
