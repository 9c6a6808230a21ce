"""One workload: every peer started, then slot after slot in turn."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load.contestant import Contestant
from benchmarks.load.ground import Ground
from benchmarks.load.interleave import in_pairs, order
from benchmarks.load.peers import Peer
from benchmarks.load.report import Result, Start, summarise
from benchmarks.load.workloads import Table, Workload


@dataclass(frozen=True)
class Slots:
    """How often and how long."""

    count: int
    """Ratios each contestant shall have."""
    seconds: int


def measure(workload: Workload, peers: Sequence[Peer], sizes: Sequence[int], slots: Slots, ground: Ground) -> Result:
    """The first peer is the base. Sizes count only for workloads with a shape; the smallest comes first."""
    sizes = sorted(sizes) if workload.shape else [1]
    with contextlib.ExitStack() as stack:
        running: dict[str, Contestant] = {}
        for peer in peers:
            for size in sizes if peer.serves_all or not (workload.shape or workload.secure or workload.http2) else []:
                name = f"{peer.name}@{size}" if workload.shape else peer.name
                table = Table(workload.shape, size, workload.secure, workload.http2, workload.grpc, workload.relay)
                contestant = Contestant(name, peer, table, workload, ground)
                running[name] = stack.enter_context(contestant)
        starts = {name: _start(contestant, sizes) for name, contestant in running.items()}
        for contestant in running.values():
            contestant.measure(1)  # connections opened, caches and free lists warm
        base = next(iter(running))
        sequence = order(base, groups(running, base, sizes), slots.count)
        taken = [running[name].measure(slots.seconds) for name in sequence]
    rows = summarise(taken, base, starts)
    return Result(workload.name, workload.title, workload.connections, slots.seconds, base, rows)


def _start(contestant: Contestant, sizes: Sequence[int]) -> Start:
    smallest = f"{contestant.peer}@{sizes[0]}" if len(sizes) > 1 else ""
    return Start(contestant.start_seconds, contestant.memory(), smallest)


def groups(running: dict[str, Contestant], base: str, sizes: Sequence[int]) -> list[list[str]]:
    """Pairs of contestants; with several table sizes, a peer's larger table beside its smallest."""
    if len(sizes) == 1:
        return in_pairs([name for name in running if name != base])
    found = []
    for name, contestant in running.items():
        smallest = f"{contestant.peer}@{sizes[0]}"
        if name != smallest:
            found.append([name] if smallest == base else [smallest, name])
    return found
