"""`python -m benchmarks.load.drain`: SIGTERM in the middle of a steady load; nothing may be lost.

/readyz turns 503 at once, connections are accepted for the drain delay and every answer says
`Connection: close`; then the listeners close. Of all connections whose handshake was finished, none may
be reset or left without a whole answer. Connections refused after the delay do not count.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.load.answers import Answer, failures
from benchmarks.load.contestant import NotReady
from benchmarks.load.gateway import MarkedGateway
from benchmarks.load.ground import Ground, prepared
from benchmarks.load.interpreter import command_path
from benchmarks.load.steady import Rate, Steady, add_options
from benchmarks.load.tools import MissingTool

_TELLING = 100_000_000
"""Nanoseconds within which all workers know that answers say `Connection: close` from now on."""
_AFTERWARDS = 0.3
"""Seconds the client goes on after the end of the gateway."""


@dataclass(frozen=True)
class Drain:
    """What was seen of the gateway. Times as in Answer."""

    terminated: int
    unready: int
    """/readyz first said 503; 0 for never."""
    ended: int
    exit_code: int
    delay: int
    """Nanoseconds of --drain-delay."""


def main() -> int:
    options = _parser().parse_args()
    faults = 0
    try:
        with prepared() as ground:
            for number in range(options.times):
                drain, answers = _once(options, ground)
                found = Counter(verdict(drain, answers))
                print(f"{number + 1}: {_describe(drain, answers)}", flush=True)
                for fault, count in found.most_common():
                    print(f"   FAULT {fault}: {count}")
                faults += found.total()
    except (NotReady, MissingTool) as error:
        print(f"drain: {error}", file=sys.stderr)
        return 1
    print("FAILED" if faults else f"passed: {options.times} drains, nothing lost")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.drain", description=__doc__)
    add_options(parser, seconds=3)
    parser.add_argument("--times", type=int, default=5, help="drains, each of a new gateway (default: %(default)s)")
    parser.add_argument("--drain-delay", type=float, default=2, help="seconds (default: %(default)s)")
    parser.add_argument("--drain-timeout", type=float, default=15, help="seconds (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="default: %(default)s")
    parser.add_argument(
        "--python", type=command_path, default=sys.executable, help="interpreter for Penstock (default: this one)"
    )
    return parser


def _once(options: argparse.Namespace, ground: Ground) -> tuple[Drain, list[Answer]]:
    """One gateway, loaded for --seconds, then terminated."""
    directory = ground.directory / "drain"
    flags = ["--drain-delay", f"{options.drain_delay:g}s", "--drain-timeout", f"{options.drain_timeout:g}s"]
    longest = options.drain_delay + options.drain_timeout
    with MarkedGateway(directory, ground.backend_port, options.workers, flags, options.python) as gateway:
        rate = Rate(options.rate, options.seconds + longest + 10, options.kept, options.new_percent)
        client = Steady(gateway.port, rate, directory)
        try:
            time.sleep(options.seconds)
            drain = _terminate(gateway, options.drain_delay, longest + 5)
            time.sleep(_AFTERWARDS)
            return drain, client.stop()
        finally:
            client.abandon()


def _terminate(gateway: MarkedGateway, delay: float, patience: float) -> Drain:
    process = gateway.process.popen
    terminated, unready = time.monotonic_ns(), 0
    process.terminate()
    while not unready and time.monotonic_ns() < terminated + int(patience * 1e9) and process.poll() is None:
        if gateway.readiness().status == 503:
            unready = time.monotonic_ns()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired as error:
        raise NotReady(f"penstock still runs {patience:g} s after SIGTERM; see {gateway.process.log}") from error
    return Drain(terminated, unready, time.monotonic_ns(), process.returncode, int(delay * 1e9))


def verdict(drain: Drain, answers: Iterable[Answer]) -> Iterator[str]:
    """One line for each fault."""
    if not drain.unready:
        yield "/readyz never said 503"
    if drain.exit_code != 0:
        yield f"exit code {drain.exit_code}"
    closing = drain.terminated + drain.delay
    accepted = 0
    for answer in answers:
        if not answer.connected:
            if answer.sent < closing:
                yield "refused before the drain delay was over"
        elif not answer.good:
            yield from failures([answer])
        elif drain.unready and answer.sent > drain.unready + _TELLING and not answer.close:
            yield "answered without Connection: close"
        accepted += answer.good and answer.fresh and drain.terminated < answer.sent < closing
    if drain.delay and not accepted:
        yield "no new connection was answered during the drain delay"


def _describe(drain: Drain, answers: list[Answer]) -> str:
    after = [answer for answer in answers if answer.sent > drain.terminated]
    good, refused = sum(answer.good for answer in after), sum(not answer.connected for answer in after)
    unready = f"503 after {(drain.unready - drain.terminated) / 1e6:.0f} ms" if drain.unready else "no 503"
    return (
        f"{len(answers)} requests, {len(after)} of them after SIGTERM ({good} answered, {refused} refused); /readyz "
        f"{unready}, ended after {(drain.ended - drain.terminated) / 1e9:.2f} s with exit code {drain.exit_code}"
    )


if __name__ == "__main__":
    sys.exit(main())
