"""Differences between snapshots: what a worker is sent instead of everything.

`apply(old, difference(old, new)) == new`, for every old and new. A bucket is the smallest unit.
"""

from typing import TypeVar

import msgspec

from proxy.snapshot.snapshot import Delta, Snapshot

K = TypeVar("K")
V = TypeVar("V")

EMPTY = Snapshot(generation=0, binds=(), listeners={}, buckets={}, upstreams={})
"""What a worker starts with."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Delta)


class WrongBase(ValueError):
    """The delta is meant for another snapshot than the one at hand."""


def difference(old: Snapshot | None, new: Snapshot) -> Delta:
    """What turns `old` (None: an empty worker) into `new`."""
    old = EMPTY if old is None else old
    return Delta(
        base=old.generation,
        generation=new.generation,
        binds=new.binds,
        listeners=new.listeners,
        buckets=_changed(old.buckets, new.buckets),
        dropped_buckets=_dropped(old.buckets, new.buckets),
        upstreams=_changed(old.upstreams, new.upstreams),
        dropped_upstreams=_dropped(old.upstreams, new.upstreams),
        certificates=_changed(old.certificates, new.certificates),
        dropped_certificates=_dropped(old.certificates, new.certificates),
        upstream_tls=_changed(old.upstream_tls, new.upstream_tls),
        dropped_upstream_tls=_dropped(old.upstream_tls, new.upstream_tls),
        bundles=_changed(old.bundles, new.bundles),
        dropped_bundles=_dropped(old.bundles, new.bundles),
        l4=new.l4,
    )


def _changed(old: dict[K, V], new: dict[K, V]) -> dict[K, V]:
    """Identity first: parts that translation kept are the same instances, and there are many of them."""
    return {key: value for key, value in new.items() if (was := old.get(key)) is not value and was != value}


def _dropped(old: dict[K, V], new: dict[K, V]) -> tuple[K, ...]:
    return tuple(key for key in old if key not in new)


def apply(old: Snapshot | None, delta: Delta) -> Snapshot:
    """The snapshot after the delta. Raises WrongBase when it is not meant for `old`."""
    old = EMPTY if old is None else old
    if delta.base != old.generation:
        raise WrongBase(f"the delta changes generation {delta.base}, here is {old.generation}")
    return Snapshot(
        generation=delta.generation,
        binds=delta.binds,
        listeners=delta.listeners,
        buckets=_patched(old.buckets, delta.buckets, delta.dropped_buckets),
        upstreams=_patched(old.upstreams, delta.upstreams, delta.dropped_upstreams),
        certificates=_patched(old.certificates, delta.certificates, delta.dropped_certificates),
        upstream_tls=_patched(old.upstream_tls, delta.upstream_tls, delta.dropped_upstream_tls),
        bundles=_patched(old.bundles, delta.bundles, delta.dropped_bundles),
        l4=delta.l4,
    )


def _patched(old: dict[K, V], changed: dict[K, V], dropped: tuple[K, ...]) -> dict[K, V]:
    gone = set(dropped)
    return {**{key: value for key, value in old.items() if key not in gone}, **changed}


def encode_delta(delta: Delta) -> bytes:
    """MessagePack, once for all workers."""
    return _encoder.encode(delta)


def decode_delta(data: bytes) -> Delta:
    """The inverse of encode_delta. Raises msgspec.ValidationError or DecodeError for anything else."""
    return _decoder.decode(data)
