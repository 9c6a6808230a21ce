"""docs/testing.md, tried as it stands: its files are written, its commands print what is shown, its tests pass."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.cases.model import Expectations, RequestPart, RetryPart, TimeoutsPart
from proxy.resources.mismatch import fields_of
from proxy.testing import Answer

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "testing.md").read_text()
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the files that the page shows; the first line of each is a comment with its name."""
    for language, block in FENCE.findall(PAGE):
        if language in ("yaml", "python"):
            pytester.path.joinpath(block.partition("\n")[0].removeprefix("# ")).write_text(block)
    return pytester


def sessions() -> list[tuple[str, str]]:
    """Every `$ command` in its order, with what it prints."""
    blocks = [block for language, block in FENCE.findall(PAGE) if language == "console"]
    shown = [session for block in blocks for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in (session.partition("\n") for session in shown)]


def test_commands_print_what_is_shown(folder: pytest.Pytester) -> None:
    assert len(sessions()) == 3
    for command, output in sessions():
        program, *arguments = shlex.split(command)
        argv = [sys.executable, "-m", "proxy"] if program == "penstock" else [program]
        done = subprocess.run(
            [*argv, *arguments],
            cwd=folder.path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "COLUMNS": "120"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout + done.stderr == output


def test_tests_and_cases_pass(folder: pytest.Pytester) -> None:
    folder.makefile(".ini", pytest="[pytest]\nfilterwarnings = error\naddopts = -p no:asyncio -p no:cacheprovider\n")
    folder.runpytest().assert_outcomes(passed=6 + 3)


def table(title: str) -> set[str]:
    """The names in the first column of the table under a heading."""
    section = PAGE.partition(f"### {title}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_all_that_can_be_asked_and_expected_is_listed() -> None:
    assert table("What can be asked") == set(fields_of(RequestPart))
    assert table("What can be expected") == set(fields_of(Expectations))
    assert all(f"`{name}`" in PAGE for part in (TimeoutsPart, RetryPart) for name in fields_of(part))


def test_every_way_to_assert_is_named() -> None:
    ways = {name for name, member in vars(Answer).items() if callable(member) and not name.startswith("_")}
    assert {name for name in ways if f"`{name}`" not in PAGE and f"`{name}(" not in PAGE} == set()
