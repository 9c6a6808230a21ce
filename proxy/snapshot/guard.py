"""Which addresses a name may lead to, when whoever chose the name need not be trusted with all that we can reach.

A gateway stands where its users do not: beside a metadata service that hands out credentials, before services on its
own loopback. A DNS name that leads there would make the gateway their deputy (CVE-2021-25740; GEP-4894 calls it the
confused deputy). Private networks are no such place by themselves: whoever has one to protect adds it.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

FORBIDDEN: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "unspecified"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved or broadcast"),
    ("100.100.100.200/32", "a metadata service"),
    ("168.63.129.16/32", "a metadata service"),
    ("192.0.0.192/32", "a metadata service"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("64:ff9b:1::/48", "behind a translator"),
    ("fd00:ec2::254/128", "a metadata service"),
    ("fd20:ce::254/128", "a metadata service"),
)
"""RFC 6890 and its registries, and where clouds answer for a machine beside 169.254.169.254: Alibaba, Azure, Oracle;
over IPv6 AWS and Google. Where the IPv4 address stands within the prefix of RFC 8215 is up to each network."""

_MAPPED = ip_network("::ffff:0:0/96")
_COMPATIBLE = ip_network("::/96")
_TRANSLATED = ip_network("::ffff:0:0:0/96")
"""RFC 2765 (SIIT): what translators from before RFC 6052 make of IPv4."""
_NAT64 = ip_network("64:ff9b::/96")
_TEREDO = ip_network("2001::/32")
_6TO4 = ip_network("2002::/16")


class Guard(Struct, frozen=True):
    """Options: networks in CIDR form."""

    allowed: tuple[str, ...] = ()
    """Of what is forbidden."""
    denied: tuple[str, ...] = ()
    """Beside what is forbidden anyway. An address that is in both is allowed."""

    def refusal(self, address: str) -> str:
        """What speaks against an IP address, in few words; "" where nothing does."""
        for each in _meant(ip_address(address)):
            why = next((why for network, why in self._forbidden() if each in network), "")
            if why and not any(each in network for network in _networks(self.allowed)):
                return why
        return ""

    def _forbidden(self) -> Iterator[tuple[_Network, str]]:
        yield from _BY_DEFAULT
        yield from ((network, "denied by an option") for network in _networks(self.denied))


_BY_DEFAULT = tuple((ip_network(text), why) for text, why in FORBIDDEN)


@lru_cache(maxsize=16)
def _networks(texts: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(map(ip_network, texts))


def _meant(address: _Address) -> Iterable[_Address]:
    """The address, and the IPv4 addresses that it stands for by a way of writing or a translator's rule."""
    yield address
    if isinstance(address, IPv4Address):
        return
    octets = address.packed
    if any(address in network for network in (_MAPPED, _COMPATIBLE, _TRANSLATED, _NAT64)):
        yield IPv4Address(octets[12:])
    elif address in _6TO4:
        yield IPv4Address(octets[2:6])
    elif address in _TEREDO:  # RFC 4380: the client's address, inverted
        yield IPv4Address(bytes(octet ^ 0xFF for octet in octets[12:]))
