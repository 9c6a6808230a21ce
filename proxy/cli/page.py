"""Page: lines for a terminal, folded to its width, with colour where there is one that shows it."""

import os
import shutil
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import click

from proxy.resources.problem import printable

Style = Mapping[str, Any]
"""Arguments of click.style."""
PLAIN: Style = {}
NARROWEST, WIDEST, USUAL = 80, 120, 100


def width() -> int:
    """Columns to fill: those of the terminal (or COLUMNS) within reason, 100 where there is none."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((USUAL, 24)).columns))


def wants_colour() -> bool | None:
    """None lets click decide: colour on a terminal, none in a pipe. See https://no-color.org."""
    return False if os.environ.get("NO_COLOR") else None


class Page:
    """Written top to bottom. Colours are in the lines; whoever prints them takes them out for a pipe."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._lines: list[str] = []

    def line(self, indent: int, text: str, *, hang: int = 0, style: Style = PLAIN) -> None:
        """Folded between words; what goes on stands `hang` further right. Long words are left whole.

        Names and values are anybody's: what a terminal would obey is shown as an escape.
        """
        text = printable(text)
        folded = textwrap.wrap(
            text.lstrip(" "),
            self._columns,
            initial_indent=" " * (indent + len(text) - len(text.lstrip(" "))),
            subsequent_indent=" " * (indent + hang),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for one in folded or [""]:
            bare = one.lstrip(" ")
            blank = " " * (len(one) - len(bare))
            self._lines.append(blank + (click.style(bare, **style) if style else bare))

    def row(self, indent: int, name: str, text: str, names: int) -> None:
        """A name in a column of `names` characters, and the text beside it."""
        self.line(indent, f"{name:{names}}  {text}", hang=names + 2)

    def heading(self, text: str) -> None:
        self._lines += ["", click.style(text, bold=True)]

    def lines(self) -> Iterable[str]:
        return self._lines
