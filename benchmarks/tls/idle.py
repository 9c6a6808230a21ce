"""What a TLS connection costs while nothing happens on it: memory of the proxy's processes, kernel not counted."""

import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.load.contestant import Contestant
from benchmarks.load.ground import Ground
from benchmarks.load.interleave import Spread
from benchmarks.load.peers import Peer
from benchmarks.load.workloads import Table, Workload
from benchmarks.tls import visits

FEW, MANY = 250, 1250
"""Open connections at the two moments that are compared: the first of them fill what a fresh process had free."""


@dataclass(frozen=True)
class Idle:
    """What connections have done before they do nothing."""

    title: str
    ask: Callable[[ssl.SSLSocket], None]
    alpn: tuple[str, ...] = ()
    peers: frozenset[str] = frozenset({"uvloop", "own", "nginx"})


CASES = {
    "idle": Idle("one answer", lambda connection: visits.ask(connection, visits.KEPT)),
    "idle-1m": Idle("an answer of 1 MiB", visits.ask_for_much),
    "idle-h2": Idle("one answer by HTTP/2", visits.ask_by_http2, ("h2",), frozenset({"own", "nginx"})),
}


def kib_per_connection(
    case: Idle, peers: Sequence[Peer], workload: Workload, rounds: int, ground: Ground
) -> dict[str, Spread]:
    """Each peer anew in every round. Raises OSError, NotReady or WrongAnswer."""
    able = [peer for peer in peers if peer.name in case.peers]
    seen: dict[str, list[float]] = {peer.name: [] for peer in able}
    for _ in range(rounds):
        for peer in able:
            table = Table(secure=True, http2="h2" in case.alpn)
            with Contestant(peer.name, peer, table, workload, ground) as contestant:
                seen[peer.name].append(_growth(case, contestant))
    return {name: Spread.of(values) for name, values in seen.items()}


def _growth(case: Idle, contestant: Contestant) -> float:
    context = visits.client_context(*case.alpn)
    with contextlib.ExitStack() as stack:
        memory = []
        for count in (FEW, MANY - FEW):
            for _ in range(count):
                case.ask(stack.enter_context(visits.connect(contestant.port, context)))
            memory.append(contestant.memory())
    return per_connection(*memory)


def per_connection(few: int, many: int) -> float:
    """KiB, from octets with FEW and with MANY connections."""
    return (many - few) / 1024 / (MANY - FEW)


def as_text(case: Idle, figures: dict[str, Spread]) -> str:
    lines = [f"KiB of memory per idle connection after {case.title}, {FEW} to {MANY} connections, median (min–max)"]
    for name, spread in figures.items():
        shown = f"{spread.median:.1f} ({spread.low:.1f}–{spread.high:.1f})"
        lines.append(f"  {name:8}  {shown}  of {spread.count} processes")
    return "\n".join(lines)
