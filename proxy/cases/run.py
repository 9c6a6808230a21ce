"""Runs cases: each is asked of the configuration that it is about, and compared."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from proxy.cases.answer import Outcome
from proxy.cases.compare import Difference, compare
from proxy.cases.read import Case
from proxy.translate.explain.explain import Explained


class Verdict(NamedTuple):
    """A case that was run."""

    case: Case
    outcome: Outcome
    differences: list[Difference]

    @property
    def passed(self) -> bool:
        return not self.differences


def run(cases: Iterable[Case], about: Callable[[Case], Explained]) -> Iterator[Verdict]:
    """In the order given. `about`: the configuration that a case is about."""
    for case in cases:
        outcome = Outcome(about(case), case.asked)
        yield Verdict(case, outcome, compare(case.expect, outcome))
