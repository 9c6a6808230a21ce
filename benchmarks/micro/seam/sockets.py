"""The prototypes under load: each in a process of its own on the proxy's core, wrk and the backend on the other.

Slots of all prototypes take turns. What is taken of a slot is the CPU time of the prototype's process, kernel
included, over the requests that wrk completed; `benchmarks/README.md` says what makes such figures usable.
"""

import contextlib
import sys
from collections.abc import Iterable, Mapping
from statistics import median

from benchmarks.load.contestant import Contestant
from benchmarks.load.ground import Ground
from benchmarks.load.peers import Launch, Peer, Plan
from benchmarks.load.workloads import Table, Workload
from benchmarks.micro.timing import Timed


class FailedRequests(Exception):
    """Figures of such a run say nothing."""


def peer(name: str, environment: Mapping[str, str]) -> Peer:
    """A prototype as the harness starts it."""

    def launch(plan: Plan) -> Launch:
        arguments = (name, str(plan.port), str(plan.backend_port))
        return Launch((sys.executable, "-m", "benchmarks.micro.seam.serve", *arguments), environment)

    return Peer(name, launch, serves_all=False)


def under_load(
    names: Iterable[str], workload: Workload, slots: int, ground: Ground, environment: Mapping[str, str]
) -> list[Timed]:
    """Every prototype `slots` times for a second, in turn. Raises FailedRequests."""
    with contextlib.ExitStack() as stack:
        peers = [peer(name, environment) for name in names]
        running = [stack.enter_context(Contestant(each.name, each, Table(), workload, ground)) for each in peers]
        seen: dict[str, list[float]] = {contestant.name: [] for contestant in running}
        for turn in range(slots + 1):
            for contestant in running if turn % 2 else reversed(running):
                values = contestant.measure(1).values
                if values["errors"]:
                    raise FailedRequests(f"{values['errors']:.0f} requests through {contestant.name} failed")
                if turn:  # the first one warms up
                    seen[contestant.name].append(values["cpu_us"] * 1e3)
    return [Timed(name, min(times), median(times)) for name, times in seen.items()]
