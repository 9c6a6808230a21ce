"""Where a cluster lives: its name, its addresses, its files. All of it follows from the name."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "conformance"
MODULES = Path(__file__).parent / "modules"

NODE = "node-1"
NODE_IP = "10.244.0.1"
POD_NET = "10.244.0.0/16"
SERVICE_NET = "10.96.0.0/16"
"""ClusterIPs. Nothing answers there: there is no kube-proxy, an implementation goes to EndpointSlices."""
API_PORT = 6443
API = f"https://{NODE_IP}:{API_PORT}"
KUBELET_PORT = 10250

GATEWAY_ADDRESSES = tuple(f"10.245.0.{number}" for number in range(1, 33))
"""For Gateways to be given: the pool of the implementation under test."""
USABLE_ADDRESS = "10.245.0.33"
"""Bindable, outside the pool: what a Gateway may ask for by itself (the suite's -usable-address)."""
UNUSABLE_ADDRESS = "192.0.2.1"
"""Nobody's (RFC 5737): what a Gateway must be refused (the suite's -unusable-address)."""
LOAD_BALANCER_ADDRESSES = tuple(f"10.245.1.{number}" for number in range(1, 33))
"""For Services of type LoadBalancer."""

DEFAULT_NAME = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Place:
    """All clusters use the same addresses, each inside its own network namespace."""

    name: str

    @property
    def namespace(self) -> str:
        """The network namespace of the node; those of its Pods are `<namespace>-p<number>`."""
        return f"penstock-{self.name}"

    @property
    def directory(self) -> Path:
        return BUILD / self.name

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def pids(self) -> Path:
        return self.directory / "pids"

    @property
    def pki(self) -> Path:
        return self.directory / "pki"

    @property
    def pods(self) -> Path:
        return self.directory / "pods"

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def memory(self) -> Path:
        """On tmpfs: etcd's data, whose fsyncs cost nothing there, and the note of who owns the cluster."""
        return Path("/dev/shm") / self.namespace


def place_named(name: str | None = None) -> Place:
    """The cluster of that name; else the one that PENSTOCK_CLUSTER names, else `default`.

    Raises ValueError for a name that cannot be part of a namespace's.
    """
    name = name or os.environ.get("PENSTOCK_CLUSTER") or DEFAULT_NAME
    if not _NAME.fullmatch(name):
        raise ValueError(f"PENSTOCK_CLUSTER={name}: a name is 1 to 31 of a-z, 0-9 and -, beginning with a-z or 0-9")
    return Place(name)
