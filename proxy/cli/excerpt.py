"""The lines of a file that problems are about, with a caret below the place."""

from collections.abc import Iterable
from typing import Final
from unicodedata import east_asian_width

from proxy.resources.problem import Problem

WIDTH: Final = 120
"""Characters shown of a line; of a longer one those around the place."""
_BEFORE: Final = 80
"""Of these how many at most stand before the place."""


class Excerpts:
    """Reads each file once, when the first problem in it is shown, and keeps only the lines that are asked for."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._wanted: dict[str, set[int]] = {}
        for problem in problems:
            if problem.line and problem.column:
                self._wanted.setdefault(problem.file, set()).add(problem.line)
        self._files: dict[str, tuple[dict[int, str], bool]] = {}

    def of(self, problem: Problem) -> list[str]:
        """The line and the caret; nothing when there is no such line, or it may be nobody's business."""
        if not (problem.line and problem.column):
            return []
        if problem.file not in self._files:
            self._files[problem.file] = _read(problem.file, self._wanted.get(problem.file, set()))
        lines, speaks_of_secrets = self._files[problem.file]
        line = lines.get(problem.line, "")
        if not line or problem.column > len(line) + 1 or _is_secret(problem, speaks_of_secrets):
            return []
        shown, column = _window(line, problem.column)
        number = f"{problem.line:>6} | "
        return [f"{number}{''.join(map(_visible, shown))}", f"{' ' * (len(number) - 2)}| {_indent(shown[:column])}^"]


def _is_secret(problem: Problem, speaks_of_secrets: bool) -> bool:
    """A line of a Secret may be a password, and of a document that is no YAML nobody knows what it is."""
    return problem.kind == "Secret" if problem.kind else speaks_of_secrets


def _read(path: str, wanted: set[int]) -> tuple[dict[int, str], bool]:
    """The wanted lines by number, and whether the file says "Secret" anywhere."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="\n") as file:
            return _pick(file, wanted)
    except OSError:
        return {}, False


def _pick(file: Iterable[str], wanted: set[int]) -> tuple[dict[int, str], bool]:
    lines: dict[int, str] = {}
    speaks_of_secrets = False
    for number, line in enumerate(file, 1):
        speaks_of_secrets = speaks_of_secrets or "Secret" in line
        if number in wanted:
            lines[number] = line.rstrip()
    return lines, speaks_of_secrets


def _window(line: str, column: int) -> tuple[str, int]:
    """What is shown of a line, and the index in it of a column."""
    index = column - 1
    begin = 0 if len(line) <= WIDTH else max(0, min(index - _BEFORE, len(line) - WIDTH))
    shown = line[begin : begin + WIDTH]
    if begin + WIDTH < len(line):
        shown = f"{shown[:-1]}…"
    return (f"…{shown[1:]}" if begin else shown), index - begin


def _indent(text: str) -> str:
    """As wide on a terminal as the text."""
    return "".join(
        "\t" if character == "\t" else "  " if east_asian_width(character) in "WF" else " " for character in text
    )


def _visible(character: str) -> str:
    """Nothing that a terminal would obey."""
    return character if character.isprintable() or character == "\t" else "�"
