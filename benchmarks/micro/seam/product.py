"""Penstock's own data plane with one rule: what the chosen seam costs with everything on it."""

import socket

from benchmarks.micro.seam.common import Address
from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.delta import difference
from proxy.snapshot.route import BackendRef, Entry, HostBucket, RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Snapshot, Upstream


def snapshot(address: Address) -> Snapshot:
    """Everything for bench.example.com goes to the endpoint."""
    backend = BackendRef("bench/backend:8080", upstream="bench/backend:8080")
    listener = Listener("bench/edge", "http", "HTTP", b"", 8080)
    host = b"bench.example.com"
    bucket = HostBucket(host, (Rule("bench/all", 0, backends=(backend,)),), (Entry(RouteMatch(b"/"), 0, 0),))
    return Snapshot(
        generation=1,
        binds=(Bind("127.0.0.1", 8080, (listener.key,)),),
        listeners={listener.key: listener},
        buckets={(listener.key, host): bucket},
        upstreams={backend.upstream: Upstream(backend.upstream, (Endpoint(*address),))},
    )


async def serve(sock: socket.socket, address: Address) -> None:
    plane = DataPlane(DataPlaneSettings(), WorkerMetrics.in_memory(), None)
    first = snapshot(address)
    plane.commit(plane.prepare(difference(None, first)))
    await plane.open(first.binds[0], sock)
