"""The verbs. `python -m tests.conformance -h` lists them."""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from tests.conformance import (
    arguments,
    binaries,
    catalogue,
    cluster,
    conformance,
    deliver,
    needs,
    network,
    report,
)
from tests.conformance.place import Place, place_named

_EXPECTED = (
    arguments.UsageError,
    binaries.BuildError,
    cluster.ClusterError,
    deliver.NotDeliverableError,
    FileNotFoundError,
    TimeoutError,
    ValueError,
)
"""What is said in a sentence; anything else is a fault of ours, with a trace."""
_BUILD_MINUTES = 60
"""The longest build that may be begun unasked."""


def build(place: Place, options: Namespace) -> int:
    conformance.build()
    print(f"all binaries are in {binaries.cache_root()}")
    return 0


def check(place: Place, options: Namespace) -> int:
    """0: `run` can run here, and has an hour's time to build what is missing. 1: it cannot, for the reasons printed."""
    if found := needs.lacks():
        print("\n".join(found))
        return 1
    missing = binaries.missing()
    minutes = sum(map(binaries.minutes, missing))
    if minutes > _BUILD_MINUTES * (os.cpu_count() or 1):
        print(f"building takes more than {_BUILD_MINUTES} minutes: run python -m tests.conformance build before")
        return 1
    print(f"to be built: {', '.join(missing)}; from nothing {minutes:.0f} CPU minutes" if missing else "all is built")
    return 0


def up(place: Place, options: Namespace) -> int:
    conformance.build()
    if cluster.is_up(place):
        print(f"the cluster {place.name} is up already")
    else:
        print(f"cluster {place.name} up in {cluster.up(place):.1f} s")
    print(conformance.how_to_use(place))
    return 0


def down(place: Place, options: Namespace) -> int:
    found = cluster.remains(place)
    cluster.down(place)
    print(f"the cluster {place.name} is gone" if found else f"of the cluster {place.name} nothing was left")
    return 0


def status(place: Place, options: Namespace) -> int:
    print(cluster.status(place))
    return 0 if cluster.is_up(place) else 1


def execute(place: Place, options: Namespace) -> int:
    if not network.namespaces_of(place):
        raise cluster.ClusterError(f"the cluster {place.name} is down: bring it up with python -m tests.conformance up")
    argv = network.inside(place, *(options.command or ["bash"]))
    os.execvpe(argv[0], argv, {**os.environ, "KUBECONFIG": str(place.kubeconfig)})


def run(place: Place, options: Namespace) -> int:
    known = catalogue.catalogue()
    profiles = arguments.profiles_of(options.profile, known)
    tests = arguments.chosen_tests(options.run, known)
    return conformance.run(place, profiles, tests, arguments.keeps(options), arguments.has_scenarios())


def support(place: Place, options: Namespace) -> int:
    conformance.write_page(conformance.last_log())
    return 0


def deliver_report(place: Place, options: Namespace) -> int:
    print(deliver.deliver(conformance.REPORT, conformance.last_log()))
    return 0


def write_catalogue(place: Place, options: Namespace) -> int:
    binaries.build_missing()
    catalogue.write(binaries.path("conformance.test"), catalogue.COPY)
    return 0


VERBS: Mapping[str, Callable[[Place, Namespace], int]] = {
    "build": build,
    "check": check,
    "up": up,
    "down": down,
    "status": status,
    "exec": execute,
    "run": run,
    "support": support,
    "deliver": deliver_report,
    "catalogue": write_catalogue,
}


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that what it began is taken down."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def main(argv: Sequence[str]) -> int:
    options = arguments.parse(argv)
    try:
        with stopped_by_signals():
            return VERBS[options.verb](place_named(), options)
    except _EXPECTED as error:
        print(error, file=sys.stderr, flush=True)
        if options.verb == "run":
            print(f"\n{report.Count(0, 1, 0)}")  # whoever counts must not take it for nothing to do
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
