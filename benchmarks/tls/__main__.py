"""`python -m benchmarks.tls`: our own layer of TLS beside the event loop's, under the same HTTP stack, and nginx.

kept     64 connections, a request of 200 octets after the other
connect  the same, but a connection and a full handshake for each request
new      the same by one client that comes again and again, so that the proxy waits in between
resumed  as `new`, but each handshake is by the ticket of the one before
1m       answers of 1 MiB on 16 connections
idle     memory of a connection that had its answer
idle-1m  the same after an answer of 1 MiB
idle-h2  the same after one by HTTP/2, which uvloop's layer does not agree on here
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.load import tools
from benchmarks.load.contestant import Contestant, NotReady
from benchmarks.load.ground import Ground, prepared
from benchmarks.load.interleave import Slot, in_pairs, order
from benchmarks.load.interpreter import UnfitInterpreter, describe
from benchmarks.load.peers import Peer
from benchmarks.load.report import LEGEND, Result, Start, as_text, overview, summarise
from benchmarks.load.session import run_in_own_session
from benchmarks.load.workloads import CLOSE, Table, Workload
from benchmarks.load.wrk import LoadFailed
from benchmarks.tls import idle, layers, visits
from proxy.runtime.process import raise_descriptor_limit

WORKLOADS = (
    Workload("kept", "GET 200 B over TLS, connections kept", secure=True),
    Workload("connect", "GET 200 B over TLS, a new connection for each", headers=CLOSE, secure=True),
    Workload("new", "GET 200 B over TLS, one client, a full handshake for each", connections=1, secure=True),
    Workload("resumed", "GET 200 B over TLS, one client, a session resumed for each", connections=1, secure=True),
    Workload("1m", "GET 1 MiB over TLS", "/m1", connections=16, secure=True),
)
RESUMES = {"new": False, "resumed": True}
"""Workloads by our own client; the others are wrk's."""


def main() -> int:
    options = _parser().parse_args()
    wanted = options.cases.split(",")
    unknown = sorted(set(wanted) - {*idle.CASES, *(workload.name for workload in WORKLOADS)})
    if unknown:
        print(f"benchmark: no case {', '.join(unknown)}; see --help", file=sys.stderr)
        return 1
    try:
        tools.require("wrk", "cc")
        raise_descriptor_limit()
        with prepared(awake=True) as ground:
            os.sched_setaffinity(0, {ground.load_core})  # we are a client, too
            return _run(wanted, options.slots, options.rounds, ground)
    except (UnfitInterpreter, NotReady, LoadFailed, visits.WrongAnswer, tools.MissingTool) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tls", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases", default="kept,connect,new,resumed,1m,idle,idle-1m,idle-h2", help="of those (default: %(default)s)"
    )
    parser.add_argument("--slots", type=int, default=12, help="of 1 s per contestant (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each `idle` (default: %(default)s)")
    return parser


def _run(wanted: Sequence[str], slots: int, rounds: int, ground: Ground) -> int:
    print(f"{describe(sys.executable)}; load average {os.getloadavg()[0]:.1f}; nginx {tools.version('nginx')}")
    print(f"\n{LEGEND}\n", flush=True)
    peers = layers.peers()
    results = []
    for workload in WORKLOADS:
        if workload.name in wanted:
            results.append(measure(workload, peers, slots, ground))
            print(as_text(results[-1]) + "\n", flush=True)
    for name, case in idle.CASES.items():
        if name in wanted:
            figures = idle.kib_per_connection(case, peers, WORKLOADS[0], rounds, ground)
            print(idle.as_text(case, figures) + "\n", flush=True)
    print(overview(results))
    errors = sum(result.errors for result in results)
    if errors:
        print(f"{errors} requests failed: figures of such a run say nothing", file=sys.stderr)
    return 1 if errors else 0


def measure(workload: Workload, peers: Sequence[Peer], slots: int, ground: Ground) -> Result:
    """The first peer is the base, and has a slot before and after those of the others."""
    with ExitStack() as stack:
        running = {
            peer.name: stack.enter_context(Contestant(peer.name, peer, Table(secure=True), workload, ground))
            for peer in peers
        }
        starts = {name: Start(each.start_seconds, each.memory()) for name, each in running.items()}
        for contestant in running.values():
            _turn(contestant, workload)  # warms it up
        base, *others = running
        taken = [_turn(running[name], workload) for name in order(base, in_pairs(others), slots)]
    rows = summarise(taken, base, starts)
    return Result(workload.name, workload.title, workload.connections, 1, base, rows)


def _turn(contestant: Contestant, workload: Workload) -> Slot:
    resumes = RESUMES.get(workload.name)
    if resumes is None:
        return contestant.measure(1)
    return contestant.under(lambda: visits.load(contestant.port, 1.0, resumes))


if __name__ == "__main__":
    sys.exit(run_in_own_session(main))
