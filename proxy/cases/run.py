"""Runs cases: each is asked of the snapshot that it is about, and compared."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from proxy.cases.answer import Outcome, ask
from proxy.cases.compare import Difference, compare
from proxy.cases.read import Case
from proxy.snapshot.snapshot import Snapshot


class Verdict(NamedTuple):
    """A case that was run."""

    case: Case
    outcome: Outcome
    differences: list[Difference]

    @property
    def passed(self) -> bool:
        return not self.differences


def run(cases: Iterable[Case], about: Callable[[Case], Snapshot]) -> Iterator[Verdict]:
    """In the order given. `about`: the snapshot that a case is about."""
    for case in cases:
        outcome = ask(about(case), case.asked, case.gateway)
        yield Verdict(case, outcome, compare(case.expect, outcome))
