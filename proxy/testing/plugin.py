"""The pytest plugin: the fixture `penstock`, and files of cases as tests.

pytest imports this at every start, in every project of an environment that has Penstock: so it imports nothing
else until the fixture is asked for or a file of cases is found, and takes part in no test that has neither.
"""

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from proxy.testing import Declared
    from proxy.testing.answer import Answer
    from proxy.testing.gateway import Gateway

PATTERNS = ("*.penstock-test.yaml", "*.penstock-test.yml")
SHOWN = 3
"""Of the answers that a failed test has asked for, how many are shown, the last ones."""


class Penstock:
    """The fixture `penstock`: loads configurations, to be asked where requests go."""

    def __init__(self, root: Path, journal: "Journal") -> None:
        self._root = root
        self._journal = journal

    def load(self, *declared: "Declared", strict: bool = True) -> "Gateway":
        """As `proxy.testing.load`, but relative paths are seen from pytest's rootdir."""
        __tracebackhide__ = True
        from proxy.testing.gateway import Gateway  # noqa: PLC0415 - see above

        root = None if Path.cwd() == self._root else self._root
        return Gateway.load(*declared, strict=strict, root=root, told=self._journal.note)


class Journal:
    """Remembers what a test has asked, so that a plain `assert` that fails is explained, too."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []

    def note(self, answer: "Answer") -> None:
        self._answers.append(answer)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        outcome: object = yield
        report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy.Result, which pytest does not name
        if report.when == "call":
            answers, self._answers = self._answers, []
            told = [answer for answer in answers[-SHOWN:] if not answer.has_said_why] if report.failed else []
            report.sections += [("penstock explain", str(answer)) for answer in told]


@pytest.fixture(scope="session")
def penstock(pytestconfig: pytest.Config) -> Penstock:
    """Loads configurations of the Penstock gateway, and says where requests go, without a socket."""
    journal = Journal()
    pytestconfig.pluginmanager.register(journal, "penstock-journal")
    return Penstock(pytestconfig.rootpath, journal)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("penstock_cases", "names of files with cases for Penstock", "args", list(PATTERNS))
    parser.addini("penstock_sources", "configuration for cases that name none, seen from the rootdir", "args", [])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not any(fnmatch(file_path.name, pattern) for pattern in parent.config.getini("penstock_cases")):
        return None
    from proxy.testing.collect import CaseFile  # noqa: PLC0415 - see above

    file: CaseFile = CaseFile.from_parent(parent, path=file_path)
    return file
