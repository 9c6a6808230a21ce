"""The table of one listener: host, then path, then method, headers and query parameters.

A HostTable serves one hostname, a ListenerTable all hostnames of one listener. When no rule of the most
specific hostname takes a request, the next less specific hostname of the same listener is asked: the
API ranks the rules that match, and one that does not match ranks nowhere.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from proxy.routing.hit import Headers, Hit
from proxy.routing.hostname import HostIndex
from proxy.routing.miss import nearest_miss
from proxy.routing.path import PathTable, Row
from proxy.routing.precedence import host_key
from proxy.snapshot.route import HostBucket, Rule

R = TypeVar("R")


class HostTable(Generic[R]):
    """The compiled bucket of one hostname."""

    __slots__ = ("hostname", "match", "tiers")

    match: Callable[[bytes, bytes, Headers, bytes | None], Hit[R] | None]
    """(path, method, headers, query) to the winner. With one tier it is that tier's own method."""

    def __init__(self, hostname: bytes, tiers: list[PathTable[R]]) -> None:
        self.hostname = hostname
        self.tiers = tiers
        self.match = tiers[0].match if len(tiers) == 1 else _first_of(tiers)

    @classmethod
    def compile(cls, bucket: HostBucket, bind: Callable[[Rule], R]) -> "HostTable[R]":
        """Compiles a bucket; `bind` is called once for each rule. Raises regex.BadPattern.

        Entries whose routes name this hostname differently rank apart before their paths are looked
        at (precedence steps 1 and 2), so each such tier has its own table. Nearly always there is one.
        """
        bound = [bind(rule) for rule in bucket.rules]
        tiers: dict[tuple[int, int], list[Row[R]]] = {}
        rows: list[Row[R]] = []
        own = None
        for entry in bucket.entries:
            if entry.own != own:
                own = entry.own
                rows = tiers.setdefault(host_key(own), [])
            hit = Hit(bound[entry.rule], entry.match_index, entry.match, bucket.hostname, 0)
            rows.append((entry, bucket.rules[entry.rule], hit))
        return cls(bucket.hostname, [PathTable(tiers[key]) for key in sorted(tiers)])


def _first_of(tiers: list[PathTable[R]]) -> Callable[[bytes, bytes, Headers, bytes | None], Hit[R] | None]:
    def match(path: bytes, method: bytes, headers: Headers, query: bytes | None) -> Hit[R] | None:
        for tier in tiers:
            hit = tier.match(path, method, headers, query)
            if hit is not None:
                return hit
        return None

    return match


class ListenerTable(Generic[R]):
    """Every hostname of one listener."""

    __slots__ = ("_any", "_exact", "_hosts")

    def __init__(self, buckets: Mapping[bytes, HostTable[R]]) -> None:
        self._hosts = HostIndex(buckets.items())
        self._exact = self._hosts.exact
        self._any = self._hosts.any

    def match(self, host: bytes, path: bytes, method: bytes, headers: Headers, query: bytes | None) -> Hit[R] | None:
        """The entry that answers, None for 404. `host` and `path` as Request has them."""
        table = self._exact.get(host)
        if table is not None:
            hit = table.match(path, method, headers, query)
            if hit is not None:
                return hit
        if self._hosts.wildcard:
            for table in self._hosts.wildcards(host):
                hit = table.match(path, method, headers, query)
                if hit is not None:
                    return hit
        return self._any.match(path, method, headers, query) if self._any is not None else None

    def miss(self, host: bytes, path: bytes, method: bytes, headers: Headers, query: bytes | None) -> str:
        """The criterion that a request which nothing takes failed on last: host, path, method, header or query."""
        tables = [table for table in (self._exact.get(host), *self._hosts.wildcards(host), self._any) if table]
        if not tables:
            return "host"
        nodes = (node for table in tables for tier in table.tiers for node in tier.nodes(path))
        return nearest_miss(nodes, method, headers, query)
