"""Time per unit of work in one process: short slots of all cases in turn, and the smallest of each.

CPU time of this process is taken, not time of day. Whatever else the machine does can only add to it
(through shared caches), so the smallest of many slots says most about the code; slots of the cases
alternate, so that a quiet or a busy moment meets all of them.
"""

import argparse
import gc
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

Work = Callable[[int], None]
"""Does its unit of work that many times."""

_SLOT_NS = 20_000_000


@dataclass(frozen=True)
class Timed:
    """Nanoseconds of CPU time per unit."""

    name: str
    best: float
    median: float


def interleaved(works: Mapping[str, Work], slots: int, slot_ns: int = _SLOT_NS) -> list[Timed]:
    """Every case `slots` times, in turn, each time for about `slot_ns`."""
    counts = {name: _calibrated(work, slot_ns) for name, work in works.items()}
    gc.collect()
    gc.freeze()  # what the cases were built from is not what is measured
    seen: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(slots):
        for name, work in works.items():
            seen[name].append(_spent(work, counts[name]) / counts[name])
    gc.unfreeze()
    return [Timed(name, min(times), median(times)) for name, times in seen.items()]


def _calibrated(work: Work, slot_ns: int) -> int:
    """How often the unit fits into a slot; it warms the case up as well."""
    count = 1
    while (spent := _spent(work, count)) < slot_ns // 4:
        count *= 2
    return max(1, count * slot_ns // max(spent, 1))


def _spent(work: Work, count: int) -> int:
    started = time.process_time_ns()
    work(count)
    return time.process_time_ns() - started


def as_text(timed: Sequence[Timed], unit: str) -> str:
    """A line for each case: smallest and median, in ns below 10 µs, else in µs."""
    width = max(len(case.name) for case in timed)
    lines = [f"{'':{width}}  {'best':>12}  {'median':>12}  of CPU time per {unit}"]
    lines += [f"{case.name:{width}}  {_time(case.best):>12}  {_time(case.median):>12}" for case in timed]
    return "\n".join(lines)


def _time(ns: float) -> str:
    return f"{ns:,.0f} ns" if ns < 10_000 else f"{ns / 1e3:,.1f} µs"


def main(description: str, works: Callable[[], Mapping[str, Work]], unit: str) -> int:
    """The command line that all drivers share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=15, help="per case (default: %(default)s)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only cases whose name contains it")
    parser.add_argument("--json", action="store_true", help="nanoseconds as JSON")
    options = parser.parse_args()
    chosen = {name: work for name, work in works().items() if options.only in name}
    if not chosen:
        print(f"no case contains {options.only!r}; there are {', '.join(works())}", file=sys.stderr)
        return 1
    timed = interleaved(chosen, options.slots)
    if options.json:
        print(json.dumps([asdict(case) for case in timed]))
    else:
        print(f"{platform.python_implementation()} {platform.python_version()}, {options.slots} slots each")
        print(as_text(timed, unit))
    return 0
