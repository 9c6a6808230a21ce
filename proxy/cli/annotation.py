"""Workflow commands, which GitHub shows with the run, at the line of a file where they name one.

As https://github.com/actions/toolkit has them (command.ts).
"""

from collections.abc import Mapping

from proxy.resources.problem import Severity


def annotation(level: Severity, place: Mapping[str, str | int], words: str) -> str:
    """One of them; of its place (`file`, `line`, `col`, `title`) what is known."""
    settings = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in place.items() if value)
    return f"::{level} {settings}::{_escaped(words)}"


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
