"""The hosts that a port tells apart: every exact name, one host below each wildcard, and one that nobody names."""

from collections.abc import Iterable
from typing import NamedTuple

from proxy.routing.hostname import HostIndex, covers
from proxy.routing.precedence import host_key


class HostClass(NamedTuple):
    """All hosts for which this is the most specific of the hostnames."""

    hostname: bytes
    host: bytes
    """One of them, which stands for all."""


def host_classes(hostnames: Iterable[bytes]) -> list[HostClass]:
    """A class for each hostname and one for all other hosts, the more general first."""
    names = {b"", *hostnames}
    labels = {name.partition(b".")[0] for name in names}
    label = next(label for label in _labels(len(labels)) if label not in labels)
    ordered = sorted(names, key=lambda name: (host_key(name), name), reverse=True)
    return [HostClass(name, _host(name, label, names)) for name in ordered]


def _labels(more: int) -> list[bytes]:
    return [b"any", b"other", b"some", *(b"any%d" % number for number in range(more))]


def _host(hostname: bytes, label: bytes, names: set[bytes]) -> bytes:
    if hostname.startswith(b"*"):
        return label + hostname[1:]
    return hostname or _nobody(label, names)


def _nobody(label: bytes, names: set[bytes]) -> bytes:
    """A host that no hostname covers: nobody has a wildcard for both of two top-level names, and more are at hand."""
    wildcards = [name for name in names if name.startswith(b"*")]
    tops = [b".example", b".test", b".invalid", *(b".x%d" % number for number in range(len(wildcards)))]
    return next(label + top for top in tops if not any(covers(name, label + top) for name in wildcards))


class Parents:
    """The next more general hostname of each."""

    def __init__(self, hostnames: Iterable[bytes]) -> None:
        self._index = HostIndex((name, name) for name in hostnames)

    def of(self, hostname: bytes, host: bytes) -> bytes | None:
        """None for b""."""
        if not hostname:
            return None
        return next((name for name in self._index.wildcards(host) if name != hostname), b"")
