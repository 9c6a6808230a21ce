"""The network namespace that is a cluster's whole world, and a way for this process to reach into it."""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.place import GATEWAY_ADDRESSES, LOAD_BALANCER_ADDRESSES, NODE_IP, USABLE_ADDRESS, Place

NAMESPACES = Path("/run/netns")
BRIDGE = "br0"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def create(place: Place) -> None:
    """A namespace with a bridge for the Pods and all addresses that Gateways and load balancers may be given."""
    addresses = (*GATEWAY_ADDRESSES, USABLE_ADDRESS, *LOAD_BALANCER_ADDRESSES)
    ip("netns", "add", place.namespace)
    ip_batch(
        place.namespace,
        [
            "link set lo up",
            f"link add {BRIDGE} type bridge",
            f"addr add {NODE_IP}/16 dev {BRIDGE}",
            f"link set {BRIDGE} up",
            *(f"addr add {address}/32 dev lo" for address in addresses),
        ],
    )
    # Many connections in TIME_WAIT are nothing special inside. The range begins above every port that anyone listens
    # on: a client that tries a server which is down could else be given its port, and be connected with itself.
    settings = "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 16384 65535 > /proc/sys/net/ipv4/ip_local_port_range"
    subprocess.run(inside(place, "sh", "-c", settings), check=False, stderr=subprocess.DEVNULL)


def inside(place: Place, *argv: str) -> list[str]:
    """The command that runs `argv` in the cluster's network namespace.

    nsenter, not `ip netns exec`: the latter's private mounts hide the namespaces of Pods made inside.
    """
    return ["nsenter", f"--net={NAMESPACES / place.namespace}", *argv]


def namespaces_of(place: Place) -> list[str]:
    """The namespace of the node and those of its Pods, as far as they exist."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    names = [line.split()[0] for line in listed.splitlines() if line]
    return [name for name in names if belongs_to(place, name)]


def belongs_to(place: Place, namespace: str) -> bool:
    pod = namespace.removeprefix(f"{place.namespace}-p")
    return namespace == place.namespace or (pod != namespace and pod.isdigit())


def processes_in(namespace: str) -> list[int]:
    listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False).stdout
    return [int(pid) for pid in listed.split()]


def remove(namespace: str) -> None:
    """Its links go with it."""
    ip("netns", "del", namespace)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def ip_batch(namespace: str, lines: list[str]) -> None:
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


def connect(place: Place, address: tuple[str, int], timeout: float) -> socket.socket:
    """A TCP connection made inside the cluster: a socket belongs to the namespace it was created in."""
    with entered(place):
        return socket.create_connection(address, timeout)


@contextmanager
def entered(place: Place) -> Iterator[None]:
    """This thread, inside the cluster's network namespace for as long as the block lasts."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(NAMESPACES / place.namespace, os.O_RDONLY)
        try:
            _set_namespace(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _set_namespace(own)
    finally:
        os.close(own)


def _set_namespace(descriptor: int) -> None:
    """os.setns exists from Python 3.12 on."""
    if _libc.setns(descriptor, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")
