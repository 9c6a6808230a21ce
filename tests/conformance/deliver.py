"""The official report of the last run, copied to where a delivery keeps it, under the name that upstream wants."""

import shutil
from pathlib import Path

import yaml

from tests.conformance.place import ROOT
from tests.conformance.report import total
from tests.conformance.results import Log

REPORTS = ROOT / "docs" / "conformance"


def name_of(report: str) -> str:
    """`<channel>-<version>-<mode>-report.yaml`, from the text of a report."""
    found = yaml.safe_load(report)
    return f"{found['gatewayAPIChannel']}-{found['implementation']['version']}-{found['mode']}-report.yaml"


class NotDeliverableError(Exception):
    """The run that wrote the report was not without failures."""


def deliver(report: Path, log: Log) -> Path:
    """Returns the copy. Raises FileNotFoundError when no run has written a report.

    Raises NotDeliverableError when a test failed in that run's log. The report alone would not say so: the suite
    counts a parallel test as soon as it has begun, as passed.
    """
    if failed := total(log).failed:
        raise NotDeliverableError(f"{failed} failed in the run that wrote {report}: mend that first")
    target = REPORTS / name_of(report.read_text())
    shutil.copyfile(report, target)
    return target
