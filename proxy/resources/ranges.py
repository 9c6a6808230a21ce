"""Ranges of IP addresses as people write them: one address, `first-last`, or a network in CIDR form."""

from collections.abc import Container
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

EXPECTED = "write an address, a range such as 10.0.0.1-10.0.0.9, or a network such as 192.0.2.0/28"


class AddressRange(NamedTuple):
    """From `first` to `last`, both included, of one IP version."""

    first: IPv4Address | IPv6Address
    last: IPv4Address | IPv6Address

    def __contains__(self, address: object) -> bool:
        """Whether an address, as text or parsed, lies inside."""
        try:
            found = ip_address(str(address))
        except ValueError:
            return False
        return found.version == self.first.version and int(self.first) <= int(found) <= int(self.last)

    def lowest_but(self, taken: Container[str]) -> str | None:
        """The lowest address that is not taken, in canonical spelling; None when all are.

        Looks at no more addresses than are taken, and one: a range may be larger than any list.
        """
        for step in range(int(self.last) - int(self.first) + 1):
            address = str(self.first + step)
            if address not in taken:
                return address
        return None


def parse_range(text: str) -> AddressRange:
    """All addresses of a network belong to it, its first and last included. Raises ValueError with what is wrong."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    if "/" in text:
        network = ip_network(text.strip())
        return AddressRange(network[0], network[-1])
    found = AddressRange(ip_address(first), ip_address(last if dash else first))
    if found.first.version != found.last.version:
        raise ValueError(f"{text!r} begins and ends in different IP versions")
    if int(found.last) < int(found.first):
        raise ValueError(f"{text!r} ends before it begins")
    return found
