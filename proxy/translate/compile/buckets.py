"""Routes to buckets: everything that one listener serves under one hostname.

A bucket is the unit of differences, so one whose routes are the same as before is the same instance.
"""

from collections.abc import Mapping

from msgspec import Struct

from proxy.snapshot.route import Entry, HostBucket
from proxy.translate.compile.routes import CompiledRoute
from proxy.translate.graph.nodes import AttachmentNode, RouteKey

BucketKey = tuple[str, bytes]
"""(listener key, hostname)."""
Member = tuple[CompiledRoute, bytes]
"""A route and which of its own hostnames led to the bucket."""


class Buckets(Struct, frozen=True):
    """Buckets, and of what they are made."""

    members: Mapping[BucketKey, list[Member]]
    compiled: Mapping[BucketKey, HostBucket]


def build_buckets(
    routes: Mapping[RouteKey, CompiledRoute],
    attachments: Mapping[RouteKey, AttachmentNode],
    previous: Buckets | None,
) -> Buckets:
    """In the order of routes, so the same resources give the same snapshot."""
    members = _members(routes, attachments)
    if previous is None:
        return Buckets(members, {at: _bucket(at[1], group) for at, group in members.items()})
    return Buckets(
        members,
        {
            at: previous.compiled[at] if previous.members.get(at) == group else _bucket(at[1], group)
            for at, group in members.items()
        },
    )


def _members(
    routes: Mapping[RouteKey, CompiledRoute], attachments: Mapping[RouteKey, AttachmentNode]
) -> dict[BucketKey, list[Member]]:
    members: dict[BucketKey, list[Member]] = {}
    for key, route in routes.items():
        for listener, hostname, own in attachments[key].places:
            members.setdefault((listener, hostname), []).append((route, own))
    return members


def _bucket(hostname: bytes, members: list[Member]) -> HostBucket:
    rules = tuple(rule for route, _ in members for rule in route.rules)
    entries: list[Entry] = []
    first = 0
    for route, own in members:
        entries.extend(Entry(item.match, first + item.rule, item.match_index, own) for item in route.matches)
        first += len(route.rules)
    return HostBucket(hostname, rules, tuple(entries))
