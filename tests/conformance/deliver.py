"""The official report of the last run, copied to where a delivery keeps it, under the name that upstream wants."""

import shutil
from pathlib import Path

import yaml

from tests.conformance.place import ROOT

REPORTS = ROOT / "docs" / "conformance"


def name_of(report: str) -> str:
    """`<channel>-<version>-<mode>-report.yaml`, from the text of a report."""
    found = yaml.safe_load(report)
    return f"{found['gatewayAPIChannel']}-{found['implementation']['version']}-{found['mode']}-report.yaml"


def deliver(report: Path) -> Path:
    """Returns the copy. Raises FileNotFoundError when no run has written a report."""
    target = REPORTS / name_of(report.read_text())
    shutil.copyfile(report, target)
    return target
