"""Running the official suite inside a cluster: its command line, its log as it comes, what it leaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from proxy import __version__
from tests.conformance import binaries
from tests.conformance.client import Client, wait_until
from tests.conformance.network import inside
from tests.conformance.place import ROOT, UNUSABLE_ADDRESS, USABLE_ADDRESS, Place
from tests.conformance.results import Log, read_log

ORGANIZATION = "penstock"
PROJECT = "penstock"
URL = "https://penstock.dev"
CONTACT = "https://penstock.dev"
"""The implementation, as the report names it."""

NAMESPACES = ("gateway-conformance-infra", "gateway-conformance-app-backend", "gateway-conformance-web-backend")
"""What every run makes and leaves to be removed; the next one fails while one of them is going."""

_ROOT_TEST = "TestConformance"


@dataclass(frozen=True)
class Wanted:
    """What of the suite to run. `tests`: a regular expression for the names of tests; "" is all of them."""

    gateway_class: str
    profiles: Sequence[str]
    features: Sequence[str]
    tests: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.tests


def arguments(wanted: Wanted, report: Path, version: str) -> list[str]:
    """Of the suite's binary. A run of some tests writes no report: to the suite, what was not run has passed."""
    chosen = [
        "-test.v=test2json",
        "-test.timeout=3h",
        f"-test.run=^{_ROOT_TEST}$" + (f"/^({wanted.tests})$" if wanted.tests else ""),
        f"-gateway-class={wanted.gateway_class}",
        f"-conformance-profiles={','.join(wanted.profiles)}",
        f"-supported-features={','.join(wanted.features)}",
        f"-usable-address={USABLE_ADDRESS}",
        f"-unusable-address={UNUSABLE_ADDRESS}",
    ]
    if wanted.is_whole:
        chosen += [
            f"-report-output={report}",
            f"-organization={ORGANIZATION}",
            f"-project={PROJECT}",
            f"-url={URL}",
            f"-contact={CONTACT}",
            f"-version={version}",
        ]
    return chosen


def version() -> str:
    """What the report says was tested: the tag, else the commit; marked when the clone has changes."""
    done = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "describe", "--tags", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or f"v{__version__}"


def run(place: Place, wanted: Wanted, report: Path) -> tuple[int, Log]:
    """Run it to its end; returns its exit code and what its log, `logs/suite.log`, says."""
    argv = inside(place, str(binaries.path("conformance.test")), *arguments(wanted, report, version()))
    environment = {**os.environ, "KUBECONFIG": str(place.kubeconfig)}
    path = place.logs / "suite.log"
    with path.open("w") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            cwd=place.directory,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                log.write(line)
                show(line)
            code = process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    with path.open() as written:
        return code, read_log(written)


def show(line: str) -> None:
    """Each test as it begins and as it ends; nothing of what is skipped."""
    text = line.lstrip("\x16").strip()
    if text.startswith(("--- PASS", "--- FAIL")) and text.count("/") <= 1:
        print(text, file=sys.stderr, flush=True)


def await_empty(client: Client) -> None:
    """Wait until an earlier run's namespaces are gone; those that stayed (a run cut short) are removed first."""
    for name in NAMESPACES:
        client.delete(f"/api/v1/namespaces/{name}")
    for name in NAMESPACES:
        wait_until(f"{name} gone", partial(is_gone, client, name), 120)


def is_gone(client: Client, namespace: str) -> bool:
    return client.get(f"/api/v1/namespaces/{namespace}") is None


def write_excerpts(log: Log, names: Iterable[str], folder: Path) -> dict[str, Path]:
    """The part of the log about each of these tests, in a file of its own; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.log"):
        old.unlink()
    found = {name: folder / f"{name}.log" for name in names}
    for name, path in found.items():
        path.write_text("\n".join(log.excerpts.get(name, [])) + "\n")
    return found
