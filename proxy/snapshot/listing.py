"""The effective table of a snapshot: every entry in the order in which it is asked, per listener and hostname."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from proxy.routing.precedence import host_key, sort_key
from proxy.snapshot.describe import filter_data, match_data, policy_data, text
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.route import BackendRef, Entry, HostBucket, Rule
from proxy.snapshot.snapshot import Listener, Snapshot


def effective_routes(snapshot: Snapshot) -> list[dict[str, Any]]:
    """One item for each listener, by port and then by what its hostname says."""
    listeners = sorted(snapshot.listeners.values(), key=lambda one: (one.port, host_key(one.hostname), one.key))
    return [_listener_data(snapshot, listener) for listener in listeners]


def _listener_data(snapshot: Snapshot, listener: Listener) -> dict[str, Any]:
    buckets = [bucket for (key, _), bucket in snapshot.buckets.items() if key == listener.key]
    buckets.sort(key=lambda bucket: (host_key(bucket.hostname), bucket.hostname))
    return {
        "listener": listener.key,
        "protocol": listener.protocol,
        "port": listener.port,
        "hostname": text(listener.hostname) or "*",
        "hosts": [
            *({"hostname": text(bucket.hostname) or "*", "entries": _entries_data(bucket)} for bucket in buckets),
            *_l4_hosts(snapshot.l4.get(listener.key, ())),
        ],
    }


def _l4_hosts(routes: tuple[L4Route, ...]) -> Iterator[dict[str, Any]]:
    """Below HTTP an entry has its kind instead of conditions, and of those for one hostname the first has all."""
    for hostname, listed in groupby(routes, key=lambda route: route.hostname):
        entries = [_l4_entry(route, unused=i > 0) for i, route in enumerate(listed)]
        yield {"hostname": text(hostname) or "*", "entries": entries}


def _l4_entry(route: L4Route, *, unused: bool) -> dict[str, Any]:
    return {
        "kind": route.kind,
        "route": route.route,
        "rule": 0,
        "rule_name": route.name or None,
        "unused": unused,
        "backends": _backends_data(route.backends),
    }


def _entries_data(bucket: HostBucket) -> list[dict[str, Any]]:
    entries = sorted(bucket.entries, key=lambda entry: sort_key(bucket.hostname, entry, bucket.rules[entry.rule]))
    return [_entry_data(entry, bucket.rules[entry.rule]) for entry in entries]


def _entry_data(entry: Entry, rule: Rule) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "route": rule.route,
        "rule": rule.index,
        "rule_name": rule.name or None,
        "match": entry.match_index,
        "conditions": match_data(entry.match),
        "filters": [filter_data(one) for one in rule.filters],
        **policy_data(rule),
        "backends": _backends_data(rule.backends),
    }


def _backends_data(refs: tuple[BackendRef, ...]) -> list[dict[str, Any]]:
    return [{"backend": ref.backend, "weight": ref.weight, "invalid": ref.invalid or None} for ref in refs]
