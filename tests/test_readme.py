"""README.md and docs/ as readers use them: commands print what is shown, links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md")
]
PAGES += sorted((ROOT / "docs").rglob("*.md"))

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Shown(NamedTuple):
    """A command as README shows it, and what it says to it."""

    command: str
    output: str


def shown_commands() -> list[Shown]:
    """All `$ penstock ...` of the console blocks that end by themselves."""
    found = []
    for language, block in FENCE.findall(README):
        if language == "console":
            for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = session.partition("\n")
                found.append(Shown(command, output.rstrip("\n")))
    return [shown for shown in found if re.match(r"penstock (check|explain|routes|version) ", shown.command)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that README shows; the first line of each is a comment with its name."""
    for language, block in FENCE.findall(README):
        if language == "yaml":
            name = block.partition("\n")[0].removeprefix("# ")
            (tmp_path / name).write_text(block)
    return tmp_path


@pytest.mark.parametrize("shown", shown_commands(), ids=lambda shown: shown.command)
def test_a_command_prints_what_readme_shows(shown: Shown, folder: Path) -> None:
    arguments = shlex.split(shown.command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "proxy", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout + done.stderr).rstrip("\n") == shown.output


def test_readme_shows_each_of_the_three_ways_to_ask() -> None:
    assert {shown.command.split()[1] for shown in shown_commands()} >= {"check", "explain", "routes"}


def test_every_target_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {verb for page in PAGES for verb in re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text())}
    assert named & {"demo", "test"} == {"demo", "test"}
    assert named - targets == set()


def test_files_that_are_named_exist() -> None:
    named = {
        path
        for page in PAGES
        for path in re.findall(r"`((?:proxy|tests|scripts|docs|config)/[\w/.-]*)`", page.read_text())
    }
    assert "proxy/forward/exchange.py" in named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_decision_stands_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    assert [page.name for page in sorted(folder.glob("[0-9]*.md")) if f"]({page.name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if link.startswith("https://"):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors that rendered headings get: lower-case, punctuation dropped, blanks to hyphens."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
