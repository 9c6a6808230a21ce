"""Why nothing took a request: the criterion on which the nearest entry failed, for a metric and the log.

`routing.explain` says it in full; this is asked for every 404, so it looks at a bounded number of entries.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from proxy.routing.conditions import HEADER, equalities, hold, patterns
from proxy.routing.dispatch import Index, Node, Scan
from proxy.routing.hit import Headers, Hit

R = TypeVar("R")

AT_MOST = 64
"""Entries looked at."""
_ORDER = ("path", "method", "header", "query")
"""Later is nearer."""


def nearest_miss(nodes: Iterable[Node[R]], method: bytes, headers: Headers, query: bytes | None) -> str:
    """Of nodes that all take the path but not the request."""
    entries = islice((entry for node in nodes for entry in _entries(node)), AT_MOST)
    reasons = [_reason(hit, method, headers, query) for hit in entries]
    return max(reasons, key=_ORDER.index, default="path")


def _entries(node: Node[R]) -> Iterator[Hit[R]]:
    if isinstance(node, Hit):
        yield node
    elif isinstance(node, Scan):
        yield from (hit for _, _, hit in node.entries)
    else:
        yield from _indexed(node)


def _indexed(index: Index[R]) -> Iterator[Hit[R]]:
    for node in index.methods.values():
        yield from _entries(node)
    for tables in (index.headers, index.query):
        for by_value in tables.values():
            for node in by_value.values():
                yield from _entries(node)
    if index.rest is not None:
        yield from _entries(index.rest)


def _reason(hit: Hit[R], method: bytes, headers: Headers, query: bytes | None) -> str:
    spec = hit.spec
    if spec.method and spec.method != method:
        return "method"
    equal = tuple(asked for asked in equalities(spec) if asked[0] == HEADER)
    matching = tuple(asked for asked in patterns(spec) if asked[0] == HEADER)
    return "query" if hold(equal, matching, method, headers, query) else "header"
