"""Files of cases as pytest collects them: each case is a test."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.cases.read import Case, read_cases
from proxy.cases.run import Verdict, run
from proxy.cli.verdicts import why
from proxy.resources.problem import Problem
from proxy.sources.read import read_file
from proxy.testing.errors import ConfigurationError
from proxy.testing.gateway import Gateway

Loaded = dict[tuple[str, ...], Gateway]
LOADED = pytest.StashKey[Loaded]()
"""Configurations of this session, by the sources that were named."""


class CaseFile(pytest.File):
    """One file of cases."""

    def collect(self) -> Iterator[pytest.Item]:
        cases = read_cases([read_file(os.path.relpath(self.path))])
        if not cases.found:
            raise self.CollectError(f"{self.path}: no cases: a file with cases has a list named cases")
        for problem in cases.problems:
            yield BrokenCase.from_parent(
                self, name=f"{problem.field or 'cases'} (line {problem.line})", problem=problem
            )
        for case in cases.sound:
            yield CaseItem.from_parent(self, name=case.name, case=case)


class CaseError(Exception):
    """What a test that is a case fails with; the text is all there is to see."""


class BrokenCase(pytest.Item):
    """A case that cannot be read."""

    def __init__(self, *, problem: Problem, **others: Any) -> None:
        super().__init__(**others)
        self._problem = problem

    def runtest(self) -> None:
        raise CaseError(str(self._problem))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        return self.path, self._problem.line - 1, self.name


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, case: Case, **others: Any) -> None:
        super().__init__(**others)
        self._case = case

    def runtest(self) -> None:
        gateway = self._gateway()
        [verdict] = run([self._case], lambda _: gateway.source)
        if not verdict.passed:
            raise CaseError(_failure(verdict))

    def _gateway(self) -> Gateway:
        """What the case is about. Raises ConfigurationError."""
        loaded = self.config.stash.setdefault(LOADED, {})
        sources = self._case.sources or self._configured()
        if not sources:
            raise CaseError(f"{self._case.file} names no sources: write sources: into it, or set penstock_sources")
        if sources not in loaded:
            loaded[sources] = Gateway.load(*sources)
        return loaded[sources]

    def _configured(self) -> tuple[str, ...]:
        root = self.config.rootpath
        return tuple(os.path.relpath(root / source) for source in self.config.getini("penstock_sources"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, (CaseError, ConfigurationError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        return self.path, self._case.line - 1, self.name


def _failure(verdict: Verdict) -> str:
    """As `penstock test` prints it."""
    return "\n".join([verdict.case.place, *map(str, verdict.differences), "", why(verdict.outcome)])
