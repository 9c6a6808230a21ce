"""Every way in which a value differs from a model, with the words to say so.

msgspec converts quickly and stops at the first mistake. This walker is asked only when it did:
it follows the same type hints through the whole value and collects all mistakes at once.
"""

import re
import types
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import fields as struct_fields

from proxy.resources.fields import MAX_INT32
from proxy.resources.problem import Finding, Path, printable

MAX_SHOWN: Final = 60
"""Characters of a value that a message repeats."""
SECRET_FIELDS: Final = frozenset({"data", "stringData"})
"""Below these nothing is repeated: it may be a password."""


class Field(NamedTuple):
    """A field of a model."""

    name: str
    type: Any
    required: bool


@cache
def fields_of(model: type[Struct]) -> dict[str, Field]:
    """By the name in the API."""
    return {
        info.encode_name: Field(
            info.encode_name, info.type, info.default is NODEFAULT and info.default_factory is NODEFAULT
        )
        for info in struct_fields(model)
    }


def mismatches(model: Any, value: Any, *, lenient: bool = False) -> tuple[Any, list[Finding]]:
    """The value without fields that are null, and all that keeps it from being a `model`.

    Lenient: unknown fields are left out, too, and are notices.
    """
    walker = _Walker(lenient)
    return walker.check(model, value, ()), walker.findings


