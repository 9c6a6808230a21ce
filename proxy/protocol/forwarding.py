"""Who the client is and what the endpoint is told about the way here.

The client's address is decided once: the socket peer, or whom a trusted one names in a header of the PROXY protocol;
where that is trusted, the rightmost untrusted entry of X-Forwarded-For or Forwarded. From untrusted peers Forwarded,
X-Forwarded-* and X-Real-IP are replaced, not appended. Via names us, and finding us in it is a loop (RFC 9110 section
7.6.3).
"""

import re
from binascii import hexlify
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from random import randbytes

from proxy.errors import LoopDetected
from proxy.protocol.message import Headers, Request

_REQUEST_ID = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_FORWARDED_FOR = re.compile(rb'(?:^|[;,])[ \t]*for="?(\[[^\]]*\]|[^;,"]*)"?', re.IGNORECASE)


class Client:
    """What a connection knows of its peer; those of one peer share it."""

    __slots__ = ("address", "fields", "port", "scheme", "trusted")

    def __init__(self, address: str, scheme: str, port: int, trusted: bool) -> None:
        self.address = address
        """The socket peer, without port; IPv4 addresses mapped into IPv6 are shown as IPv4."""
        self.scheme = scheme
        self.port = port
        """The listener's declared port."""
        self.trusted = trusted
        raw = address.encode()
        self.fields: Headers = [
            (b"x-forwarded-for", raw),
            (b"x-forwarded-proto", scheme.encode()),
            (b"x-forwarded-port", b"%d" % port),
            (b"x-real-ip", raw),
        ]


class ForwardingRules:
    """Which peers are believed, and the name we sign with."""

    def __init__(self, trusted_proxies: Sequence[str], pseudonym: bytes) -> None:
        self._networks = [ip_network(text, strict=False) for text in trusted_proxies]
        self._known = lru_cache(maxsize=4096)(self._identify)
        self._believed = lru_cache(maxsize=4096)(lambda peer: self._trusts(_parse(peer)))
        self._pseudonym = pseudonym
        self._via_11 = (b"via", b"1.1 " + pseudonym)
        self._via = {10: (b"via", b"1.0 " + pseudonym), 20: (b"via", b"2 " + pseudonym)}

    def client(self, peer: str, scheme: str, port: int) -> Client:
        """Remembered, for there may be many connections: to read an address takes 10 µs."""
        return self._known(peer, scheme, port)

    def _identify(self, peer: str, scheme: str, port: int) -> Client:
        """The peer's address as shown, and whether it is believed."""
        address = _parse(peer)
        return Client(peer if address is None else str(address), scheme, port, self._trusts(address))

    def trusts(self, peer: str) -> bool:
        """Whether the peer is one of --trusted-proxies. Remembered, too."""
        return self._believed(peer)

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        if address is None:
            return False
        return any(address.version == network.version and address in network for network in self._networks)

    def sign(self, request: Request, client: Client) -> tuple[str, bytes]:
        """Put the forwarding fields on a request; (client address, request id) for logs and limits.

        Raises LoopDetected when our own Via is already there.
        """
        headers = request.headers
        via = self._via_11 if request.version == 11 else self._via[request.version]
        if not request.hops:
            request_id = hexlify(randbytes(16))
            headers += client.fields
            if headers[0][0] == b"host":
                headers.append((b"x-forwarded-host", headers[0][1]))
            headers.append((b"x-request-id", request_id))
            headers.append(via)
            return client.address, request_id
        return self._sign_with_hops(request, client, via)

    def _sign_with_hops(self, request: Request, client: Client, via: tuple[bytes, bytes]) -> tuple[str, bytes]:
        headers, hops = request.headers, request.hops
        received = [value for name, value in hops if name == b"via"]
        if any(self._is_ours(member) for value in received for member in value.split(b",")):
            raise LoopDetected("own_via_seen", "the request has been through this gateway before")
        wanted = [value for name, value in hops if name == b"x-request-id"]
        kept = len(wanted) == 1 and _REQUEST_ID.fullmatch(wanted[0])
        request_id = wanted[0] if kept else hexlify(randbytes(16))
        address = client.address
        if client.trusted:
            address = self._extend(request, client)
        else:
            headers += client.fields
            if any(name == b"forwarded" for name, _ in hops):
                headers.append((b"forwarded", _forwarded_element(client)))
        if not client.trusted or not any(name == b"x-forwarded-host" for name, _ in hops):
            headers += [(b"x-forwarded-host", value) for name, value in headers[:1] if name == b"host"]
        headers.append((b"x-request-id", request_id))
        headers.append((b"via", b", ".join([*received, via[1]])))
        return address, request_id

    def _is_ours(self, via: bytes) -> bool:
        """One member of Via: received-protocol, received-by, maybe a comment."""
        parts = via.split(None, 2)
        return len(parts) > 1 and parts[1] == self._pseudonym

    def _extend(self, request: Request, client: Client) -> str:
        """A trusted proxy told us the way: keep what it says, add it as the last hop."""
        headers, hops = request.headers, request.hops
        chain = [part.strip() for name, value in hops if name == b"x-forwarded-for" for part in value.split(b",")]
        forwarded = [value for name, value in hops if name == b"forwarded"]
        named = chain or [found[1] for value in forwarded for found in _FORWARDED_FOR.finditer(value)]
        address = self._rightmost_untrusted(named) or client.address
        present = {name for name, _ in hops}
        kept = {b"via", b"x-request-id", b"x-forwarded-for", b"forwarded", b"x-real-ip"}
        headers += [field for field in hops if field[0] not in kept]
        headers.append((b"x-forwarded-for", b", ".join([*chain, client.address.encode()])))
        if forwarded:
            headers.append((b"forwarded", b", ".join([*forwarded, _forwarded_element(client)])))
        headers += [field for field in client.fields[1:3] if field[0] not in present]
        headers.append((b"x-real-ip", address.encode()))
        return address

    def _rightmost_untrusted(self, chain: list[bytes]) -> str | None:
        """Walk from our side; the last entry that can be read stands when all are trusted."""
        found: str | None = None
        for entry in reversed(chain):
            address = _parse(_without_port(entry.decode("latin-1")))
            if address is None:
                return found
            found = str(address)
            if not self._trusts(address):
                return found
        return found


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _forwarded_element(client: Client) -> bytes:
    """One element of Forwarded (RFC 7239 section 4); IPv6 is quoted and bracketed."""
    node = f'"[{client.address}]"' if ":" in client.address else client.address
    return f"for={node};proto={client.scheme}".encode()
