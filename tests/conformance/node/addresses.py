"""Addresses to give away, in turn, so that one just given back is the last to be given again."""

import ipaddress
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

_FIRST_POD = 10
"""The numbers before it are the node's and what it may need."""


class Address(NamedTuple):
    """An address of the Pod network and its number in it, which names links and namespaces."""

    ip: str
    number: int


class Pool:
    """A row of addresses; those given back join the end."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._free = deque(addresses)

    def take(self) -> Address:
        """Raises IndexError when none is left."""
        return self._free.popleft()

    def give_back(self, address: Address) -> None:
        self._free.append(address)


def pod_pool(network: str) -> Pool:
    """Every address a Pod may have in that network."""
    net = ipaddress.ip_network(network)
    return Pool(Address(str(net[number]), number) for number in range(_FIRST_POD, net.num_addresses - 1))
