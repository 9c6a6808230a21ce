"""Documents of cases among files: each case with its place, and what is wrong with the others.

A case that cannot be read is an error of its own: its neighbours are run.
"""

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from proxy.cases.model import CasePart, CasesDocument, Expectations, RequestPart
from proxy.resources.decode import holds_cases
from proxy.resources.mismatch import mismatches
from proxy.resources.problem import Finding, Path, Problem, dotted
from proxy.snapshot.question import CLIENT, Asked, BadQuestion, head, ip_of
from proxy.sources.documents import Document, split
from proxy.sources.malformed import MalformedDocument, refuse_what_is_no_text
from proxy.sources.places import Places
from proxy.sources.read import FileBytes
from proxy.sources.yamltext import parse_yaml

_LOOKS_LIKE = re.compile(r"""^(?:\{\s*)?["']?cases["']?[ \t]*:""", re.MULTILINE)
"""Of a document that cannot be parsed: cases were meant."""


class Case(NamedTuple):
    """A case and its place."""

    name: str
    asked: Asked
    expect: Expectations
    file: str = ""
    line: int = 0
    column: int = 0
    sources: tuple[str, ...] = ()
    """What it is about, where its document says so; paths as they can be opened."""

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"


class Cases(NamedTuple):
    """All cases that were found, in the order in which they stand."""

    sound: list[Case]
    problems: list[Problem]
    found: int
    """How many, those with problems included."""


def read_cases(files: Iterable[FileBytes]) -> Cases:
    """The cases of all documents that hold some. Never raises: what is wrong is a problem that knows its place."""
    cases = Cases([], [], 0)
    for file in files:
        text = (file.data or b"").decode("utf-8", "surrogateescape")
        for document in split(text):
            cases = _add(cases, file.path, document)
    cases.problems.sort(key=lambda problem: problem.sort_key)
    return cases


def _add(cases: Cases, path: str, document: Document) -> Cases:
    try:
        value = _value(document.text)
    except MalformedDocument as error:
        line = error.line + document.line - 1
        cases.problems.append(
            Problem("error", error.message, hint=error.hint, file=path, line=line, column=error.column)
        )
        return cases._replace(found=cases.found + 1)
    if value is None:
        return cases
    reader = _DocumentReader(path, document, value)
    known = {(case.file, case.name) for case in cases.sound}
    cases.sound.extend(reader.read(known))
    cases.problems.extend(reader.problems())
    listed = value["cases"]
    return cases._replace(found=cases.found + (len(listed) if isinstance(listed, list) else 1))


def _value(text: str) -> dict[str, Any] | None:
    """The document if it holds cases. Raises MalformedDocument only if cases were meant."""
    if "cases" not in text:
        return None
    try:
        refuse_what_is_no_text(text)
        value = parse_yaml(text)
    except MalformedDocument:
        if _LOOKS_LIKE.search(text) and not re.search(r"^kind:", text, re.MULTILINE):
            raise
        return None  # the source that reads the objects tells of it
    return value if holds_cases(value) else None


