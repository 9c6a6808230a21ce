"""`python -m benchmarks.load`: Penstock beside nginx and HAProxy, one core each, interleaved in one run."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load import tools
from benchmarks.load.contestant import NotReady
from benchmarks.load.ground import Ground, prepared
from benchmarks.load.interpreter import UnfitInterpreter, command_path, describe
from benchmarks.load.measure import Slots, measure
from benchmarks.load.peers import Peer, command, haproxy, nginx, penstock
from benchmarks.load.report import LEGEND, as_json, as_text, overview
from benchmarks.load.session import run_in_own_session
from benchmarks.load.workloads import DEFAULT_SIZES, WORKLOADS, Workload, choose
from benchmarks.load.wrk import LoadFailed

BASE = "nginx"


def main() -> int:
    options = _parser().parse_args()
    try:
        peers = _peers(options)
        workloads = choose(options.workloads.split(",")) if options.workloads else list(WORKLOADS)
        tools.require("nginx", "haproxy", "wrk", "cc", "h2load", "nghttpd")
        if any(workload.relay for workload in workloads):
            nginx.require_stream()
        secure = any(workload.relay == "tls" for workload in workloads)
        with prepared(awake=not options.asleep, secure_backend=secure) as ground:
            return _run(options, peers, workloads, ground)
    except (ValueError, UnfitInterpreter, NotReady, LoadFailed, tools.MissingTool) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    names = ",".join(workload.name for workload in WORKLOADS)
    sizes = ",".join(map(str, DEFAULT_SIZES))
    parser.add_argument("--workloads", metavar="NAMES", help=f"comma-separated, of {names} (default: all)")
    parser.add_argument("--peers", metavar="NAMES", default="nginx,penstock,haproxy", help="default: %(default)s")
    parser.add_argument("--peer", metavar="NAME=PORT:COMMAND", action="append", default=[], help="one more proxy")
    parser.add_argument("--slots", type=int, default=12, help="slots, and so ratios, per proxy (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=1, help="length of a slot (default: %(default)s)")
    parser.add_argument("--sizes", default=sizes, help="table sizes of the route workloads (default: %(default)s)")
    parser.add_argument(
        "--python", type=command_path, default=sys.executable, help="interpreter for Penstock (default: this one)"
    )
    parser.add_argument("--asleep", action="store_true", help="let wrk and the backend sleep (see README)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures there, too")
    return parser


def _peers(options: argparse.Namespace) -> list[Peer]:
    """The peers chosen, the base first. ValueError for a name nobody has."""
    known = [
        Peer("nginx", nginx.launch),
        Peer("haproxy", haproxy.launch),
        Peer("penstock", penstock.launcher(options.python)),
        *map(command.parse, options.peer),
    ]
    wanted = options.peers.split(",") + [peer.name for peer in known[3:]]
    unknown = sorted(set(wanted) - {peer.name for peer in known})
    if unknown:
        names = ", ".join(peer.name for peer in known)
        raise ValueError(f"no peer {', '.join(unknown)}; there are {names}, or give --peer")
    chosen = [peer for name in dict.fromkeys(wanted) for peer in known if peer.name == name]
    return sorted(chosen, key=lambda peer: peer.name != BASE)


def _environment(options: argparse.Namespace, ground: Ground) -> dict[str, object]:
    return {
        "python": str(describe(options.python, penstock.environment())),
        "versions": {program: tools.version(program) for program in ("nginx", "haproxy", "wrk", "h2load")},
        "kernel": platform.release(),
        "wrk and backend": "asleep when idle" if options.asleep else "always awake",
        "load average": os.getloadavg()[0],
        "cores": {"proxy": ground.proxy_core, "backend and load": ground.load_core},
    }


def _run(options: argparse.Namespace, peers: Sequence[Peer], workloads: Sequence[Workload], ground: Ground) -> int:
    environment = _environment(options, ground)
    for name, value in environment.items():
        print(f"{name}: {value}")
    print(f"\n{LEGEND}\n", flush=True)
    sizes = [int(size) for size in options.sizes.split(",")]
    results = []
    for workload in workloads:
        result = measure(workload, peers, sizes, Slots(options.slots, options.seconds), ground)
        results.append(result)
        print(as_text(result) + "\n", flush=True)
        if options.json:
            options.json.write_text(json.dumps(as_json(environment, results), indent=1) + "\n")
    print(overview(results))
    errors = sum(result.errors for result in results)
    if errors:
        print(f"{errors} requests failed: figures of such a run say nothing", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(run_in_own_session(main))
