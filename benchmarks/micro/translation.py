"""python -m benchmarks.micro.translation: from files to what a worker serves, all of it and after one change.

    load        the file split, parsed, validated                        (sources, resources)
    translate   graph and snapshot                                       (translate)
    statuses    every condition of every object                          (translate.status)
    compare     which of them differ from those before                   (controller.desired)
    encode      the difference as the bytes sent to the workers          (snapshot.delta)
    prepare     the worker's tables                                      (downstream.dataplane)

"all" starts from nothing; "one" comes after one of the routes has changed. Rules are spread over hosts, ten
each. CPU time of this process, the smallest of several rounds.
"""

import argparse
import asyncio
import gc
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.load.peers.penstock import documents, text
from benchmarks.load.workloads import SHAPES, Table
from proxy.controller.desired import Desired
from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.delta import decode_delta, difference, encode_delta
from proxy.sources.file import FileSource
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate

T = TypeVar("T")
Seen = dict[str, float]
"""Stage to its smallest CPU seconds."""
_SETTINGS = TranslateSettings()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="1000,10000", help="table sizes (default: %(default)s)")
    parser.add_argument("--shape", choices=[shape for shape in SHAPES if shape], default="hosts")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, best of {options.rounds}")
    for size in map(int, options.rules.split(",")):
        seen: Seen = {}
        for _ in range(options.rounds):
            gc.collect()
            asyncio.run(run(Table(options.shape, size), seen))
        print(f"\n{size:,} rules, {options.shape}")
        for stage, seconds in seen.items():
            per_rule = f"{seconds * 1e6 / size:8.1f} µs per rule" if stage.startswith("all") else ""
            print(f"  {stage:15} {seconds * 1e3:10.2f} ms {per_rule}")
    return 0


async def run(table: Table, seen: Seen) -> None:
    """One round: everything from nothing, then once more after a change of the last route."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "gateway.yaml"
        path.write_text(text(documents(table, 8080, 9090)))
        source = FileSource([str(path)])
        plane = DataPlane(DataPlaneSettings(), WorkerMetrics.in_memory(1 << 22), None)
        desired = Desired()
        first = reload("all", source, plane, desired, None, seen)
        path.write_text(changed(path.read_text()))
        reload("one", source, plane, desired, first, seen)
        source.close()


def reload(
    what: str, source: FileSource, plane: DataPlane, desired: Desired, before: Translation | None, seen: Seen
) -> Translation:
    """What the control process and a worker do when a source has changed."""
    loaded = timed(seen, f"{what}: load", source.load)
    assert not loaded.problems, loaded.problems[0]
    translation = timed(seen, f"{what}: translate", translate, loaded.resources, _SETTINGS, before)
    statuses = timed(seen, f"{what}: statuses", lambda: translation.statuses)
    timed(seen, f"{what}: compare", lambda: (desired.update(statuses, None), desired.newly_bare(loaded.resources)))
    old = before.snapshot if before else None
    sent = timed(seen, f"{what}: encode", lambda: encode_delta(difference(old, translation.snapshot)))
    prepared = timed(seen, f"{what}: prepare", lambda: plane.prepare(decode_delta(sent)))
    plane.commit(prepared)
    assert plane.generation == translation.snapshot.generation, "the worker does not serve what was translated"
    return translation


def changed(configuration: str) -> str:
    """The last route's rules lead to a port that does not exist."""
    head, marker, last = configuration.rpartition("---\n")
    return head + marker + last.replace('"port":8080', '"port":8081')


def timed(seen: Seen, stage: str, work: Callable[..., T], *arguments: object) -> T:
    started = time.process_time()
    result = work(*arguments)
    seen[stage] = min(time.process_time() - started, seen.get(stage, float("inf")))
    return result


if __name__ == "__main__":
    sys.exit(main())