class _Walker:
    def __init__(self, lenient: bool) -> None:
        self.lenient = lenient
        self.findings: list[Finding] = []

    def report(self, path: Path, message: str, hint: str = "", at_key: bool = False) -> None:
        self.findings.append(Finding(path, message, hint, at_key))

    def check(self, wanted: Any, value: Any, path: Path) -> Any:
        wanted, limits = _plain(wanted)
        if wanted is Any:
            return value
        if isinstance(wanted, type) and issubclass(wanted, Struct):
            return self.struct(wanted, value, path)
        origin = get_origin(wanted)
        if origin is tuple:
            return self.items(get_args(wanted)[0], limits, value, path)
        if origin is dict:
            return self.mapping(get_args(wanted)[1], limits, value, path)
        if origin is Literal:
            return self.choice(get_args(wanted), value, path)
        if origin in (Union, types.UnionType):
            if value is None and type(None) in get_args(wanted):
                return None
            return self.either([arm for arm in get_args(wanted) if arm is not type(None)], value, path)
        return self.scalar(wanted, limits, value, path)

    def struct(self, model: type[Struct], value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            self.report(path, f"got {show(value, path)}, want fields such as {_examples(model)}")
            return value
        known = fields_of(model)
        for name in value:
            if name not in known:
                self.unknown((*path, name), name, known)
        if self.lenient:
            value = {name: item for name, item in value.items() if name in known}
        present = {name: item for name, item in value.items() if item is not None or name not in known}
        for field in known.values():
            if field.required and field.name not in present:
                self.report((*path, field.name), "required, but missing", at_key=True)
        return {
            name: self.check(known[name].type, item, (*path, name)) if name in known else item
            for name, item in present.items()
        }

    def unknown(self, path: Path, name: str, known: dict[str, Field]) -> None:
        if self.lenient:
            self.findings.append(Finding(path, "unknown field, ignored", "", True, "notice"))
        else:
            self.report(path, "unknown field", _nearest(name, known), at_key=True)

    def items(self, wanted: Any, limits: Meta, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            self.report(path, f"got {show(value, path)}, want a list", 'begin each entry with "- "')
            return value
        self.size(limits, value, "entries", path)
        return [self.check(wanted, item, (*path, index)) for index, item in enumerate(value)]

    def mapping(self, wanted: Any, limits: Meta, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            self.report(path, f"got {show(value, path)}, want keys and values")
            return value
        self.size(limits, value, "entries", path)
        return {name: self.check(wanted, item, (*path, name)) for name, item in value.items()}

    def choice(self, choices: tuple[Any, ...], value: Any, path: Path) -> Any:
        if value not in choices or type(value) not in {type(choice) for choice in choices}:
            want = " or ".join(filter(None, [", ".join(map(str, choices[:-1])), str(choices[-1])]))
            self.report(
                path,
                f"got {show(value, path)}, want {want}",
                _closest(value, choices) or _quoting(type(choices[0]), value, path),
            )
        return value

    def either(self, arms: list[Any], value: Any, path: Path) -> Any:
        """The arm that takes the value; else what the first has against it."""
        for arm in arms:
            attempt = _Walker(self.lenient)
            cleaned = attempt.check(arm, value, path)
            if all(finding.severity == "notice" for finding in attempt.findings):
                self.findings.extend(attempt.findings)
                return cleaned
        return self.check(arms[0], value, path)

    def scalar(self, wanted: Any, limits: Meta, value: Any, path: Path) -> Any:
        if type(value) is not wanted:
            want = f"{NAMES[wanted]}{_range(limits)}" if wanted is not str else limits.description or NAMES[str]
            self.report(path, f"got {show(value, path)}, want {want}", _quoting(wanted, value, path))
        elif wanted is str:
            self.text(limits, value, path)
        elif not _within(limits, value):
            self.report(path, f"got {value}, want {NAMES[wanted]}{_range(limits, value)}")
        return value

    def text(self, limits: Meta, value: str, path: Path) -> None:
        if limits.max_length is not None and len(value) > limits.max_length:
            self.report(path, f"{len(value)} characters long, at most {limits.max_length} are allowed")
        elif limits.min_length and len(value) < limits.min_length:
            self.report(path, f'got "", want {limits.description or "a value"}')
        elif limits.pattern is not None and not re.search(limits.pattern, value):
            self.report(path, f"got {show(value, path)}, want {limits.description}", _line_break(value))

    def size(self, limits: Meta, value: Any, what: str, path: Path) -> None:
        if limits.max_length is not None and len(value) > limits.max_length:
            self.report(path, f"has {len(value)} {what}, at most {limits.max_length} are allowed")
        elif limits.min_length and len(value) < limits.min_length:
            self.report(path, f"is empty, at least {limits.min_length} is needed")


# --- words ------------------------------------------------------------------------------------

NAMES: Final[dict[Any, str]] = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
_KINDS: Final[dict[type, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "mapping",
    type(None): "null",
}
_NO_LIMITS: Final = Meta()


def _plain(wanted: Any) -> tuple[Any, Meta]:
    """A type hint without its annotation, and the limits the annotation holds."""
    if get_origin(wanted) is not Annotated:
        return wanted, _NO_LIMITS
    inner, *metadata = get_args(wanted)
    return inner, next((meta for meta in metadata if isinstance(meta, Meta)), _NO_LIMITS)


def show(value: Any, path: Path = ()) -> str:
    """A value as a message repeats it, with its type: `"8080" (string)`; secrets by type only."""
    kind = _KINDS[type(value)]
    if value is None:
        return kind
    if isinstance(value, (list, dict)) or _is_secret(path):
        return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    text = printable(text)
    return f"{text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + '…'} ({kind})"


def _is_secret(path: Path) -> bool:
    return bool(path) and path[0] in SECRET_FIELDS


def _range(limits: Meta, value: float = 0) -> str:
    """What a field's width allows is said only to those who exceed it."""
    if limits.ge is not None and limits.le is not None and (limits.le < MAX_INT32 or value > limits.le):
        return f" {limits.ge}–{limits.le}"
    return f" from {limits.ge}" if limits.ge is not None else ""


def _within(limits: Meta, value: float) -> bool:
    return (limits.ge is None or value >= limits.ge) and (limits.le is None or value <= limits.le)


def _quoting(wanted: type, value: Any, path: Path) -> str:
    """What to do about a scalar of the wrong type."""
    if wanted is str and isinstance(value, bool):
        return f"YAML reads this as {str(value).lower()}: put it in quotes"
    if wanted is str and isinstance(value, (int, float)):
        number = "a number" if _is_secret(path) else f"the number {value}"
        return f"YAML reads this as {number}: put it in quotes"
    if _is_secret(path):
        return ""
    if wanted is int and isinstance(value, str) and value.strip().isdecimal():
        return f"remove the quotes: {value.strip()}"
    if wanted is bool and isinstance(value, str) and value.lower() in ("true", "false"):
        return f"remove the quotes: {value.lower()}"
    return ""


def _line_break(value: str) -> str:
    if value.endswith("\n"):
        return "it ends with a line break; in YAML write |- or >- instead of | or >"
    return "it begins or ends with a space" if value != value.strip() else ""


def _nearest(name: str, known: dict[str, Field]) -> str:
    """Which field was meant, or which there are."""
    lowered = {field.lower(): field for field in known}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return f"did you mean {lowered[close[0]]}?" if close else f"known here: {', '.join(known)}"


def _closest(value: Any, choices: tuple[Any, ...]) -> str:
    if not isinstance(value, str):
        return ""
    lowered = {str(choice).lower(): choice for choice in choices}
    close = get_close_matches(value.lower(), lowered, n=1, cutoff=0.6)
    return f"did you mean {lowered[close[0]]}?" if close else ""


def _examples(model: type[Struct]) -> str:
    return ", ".join(list(fields_of(model))[:4])
