"""A Pod's network namespace: its own loopback, and an eth0 on the node's bridge."""

import ipaddress
from dataclasses import dataclass

from tests.conformance.network import BRIDGE
from tests.conformance.node.addresses import Address
from tests.conformance.node.command import CommandError, run
from tests.conformance.place import NODE_IP, POD_NET

_PREFIX = ipaddress.ip_network(POD_NET).prefixlen


@dataclass(frozen=True)
class Sandbox:
    """`name` is the namespace's."""

    name: str
    address: Address

    @property
    def ip(self) -> str:
        return self.address.ip

    async def create(self) -> None:
        link = f"v{self.address.number}"
        await run("ip", "netns", "add", self.name)
        await run("ip", "-batch", "-", stdin=f"link add {link} type veth peer name eth0 netns {self.name}\n")
        await run("ip", "-batch", "-", stdin=f"link set {link} master {BRIDGE}\nlink set {link} up\n")
        lines = (
            "link set lo up",
            f"addr add {self.ip}/{_PREFIX} dev eth0",
            "link set eth0 up",
            f"route add default via {NODE_IP}",
        )
        await run("ip", "-n", self.name, "-batch", "-", stdin="\n".join(lines) + "\n")

    async def remove(self) -> None:
        """Its end of the link goes with it, and the other end with that."""
        try:
            await run("ip", "netns", "del", self.name)
        except CommandError:
            pass  # it was never made
