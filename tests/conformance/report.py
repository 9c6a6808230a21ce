"""The closing summary: per profile what passed, what failed and where to read why, and one line for machines."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.conformance.catalogue import Catalogue, Profile
from tests.conformance.results import FAIL, PASS, SKIP, Log


class Count(NamedTuple):
    """Tests of one level of one profile."""

    passed: int
    failed: int
    skipped: int

    def plus(self, other: "Count") -> "Count":
        return Count(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


NONE = Count(0, 0, 0)


def count(log: Log, names: Iterable[str]) -> Count:
    outcomes = [log.results[name].outcome for name in names if name in log.results]
    return Count(outcomes.count(PASS), outcomes.count(FAIL), outcomes.count(SKIP))


def levels(catalogue: Catalogue, profile: Profile) -> Mapping[str, list[str]]:
    """`core` and `extended` to the names of the profile's tests, decided as the suite decides it."""
    found: dict[str, list[str]] = {"core": [], "extended": []}
    for name, features in catalogue.tests.items():
        if profile.has(features):
            found["core" if features <= profile.core else "extended"].append(name)
    return found


def summary(
    log: Log, catalogue: Catalogue, profiles: Iterable[str], excerpts: Mapping[str, Path], scenarios: Count | None
) -> str:
    """`excerpts`: failed test to the file with its part of the log. The last line stands alone, for machines."""
    lines = ["", "profile           level     tests"]
    for name in profiles:
        for level, tests in levels(catalogue, catalogue.profiles[name]).items():
            lines.append(f"{name:17} {level:9} {count(log, tests)}")
    if scenarios is not None:
        lines.append(f"{'tests/cluster':27} {scenarios}")
    if excerpts:
        lines += ["", "failed:", *(f"  {name:48} {path}" for name, path in sorted(excerpts.items()))]
    return "\n".join([*lines, "", str(total(log).plus(scenarios or NONE))])


def total(log: Log) -> Count:
    """Every test once, whatever profiles it counts for. A run that failed as a whole has at least one failure."""
    found = count(log, log.results)
    if not found.failed and (log.whole is None or log.whole.outcome == FAIL):
        return found._replace(failed=1)
    return found
