"""What a TLS connection costs while nothing happens on it: memory of the proxy's processes, kernel not counted."""

import contextlib
from collections.abc import Sequence

from benchmarks.load.contestant import Contestant
from benchmarks.load.ground import Ground
from benchmarks.load.interleave import Spread
from benchmarks.load.peers import Peer
from benchmarks.load.workloads import Table, Workload
from benchmarks.tls import visits

FEW, MANY = 250, 1250
"""Open connections at the two moments that are compared: the first of them fill what a fresh process had free."""


def kib_per_connection(peers: Sequence[Peer], workload: Workload, rounds: int, ground: Ground) -> dict[str, Spread]:
    """Each peer anew in every round, its connections with one answer each. Raises OSError, NotReady or WrongAnswer."""
    seen: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            with Contestant(peer.name, peer, Table(secure=True), workload, ground) as contestant:
                seen[peer.name].append(_growth(contestant))
    return {name: Spread.of(values) for name, values in seen.items()}


def _growth(contestant: Contestant) -> float:
    context = visits.client_context()
    with contextlib.ExitStack() as stack:
        memory = []
        for count in (FEW, MANY - FEW):
            for _ in range(count):
                connection = stack.enter_context(visits.connect(contestant.port, context))
                visits.ask(connection, visits.KEPT)
            memory.append(contestant.memory())
    return per_connection(*memory)


def per_connection(few: int, many: int) -> float:
    """KiB, from octets with FEW and with MANY connections."""
    return (many - few) / 1024 / (MANY - FEW)


def as_text(figures: dict[str, Spread]) -> str:
    lines = [f"KiB of memory per idle connection with one answer, {FEW} to {MANY} connections, median (min–max)"]
    for name, spread in figures.items():
        shown = f"{spread.median:.1f} ({spread.low:.1f}–{spread.high:.1f})"
        lines.append(f"  {name:8}  {shown}  of {spread.count} processes")
    return "\n".join(lines)
