"""One document to objects and problems. Pure, and without regard to where the document stands:
lines count from the document's first, so that the result can be kept while the document moves.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from msgspec import Struct

from proxy.resources.decode import Decoded, decode_document
from proxy.resources.meta import Resource
from proxy.resources.problem import Path, Problem, dotted
from proxy.sources.jsontext import NotThisWay, complaint, parse_json
from proxy.sources.malformed import MalformedDocument, refuse_what_is_no_text
from proxy.sources.places import Part, Places
from proxy.sources.yamltext import Value, parse_yaml

_FIRST_LINE = re.compile(r"(?:(?:[ \t]*(?:#[^\n]*)?|%[^\n]*|---(?:[ \t]+(?:#[^\n]*)?)?)\r?\n)*")
"""Comments, directives, markers and empty lines before the first line that says something."""
_FLOW = re.compile(r"\s*\{\s*(?P<quote>\")?")
"""How JSON begins, and with the quote nothing but JSON is meant."""


class Entry(Struct, frozen=True):
    """One object that a document declares or tried to declare."""

    line: int
    """From 1, within the document."""
    item: Resource | None
    problems: tuple[Problem, ...]
    part: Part
    """Where in the document it is declared,"""
    at: Path
    """and where within that: () but for the entries of a List."""
    model: type[Resource] | None
    api_version: str
    kind: str
    namespace: str
    name: str
    skipped: Literal["", "not ours", "not yet", "cases"]
    stand_in: Resource | None = None
    """What is served where no sound version is known (resources.stand_in)."""


class Parsed(NamedTuple):
    """What a document holds."""

    entries: tuple[Entry, ...] = ()
    malformed: Problem | None = None


def parse(text: str) -> Parsed:
    """Never raises: text that is no document is a problem."""
    try:
        refuse_what_is_no_text(text)
        values, is_json = _values(text)
    except MalformedDocument as error:
        return Parsed(malformed=Problem("error", error.message, hint=error.hint, line=error.line, column=error.column))
    declared = [(value, part) for value, part in values if value is not None]
    return Parsed(tuple(entry for value, part in declared for entry in _entries(text, part, value, is_json)))


def _values(text: str) -> tuple[list[tuple[Value, Part]], bool]:
    """The values with their places, and whether they came the quick way, from JSON."""
    begin = _first_line(text)
    start = _FLOW.match(text, begin)
    if start is None:
        return [(parse_yaml(text), _from(text, begin))], False
    try:
        return parse_json(text, begin), True
    except NotThisWay:
        pass
    try:
        return [(parse_yaml(text), _from(text, begin))], False
    except MalformedDocument as error:
        if start["quote"]:
            raise complaint(text) or error from None
        raise


def _from(text: str, begin: int) -> Part:
    return Part(begin, len(text), text.count("\n", 0, begin) + 1)


def _entries(text: str, part: Part, value: Value, is_json: bool) -> Iterable[Entry]:
    decoded = list(decode_document(value))
    wanted = [(*item.at, *finding.path) for item in decoded for finding in item.findings]
    if not is_json:
        wanted += [item.at for item in decoded if item.at]
    places = Places(text, wanted, part) if wanted else None
    for item in decoded:
        line = places.find(item.at)[0] if places and item.at else 0
        yield _entry(item, line or part.line, part, places)


def _entry(item: Decoded, line: int, part: Part, places: Places | None) -> Entry:
    return Entry(
        line=line,
        item=item.item,
        problems=_problems(item, places) if places else (),
        part=part,
        at=item.at,
        model=item.model,
        api_version=item.api_version,
        kind=item.kind,
        namespace=item.namespace,
        name=item.name,
        skipped=item.skipped,
        stand_in=item.stand_in,
    )


def _problems(item: Decoded, places: Places) -> tuple[Problem, ...]:
    problems = []
    for finding in item.findings:
        line, column = places.find((*item.at, *finding.path), finding.at_key)
        problems.append(
            Problem(
                finding.severity,
                finding.message,
                kind=item.kind,
                namespace=item.namespace,
                name=item.name,
                field=dotted(finding.path),
                hint=finding.hint,
                line=line,
                column=column,
            )
        )
    return tuple(problems)


def _first_line(text: str) -> int:
    found = _FIRST_LINE.match(text)
    return found.end() if found else 0
