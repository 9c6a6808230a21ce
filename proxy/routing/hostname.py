"""Hostnames: what a wildcard covers, and finding the most specific hostname for a host.

A hostname is lower-case bytes: exact ("a.example.com"), a wildcard ("*.example.com", one label or more
in place of the star) or b"" for every host.
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def covers(hostname: bytes, host: bytes) -> bool:
    """Whether a request for `host` is one for `hostname`; `host` may itself be a wildcard.

    Tables do not ask this, they look up.
    """
    if hostname.startswith(b"*"):
        return len(host) > len(hostname) - 1 and host.endswith(hostname[1:])
    return hostname in (b"", host)


class HostIndex(Generic[T]):
    """Values by hostname, found by host: exact first, then the longest wildcard, then b""."""

    __slots__ = ("_longest", "any", "exact", "wildcard")

    def __init__(self, values: Iterable[tuple[bytes, T]]) -> None:
        """The first value of a hostname stays."""
        self.exact: dict[bytes, T] = {}
        self.wildcard: dict[bytes, T] = {}
        """By what follows the star: b".example.com"."""
        self.any: T | None = None
        for hostname, value in values:
            if hostname.startswith(b"*"):
                self.wildcard.setdefault(hostname[1:], value)
            elif hostname:
                self.exact.setdefault(hostname, value)
            elif self.any is None:
                self.any = value
        self._longest = max(map(len, self.wildcard), default=0)

    def items(self) -> Iterator[tuple[bytes, T]]:
        """Every hostname with its value."""
        yield from self.exact.items()
        yield from ((b"*" + suffix, value) for suffix, value in self.wildcard.items())
        if self.any is not None:
            yield b"", self.any

    def find(self, host: bytes) -> T | None:
        """The value of the most specific hostname that covers `host`."""
        found = self.exact.get(host)
        if found is not None:
            return found
        if self.wildcard:
            for value in self.wildcards(host):
                return value
        return self.any

    def wildcards(self, host: bytes) -> Iterator[T]:
        """The values of every wildcard that covers `host`, longest first.

        At least one character stands for the star, and no suffix longer than the longest wildcard is
        cut, so that a host of a thousand dots costs no more than a plain one.
        """
        dot = host.find(b".", max(1, len(host) - self._longest))
        while dot > 0:
            value = self.wildcard.get(host[dot:])
            if value is not None:
                yield value
            dot = host.find(b".", dot + 1)