class _DocumentReader:
    """One document: cases and findings first, then, with one more look at the text, where they stand."""

    def __init__(self, path: str, document: Document, value: dict[str, Any]) -> None:
        self._path = path
        self._document = document
        self._value = value
        self._findings: list[Finding] = []
        entries = value["cases"]
        self._entries: list[Any] = entries if isinstance(entries, list) else []

    def read(self, known: set[tuple[str, str]]) -> Iterator[Case]:
        """`known`: (file, name) of cases before."""
        self._check_document()
        sound = {index: case for index, entry in enumerate(self._entries) if (case := self._case(index, entry))}
        places = self._places([_at(index) for index in sound])
        names = {name for file, name in known if file == self._path}
        for index, case in sound.items():
            if case.name in names:
                self._report(
                    (*_at(index), "name"), f'a case before has the name "{case.name}"', "name each differently"
                )
                continue
            names.add(case.name)
            line, column = places.find(_at(index))
            yield case._replace(file=self._path, line=line + self._document.line - 1, column=column)

    def problems(self) -> list[Problem]:
        places = self._places([finding.path for finding in self._findings])
        return [self._problem(finding, places) for finding in self._findings]

    def _problem(self, finding: Finding, places: Places) -> Problem:
        line, column = places.find(finding.path, finding.at_key)
        return Problem(
            finding.severity,
            finding.message,
            field=dotted(finding.path),
            hint=finding.hint,
            file=self._path,
            line=line + self._document.line - 1,
            column=column,
        )

    def _places(self, wanted: list[Path]) -> Places:
        return Places(self._document.text, wanted)

    def _report(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        self._findings.append(Finding(path, message, hint, at_key))

    def _check_document(self) -> None:
        """All but the cases themselves, which are looked at one by one."""
        shallow = {**self._value, "cases": []} if self._entries else self._value
        _, found = mismatches(CasesDocument, shallow)
        self._findings += [one for one in found if not (self._entries and one.path[:1] == ("cases",))]

    def _case(self, index: int, entry: Any) -> Case | None:
        at = _at(index)
        before = len(self._findings)
        cleaned, found = mismatches(CasePart, _spelled_out(entry))
        self._findings += [msgspec.structs.replace(one, path=(*at, *one.path)) for one in found]
        if found:
            return None
        part = msgspec.convert(cleaned, CasePart)
        asked = _asked(part.request)
        self._check_question(at, asked, isinstance(entry["request"], str))
        self._check_sense(at, part.expect)
        if len(self._findings) > before:
            return None
        return Case(part.name, asked, part.expect, sources=self._sources())

    def _check_question(self, at: Path, asked: Asked, is_text: bool) -> None:
        try:
            _ = asked.port
            head(asked)
        except BadQuestion as error:
            self._report((*at, "request") if is_text else (*at, "request", "url"), str(error))
        for field, given in (("client", asked.client), ("address", asked.address)):
            try:
                _ = given and ip_of(given)
            except BadQuestion as error:
                self._report((*at, "request", field), str(error))

    def _check_sense(self, at: Path, expect: Expectations) -> None:
        """Cases that cannot fail and cases that cannot pass."""
        wanted = [name for name in expect.__struct_fields__ if getattr(expect, name) is not None]
        if not wanted:
            hint = f"known here: {', '.join(Expectations.__struct_fields__)}"
            self._report((*at, "expect"), "expects nothing, so it cannot fail", hint, at_key=True)
        others = [name for name in wanted if name in _OF_A_RULE]
        if expect.no_match and others:
            hint = "what no rule takes has none of a rule's"
            self._report((*at, "expect", others[0]), "contradicts no_match: true", hint, at_key=True)
        if expect.backend is not None and expect.backends is not None:
            hint = "backend: one takes all; backends: all with their odds"
            self._report((*at, "expect", "backend"), "backends says it already", hint, at_key=True)

    def _sources(self) -> tuple[str, ...]:
        given = self._value.get("sources")
        if not isinstance(given, list):
            return ()
        folder = os.path.dirname(self._path)
        return tuple(os.path.normpath(os.path.join(folder, str(source))) for source in given)


_OF_A_RULE = frozenset(Expectations.__struct_fields__) - {"no_match", "listener", "status"}


def _at(index: int) -> Path:
    return ("cases", index)


def _spelled_out(entry: Any) -> Any:
    """`request: POST http://a/` as a mapping."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, str):
        return entry
    method, space, url = request.strip().partition(" ")
    return {**entry, "request": {"method": method, "url": url.strip()} if space else {"url": method}}


def _asked(part: RequestPart) -> Asked:
    headers = tuple(
        (name, value)
        for name, values in part.headers.items()
        for value in ([values] if isinstance(values, str) else values)
    )
    client = CLIENT if part.client is None else part.client
    return Asked(part.method, part.url, headers, client, part.sni, part.address or "")
