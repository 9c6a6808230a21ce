"""Problem: one thing that is wrong or worth knowing about what the user declared.

Bad configuration is data, not an exception: what (message), where (file, object, field) and what
to do about it (hint).
"""

import json
import re
from typing import Final, Literal

from msgspec import Struct

Severity = Literal["error", "warning", "notice"]

MAX_SHOWN: Final = 1000
"""Characters of a message, and of each part of it, in a line for people."""

Path = tuple[str | int, ...]
"""A field: names of the API and indices of lists, such as ("spec", "rules", 0, "name")."""


class Finding(Struct, frozen=True):
    """Something wrong with one object, before anyone asked where the object stands."""

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False
    """True when the name of the field is what is wrong, not its value."""
    severity: Severity = "error"


_PLAIN_STEP: Final = r'[^].["/\s]+'
_PLAIN = re.compile(rf"{_PLAIN_STEP}\Z")
_STEP = re.compile(rf'\[(?P<index>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|\.?(?P<plain>{_PLAIN_STEP})')


def dotted(path: Path) -> str:
    """`spec.rules[0].name`; names that hold a dot, a slash or the like are quoted in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not _PLAIN.match(step):
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
        else:
            text += f".{step}" if text else step
    return text


def path_of(field: str) -> Path:
    """The path that `dotted` made a field of."""
    return tuple(_step(found) for found in _STEP.finditer(field))


def _step(found: re.Match[str]) -> str | int:
    if found["index"]:
        return int(found["index"])
    return str(json.loads(found["quoted"])) if found["quoted"] else found["plain"]


class Problem(Struct, frozen=True):
    """`error`: something is not served. `warning`: perhaps not as meant. `notice`: for the record."""

    severity: Severity
    message: str
    kind: str = ""
    namespace: str = ""
    name: str = ""
    field: str = ""
    """Dotted path such as `spec.rules[0].matches[1].path.type`; "" when it is about the whole object."""
    hint: str = ""
    file: str = ""
    line: int = 0
    """From 1; 0 when unknown."""
    column: int = 0
    """From 1; 0 when unknown."""

    @property
    def place(self) -> str:
        """`file:line:column`, as much of it as is known."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])

    @property
    def object(self) -> str:
        """`Kind/namespace/name`, without the namespace for cluster-scoped kinds."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        return self.file, self.line, self.column, self.field

    def headline(self) -> str:
        """`file:line:col: error[Kind/namespace/name]: field.path: message`."""
        about = f"{self.severity}[{self.object}]" if self.object else self.severity
        parts = (self.place, _clipped(about), _clipped(self.field), _clipped(self.message))
        return printable(": ".join(part for part in parts if part))

    def __str__(self) -> str:
        return f"{self.headline()}\n    hint: {printable(self.hint)}" if self.hint else self.headline()


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def printable(text: str) -> str:
    """Names and values are anybody's: what a terminal or a log would obey is shown as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
