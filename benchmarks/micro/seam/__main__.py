"""python -m benchmarks.micro.seam: CPU time per request of Penstock's seam and of the alternatives to it.

    relay      the floor: octets from socket to socket, unread
    direct     Penstock's way: codecs and exchange call each other, counted bodies are passed on as received
    callbacks  the same, but bodies go through llhttp's on_body
    events     the same, but frozen dataclasses cross the seam and are told apart by isinstance
    tasks      the same codecs, but the exchange is a coroutine, run as a task per request
    streams    a coroutine per connection over asyncio's streams
    product    Penstock's own data plane, everything on

First without sockets, then under load from wrk (needs root for quiet, installs wrk). Slots take turns. The
allocator is set as Penstock sets it for its workers, unless --default-allocator is given.
"""

import argparse
import os
import sys

from benchmarks.load import tools
from benchmarks.load.contestant import NotReady
from benchmarks.load.ground import prepared
from benchmarks.load.interpreter import UnfitInterpreter, describe
from benchmarks.load.session import run_in_own_session
from benchmarks.load.workloads import choose
from benchmarks.load.wrk import LoadFailed
from benchmarks.micro import messages
from benchmarks.micro.seam.memory import in_memory
from benchmarks.micro.seam.prototypes import CHUNKED, PROTOTYPES
from benchmarks.micro.seam.sockets import FailedRequests, under_load
from benchmarks.micro.timing import Work, as_text, interleaved
from proxy.runtime.process import MALLOC, worker_environment

_KIB = 1024
_DEFAULT = "--default-allocator"
_ANSWERS = {
    "200 B": messages.answer(200),
    "1 MiB": messages.answer(_KIB * _KIB),
    "1 MiB in chunks of 4 KiB": messages.answer_chunked(_KIB * _KIB),
}


def works(answer: str) -> dict[str, Work]:
    """GETs without sockets, by every prototype that takes such an answer."""
    pieces = messages.reads(_ANSWERS[answer])
    taking = CHUNKED if "chunks" in answer else PROTOTYPES
    return {name: in_memory(PROTOTYPES[name], messages.get(), pieces) for name in taking}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.micro.seam",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--slots", type=int, default=24, help="per prototype (default: %(default)s)")
    parser.add_argument("--only", choices=["memory", "sockets"], help="one of the two parts")
    parser.add_argument(_DEFAULT, action="store_true", help="leave glibc's malloc as it is")
    options = parser.parse_args()
    try:
        print(f"{describe(sys.executable)}; load average {os.getloadavg()[0]:.1f}; {options.slots} slots each")
        if options.only != "sockets":
            without_sockets(options.slots)
        if options.only != "memory":
            with_sockets(options.slots)
    except (UnfitInterpreter, NotReady, LoadFailed, FailedRequests, tools.MissingTool) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def without_sockets(slots: int) -> None:
    for answer in _ANSWERS:
        print(f"\nGET {answer}, without sockets\n{as_text(interleaved(works(answer), slots), 'request')}", flush=True)


def with_sockets(slots: int) -> None:
    tools.require("wrk", "cc")
    environment = {name: value for name, value in worker_environment().items() if _inherited(name)}
    with prepared(awake=True) as ground:
        for workload in choose(["get", "get1m"]):
            timed = under_load(PROTOTYPES, workload, slots, ground, environment)
            print(f"\n{workload.title}, {workload.connections} connections\n{as_text(timed, 'request')}", flush=True)


def _inherited(name: str) -> bool:
    """The prototypes get the allocator's settings that we have, and none that we do not have."""
    return name not in MALLOC or name in os.environ


def with_workers_allocator() -> None:
    """glibc reads its settings when a process starts, so start again with them."""
    wanted = worker_environment()
    if any(os.environ.get(name) != wanted[name] for name in MALLOC):
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.micro.seam", *sys.argv[1:]], wanted)


if __name__ == "__main__":
    if _DEFAULT not in sys.argv:
        with_workers_allocator()
    sys.exit(run_in_own_session(main))
