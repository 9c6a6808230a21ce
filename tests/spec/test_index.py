"""README.md leads from rules and official tests to ours: nothing official is missing, and nothing is named in vain."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.conformance.catalogue import catalogue

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OTHERS = ("GRPC", "TLSRoute", "TCPRoute", "UDPRoute", "Mesh")
"""What the names of tests begin with that are of other routes, and of meshes."""


@cache
def tables() -> dict[str, dict[str, list[str]]]:
    """Heading to its rows: first cell to the tests that the second names."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in (HERE / "README.md").read_text().splitlines():
        if line.startswith("## "):
            rows = found.setdefault(line[3:], {})
        elif line.startswith("| ") and not line.startswith("| official") and not line.startswith("| rule |"):
            first, second = line.strip("| ").split(" | ")
            assert first not in rows, f"{first} stands twice"
            rows[first] = re.findall(r"`([^`]+)`", second)
    return found


@cache
def functions(module: str) -> frozenset[str]:
    """The tests of a module: of this folder, or by its path."""
    path = ROOT / f"{module}.py" if "/" in module else HERE / f"{module}.py"
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


OFFICIAL, NEXT, RULES = (
    "From an official test to ours",
    "From a test of the next release to ours",
    "From a rule to its tests",
)
NAMED = sorted({test for rows in tables().values() for tests in rows.values() for test in tests})


def test_every_official_test_of_these_kinds_has_one_of_ours() -> None:
    theirs = {name for name in catalogue().tests if not name.startswith(OTHERS)}
    assert len(theirs) > 90
    assert set(tables()[OFFICIAL]) == theirs


def test_a_test_of_the_next_release_is_none_of_this_one() -> None:
    assert not set(tables()[NEXT]) & set(catalogue().tests)


@pytest.mark.parametrize("test", NAMED)
def test_what_is_named_is_there(test: str) -> None:
    module, _, name = test.partition(".")
    assert name in functions(module) if name else any(each.startswith("test_") for each in functions(module))


def test_every_row_names_a_test_and_every_file_has_a_row() -> None:
    assert [first for rows in tables().values() for first, tests in rows.items() if not tests] == []
    files = {path.stem for path in HERE.glob("test_*.py")} - {Path(__file__).stem}
    assert files == {test for tests in tables()[RULES].values() for test in tests if "/" not in test}
