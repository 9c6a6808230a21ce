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
PAGES = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md")
]
PAGES += sorted((ROOT / "docs").rglob("*.md"))

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Shown(NamedTuple):
    """A command as a page shows it, and what it says to it."""

    page: Path
    command: str
    output: str


def shown_commands(page: Path) -> list[Shown]:
    """All `$ penstock ...` of the console blocks that end by themselves."""
    found = []
    for language, block in FENCE.findall(page.read_text()):
        if language == "console":
            for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = session.partition("\n")
                found.append(Shown(page, command, output.rstrip("\n")))
    return [shown for shown in found if re.match(r"penstock (check|explain|routes|version) ", shown.command)]


SHOWN = [shown for page in (ROOT / "README.md", ROOT / "docs" / "explain.md") for shown in shown_commands(page)]


def write_files(page: Path, folder: Path) -> None:
    """The files that a page shows; the first line of each is a comment with its name."""
    for language, block in FENCE.findall(page.read_text()):
        if language == "yaml":
            name = block.partition("\n")[0].removeprefix("# ")
            (folder / name).write_text(block)


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.command)
def test_a_command_prints_what_the_page_shows(shown: Shown, tmp_path: Path) -> None:
    write_files(shown.page, tmp_path)
    command = shown.command.removesuffix(" 2>/dev/null")
    arguments = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "proxy", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + (done.stderr if command == shown.command else "")
    assert told.rstrip("\n") == shown.output


def test_readme_shows_each_of_the_three_ways_to_ask() -> None:
    assert {shown.command.split()[1] for shown in shown_commands(ROOT / "README.md")} >= {"check", "explain", "routes"}


def test_every_target_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {verb for page in PAGES for verb in re.findall(r"(?:`|\$ )make ([a-z0-9-]+)", page.read_text())}
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


def test_every_decision_stands_in_the_index_once_and_in_order() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"^\| \[\d+\]\(([^)]+)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert listed == sorted(page.name for page in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_stands_twice_under_a_heading(page: Path) -> None:
    for section in re.split(r"^#+ ", FENCE.sub("", page.read_text()), flags=re.MULTILINE):
        lines = [line for line in section.splitlines() if len(line) > 30]
        assert [line for line in dict.fromkeys(lines) if lines.count(line) > 1 and not is_heading_of_table(line)] == []


def is_heading_of_table(line: str) -> bool:
    """Whether a row is the first of a table that has its like on the page: `| option | default | meaning |`."""
    return re.fullmatch(r"(\| `?\w+`? )+\|", line) is not None


def test_each_row_of_a_table_in_the_readme_is_about_something_else() -> None:
    for table in re.findall(r"(?:^\|.*\n)+", (ROOT / "README.md").read_text(), re.MULTILINE):
        about = [row.split("|")[1].strip() for row in table.splitlines()]
        assert len(about) == len(set(about)), about


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_headings_stand_apart(page: Path) -> None:
    assert re.findall(r"[^\n]\n(#+ .*)", FENCE.sub("", page.read_text())) == []


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
