"""`python -m benchmarks.load.reload`: a steady load while the configuration is replaced again and again.

Two counts must be zero: requests that failed, and requests that began after every worker had
acknowledged a configuration but were answered under an older one.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from statistics import median

from benchmarks.load.answers import Acknowledged, Answer, failures, outdated, percentile_ms
from benchmarks.load.contestant import NotReady
from benchmarks.load.gateway import MarkedGateway
from benchmarks.load.ground import prepared
from benchmarks.load.interpreter import command_path
from benchmarks.load.steady import Rate, Steady, add_options, sleep_until
from benchmarks.load.tools import MissingTool

_PATIENCE = 10.0
"""Seconds for the workers to acknowledge a new configuration."""


@dataclass(frozen=True)
class Reloads:
    """What became of the reloads."""

    acknowledged: list[Acknowledged]
    delays: list[float]
    """Seconds from the file's replacement to the last worker's acknowledgement."""
    missed: int
    """Not acknowledged in time."""


def main() -> int:
    options = _parser().parse_args()
    try:
        with prepared() as ground:
            directory = ground.directory / "reload"
            with MarkedGateway(directory, ground.backend_port, options.workers, python=options.python) as gateway:
                rate = Rate(options.rate, options.seconds + _PATIENCE * 6, options.kept, options.new_percent)
                client = Steady(gateway.port, rate, directory)
                try:
                    reloads = _reload(gateway, options.reloads, options.seconds)
                    answers = client.stop()
                finally:
                    client.abandon()
    except (NotReady, MissingTool) as error:
        print(f"reload: {error}", file=sys.stderr)
        return 1
    return _verdict(answers, reloads, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.reload", description=__doc__)
    add_options(parser, seconds=60)
    parser.add_argument("--reloads", type=int, default=200, help="within that time (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="default: %(default)s")
    parser.add_argument(
        "--python", type=command_path, default=sys.executable, help="interpreter for Penstock (default: this one)"
    )
    return parser


def _reload(gateway: MarkedGateway, count: int, seconds: float) -> Reloads:
    """`count` reloads spread evenly over `seconds`; later ones are late when one takes too long."""
    started = time.monotonic()
    generation = gateway.wait_acknowledged(0, _PATIENCE)
    done = Reloads([], [], 0)
    missed = 0
    for mark in range(1, count + 1):
        sleep_until(started + seconds * mark / (count + 1))
        written = time.monotonic()
        gateway.write(mark)
        reached = gateway.wait_acknowledged(generation, _PATIENCE)
        if reached:
            done.acknowledged.append(Acknowledged(time.monotonic_ns(), mark))
            done.delays.append(time.monotonic() - written)
            generation = reached
        else:
            missed += 1
    sleep_until(started + seconds)
    return Reloads(done.acknowledged, done.delays, missed)


def _verdict(answers: list[Answer], reloads: Reloads, options: argparse.Namespace) -> int:
    failed = failures(answers)
    unmarked = sum(answer.good and answer.mark < 0 for answer in answers)
    old = outdated(answers, reloads.acknowledged)
    fresh = sum(answer.fresh for answer in answers)
    marks = len({answer.mark for answer in answers if answer.good})
    print(f"{options.seconds:g} s at {options.rate} requests/s over {options.kept} kept connections and {fresh} others")
    print(f"{len(reloads.acknowledged)} of {options.reloads} reloads acknowledged by {options.workers} workers", end="")
    if reloads.delays:
        slowest = max(reloads.delays) * 1e3
        print(f", {median(reloads.delays) * 1e3:.0f} ms after the file was replaced (slowest {slowest:.0f} ms)", end="")
    print(f"\n{len(answers)} requests under {marks} configurations:")
    print(f"  failed: {failed.total()}" + "".join(f"; {count} {what}" for what, count in failed.most_common()))
    print(f"  answered under an older configuration than all workers had acknowledged: {len(old)}")
    print(f"  without a mark: {unmarked}")
    print(f"  p50 {percentile_ms(answers, 0.5):.2f} ms, p99 {percentile_ms(answers, 0.99):.2f} ms")
    sound = answers and not (failed or old or unmarked or reloads.missed)
    print("passed" if sound else "FAILED")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
