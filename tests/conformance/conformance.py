"""One run from nothing to a verdict: binaries, cluster, Penstock, suite, report, page, and the end of it all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.translate.features import CLAIMED_FEATURES, CLAIMED_PROFILES
from tests.conformance import binaries, catalogue, cluster, needs, penstock, scenarios, suite, support
from tests.conformance.client import Client, Object, wait_until
from tests.conformance.place import BUILD, ROOT, Place
from tests.conformance.report import NONE, Count, summary, total
from tests.conformance.results import FAIL, Log, read_log

REPORT = BUILD / "report.yaml"
LAST_LOG = BUILD / "suite.log"
"""The log of the last whole run, from which docs/support.md can be written again."""

_ACCEPTANCE = 30.0
_WORDS = 15
"""Lines of the log that are shown when the suite did not come to its tests."""


def run(place: Place, profiles: list[str], tests: str, keep: bool, with_scenarios: bool) -> int:
    """0 if everything that was run passed, else 1. Prints the summary; its last line is for machines."""
    build()
    wanted = suite.Wanted(penstock.CLASS, profiles, CLAIMED_FEATURES, tests)
    print(f"profiles {', '.join(profiles)}; {len(CLAIMED_FEATURES)} features claimed", flush=True)
    with standing(place, keep):
        notes = serve(place)
        suite.await_empty(Client(place))
        REPORT.unlink(missing_ok=True)
        code, log = suite.run(place, wanted, REPORT)
        if words := penstock.ended(place):
            notes.append(f"Penstock ended during the run:\n{words}")
    counted = scenarios.run() if wanted.is_whole and with_scenarios else None
    conclude(place, wanted, log, notes, counted)
    return 1 if code or total(log).failed or (counted or NONE).failed else 0


def build() -> None:
    """Raises ClusterError for what is missing on this machine, BuildError for what Go cannot build."""
    if found := needs.lacks():
        raise cluster.ClusterError("\n".join(found))
    binaries.build_missing()
    check_catalogue()


def check_catalogue() -> None:
    """The committed copy must be what the suite says of itself: the page and the counts rest on it."""
    BUILD.mkdir(parents=True, exist_ok=True)
    fresh = BUILD / "catalogue.json"
    catalogue.write(binaries.path("conformance.test"), fresh)
    if fresh.read_bytes() != catalogue.COPY.read_bytes():
        raise cluster.ClusterError(f"{catalogue.COPY} is not the suite's: run python -m tests.conformance catalogue")


@contextmanager
def standing(place: Place, keep: bool, crd_folder: Path | None = None) -> Iterator[None]:
    """A cluster for the block. One that was up already stays up; ours ends with the block unless it is kept."""
    found = cluster.is_up(place)
    if found:
        print(f"the cluster {place.name} is up already", flush=True)
    else:
        print(f"cluster {place.name} up in {cluster.up(place, crd_folder):.1f} s", flush=True)
    try:
        yield
    finally:
        if keep or found:
            print(how_to_use(place), flush=True)
        else:
            cluster.down(place)


def how_to_use(place: Place) -> str:
    prefix = "" if place.name == "default" else f"PENSTOCK_CLUSTER={place.name} "
    verb = f"{prefix}python -m tests.conformance"
    return f"""the cluster {place.name} is left up:
  {verb} exec kubectl get gateways -A     KUBECONFIG={place.kubeconfig}
  {verb} status                           logs in {place.logs}
  {verb} down                             ends it"""


def serve(place: Place) -> list[str]:
    """Start Penstock of this checkout anew and wait for its class; returns what the summary should mention."""
    penstock.stop(place)
    notes = penstock.prepare(place)
    penstock.start(place)
    client = Client(place)

    def accepted() -> bool:
        if words := penstock.ended(place):
            raise cluster.ClusterError(f"Penstock ended before its class was accepted:\n{words}")
        return is_accepted(client.get(f"/apis/gateway.networking.k8s.io/v1/gatewayclasses/{penstock.CLASS}") or {})

    try:
        wait_until("GatewayClass accepted", accepted, _ACCEPTANCE)
    except TimeoutError:
        words = cluster.tail(place, "penstock")
        raise cluster.ClusterError(
            f"GatewayClass {penstock.CLASS} was not accepted within {_ACCEPTANCE:.0f} s. Penstock says:\n{words}"
        ) from None
    return notes


def is_accepted(gateway_class: Object) -> bool:
    conditions = gateway_class.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Accepted" and condition["status"] == "True" for condition in conditions)


def conclude(place: Place, wanted: suite.Wanted, log: Log, notes: list[str], counted: Count | None) -> None:
    """Excerpts, page, summary. Only a run of all tests of all claimed profiles may say what the page says."""
    excerpts = suite.write_excerpts(log, log.of(FAIL), place.directory / "failures")
    if REPORT.exists():
        print(f"\nreport: {shown(REPORT)}")
    if REPORT.exists() and set(CLAIMED_PROFILES) <= set(wanted.profiles):
        shutil.copyfile(place.logs / "suite.log", LAST_LOG)
        write_page(log)
        print(f"page: {shown(support.PAGE)}")
    for note in notes:
        print(f"note: {note}")
    print(f"log: {shown(place.logs / 'suite.log')}, of Penstock: {shown(place.logs / 'penstock.log')}")
    if not log.results:
        print(f"the suite did not come to its tests:\n{last_words(log)}")
    named = {name: shown(path) for name, path in excerpts.items()}
    print(summary(log, catalogue.catalogue(), wanted.profiles, named, counted), flush=True)


def last_words(log: Log) -> str:
    """Why the set-up failed: from the first trace of an error on, else the end."""
    lines = log.excerpts.get("", [])
    first = next((number for number, line in enumerate(lines) if "Error Trace:" in line or "panic:" in line), -_WORDS)
    return "\n".join(lines[first:][:_WORDS])


def shown(path: Path) -> Path:
    return path.relative_to(ROOT)


def write_page(log: Log) -> None:
    support.write(catalogue.catalogue(), log)


def last_log() -> Log:
    """Of the last whole run; an empty one if there was none."""
    if not LAST_LOG.exists():
        return Log()
    with LAST_LOG.open() as lines:
        return read_log(lines)
