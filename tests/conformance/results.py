"""Reading the suite's log: the result of each test, and the part of the log that is about it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

PASS, FAIL, SKIP = "PASS", "FAIL", "SKIP"

_ROOT = "TestConformance"
_EVENT = re.compile(r"\x16?=== (?:RUN|NAME|CONT|PAUSE)\s+(\S*)")
_RESULT = re.compile(r"\x16?\s*--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)")


class Result(NamedTuple):
    """How a test ended."""

    outcome: str
    seconds: float


@dataclass
class Log:
    """`results`: name of a test to its result, in the order in which they ended; `whole` is that of the run itself."""

    results: dict[str, Result] = field(default_factory=dict)
    excerpts: dict[str, list[str]] = field(default_factory=dict)
    whole: Result | None = None

    def of(self, outcome: str) -> list[str]:
        return [name for name, result in self.results.items() if result.outcome == outcome]


def read_log(lines: Iterable[str]) -> Log:
    """`lines` as the test binary writes them with -test.v=test2json. Subtests belong to their test."""
    log = Log()
    for subject, line in attributed(lines):
        if (found := _RESULT.match(line)) is not None:
            _take_result(log, found[2], Result(found[1], float(found[3])))
        log.excerpts.setdefault(subject, []).append(line)
    return log


def _take_result(log: Log, name: str, result: Result) -> None:
    parts = name.split("/")
    if parts[0] == _ROOT and len(parts) == 2:
        log.results[parts[1]] = result
    elif parts == [_ROOT]:
        log.whole = result


def attributed(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each line with the test it is about; "" for those of the set-up."""
    subject = ""
    for raw in lines:
        line = raw.rstrip("\n")
        found = _EVENT.match(line) or _RESULT.match(line)
        if found is not None:
            subject = subject_of(found[found.re.groups if found.re is _EVENT else 2])
        yield subject, line


def subject_of(name: str) -> str:
    """`TestConformance/A/b` is about A."""
    parts = name.split("/")
    return parts[1] if parts[0] == _ROOT and len(parts) > 1 else ""
