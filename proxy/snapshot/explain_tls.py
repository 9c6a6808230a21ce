"""What TLS decides before a request is read: the listener by server name, and whether the host may be asked for.

The same questions, put to the same tables, as in the data plane.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

from proxy.errors import Misdirected
from proxy.routing.listeners import PortTable
from proxy.snapshot.answers import by_error, closed
from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.describe import text
from proxy.snapshot.explain_l4 import passed_on
from proxy.snapshot.question import Asked
from proxy.snapshot.snapshot import Listener


class Handshake(NamedTuple):
    """What becomes of a TLS connection."""

    server_name: str
    """What the client sends; "" for nothing."""
    listener: str
    """Key of the one that the server name chooses; "" for none."""
    refused: str
    """Why the request is not even asked; "" when it is."""
    outcome: dict[str, Any] | None = None
    """What the client gets then."""


def shake_hands(listeners: Sequence[Listener], asked: Asked, host: bytes | None) -> Handshake:
    """`listeners`: those of the address and port. `host`: that of the request; None before there is one."""
    sent = _server_name(asked)
    table = PortTable([(listener.hostname, listener) for listener in listeners])
    chosen = table.choose(sent)
    name = text(sent)
    if chosen is None:
        what = f"server name {name}" if name else "connection without a server name"
        why = f"no listener takes a {what}: the connection is closed"
        return Handshake(name, "", why, closed("the connection is closed without an alert"))
    if refused := passed_on(chosen):
        return Handshake(name, chosen.key, refused, closed("no request is read"))
    other = None if host is None else table.choose(host)
    if host is not None and other is not None and other is not chosen:
        named = f"the server name {name}" if name else "a connection without a server name"
        why = f"host {text(host)} belongs to listener {other.key}, {named} to {chosen.key}"
        return Handshake(name, chosen.key, f"421: {why}", by_error(Misdirected("misdirected", why)))
    return Handshake(name, chosen.key, "")


def clients_mode(clients: ClientValidation | None) -> str | None:
    """FrontendTLSValidation.mode; None where no certificate is asked for."""
    if clients is None:
        return None
    return "AllowInsecureFallback" if clients.insecure_fallback else "AllowValidOnly"


def _server_name(asked: Asked) -> bytes:
    """Clients name no server when the URL has an address (RFC 6066 section 3)."""
    host = asked.host if asked.server_name is None else asked.server_name
    try:
        ip_address(host)
    except ValueError:
        return host.lower().removesuffix(".").encode("ascii", "ignore")
    return b""
