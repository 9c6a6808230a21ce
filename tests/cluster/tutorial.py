"""docs/tutorial-kubernetes.md as data: its steps, the commands of each, and what they print."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from tests.manifests.tree import ROOT

PAGE = ROOT / "docs" / "tutorial-kubernetes.md"
_STEP = re.compile(r"^## (\d)\. ([^\n]+)\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Command(NamedTuple):
    """One line after a `$`, and the lines under it."""

    argv: tuple[str, ...]
    output: str

    def option(self, *names: str) -> str | None:
        """The value of an option: `-f FILE`, `--for=CONDITION`."""
        for index, word in enumerate(self.argv):
            if word in names:
                return self.argv[index + 1]
            name, equals, value = word.partition("=")
            if equals and name in names:
                return value
        return None


class Step(NamedTuple):
    number: int
    title: str
    commands: tuple[Command, ...]


def steps() -> list[Step]:
    return [Step(int(number), title, commands_of(text)) for number, title, text in _STEP.findall(PAGE.read_text())]


def commands_of(text: str) -> tuple[Command, ...]:
    sessions = [part for block in _CONSOLE.findall(text) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    lines = [session.partition("\n") for session in sessions]
    return tuple(Command(words(line), output.strip()) for line, _, output in lines)


def words(line: str) -> tuple[str, ...]:
    """As a shell splits it; an assignment is one word."""
    return (line,) if re.match(r"[A-Z]+=", line) else tuple(shlex.split(line))


def file_of(command: Command) -> Path | None:
    """What `kubectl apply` is given, when it lies here; None for what comes from elsewhere."""
    named = command.option("-f", "-k")
    assert named is not None, command
    return None if named.startswith("https://") else ROOT / named
