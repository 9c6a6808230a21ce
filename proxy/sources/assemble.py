"""Parsed files to one set of objects: what is sound now, and the last good version of what is not.

Pure: files and what was held before go in, what is held now comes out.
"""

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.problem import Problem
from proxy.resources.store import Origin, ResourceSet
from proxy.sources.base import Loaded
from proxy.sources.parse import Entry, Parsed

Identity = tuple[type[Resource], ObjectKey]


class PlacedDocument(NamedTuple):
    """A document after parsing, and the stretch of its file in which it stands."""

    parsed: Parsed
    line: int
    """From 1, on which it begins."""
    begin: int
    end: int


class ParsedFile(NamedTuple):
    """A file after parsing."""

    path: str
    documents: tuple[PlacedDocument, ...] = ()
    problem: Problem | None = None


class Held(NamedTuple):
    """An object that is served, and the file that declared it."""

    item: Resource
    origin: Origin


KEEPS_SERVING = "the last good version keeps serving"
STANDS_IN = "until it is sound, requests to what it is for get 500"


def assemble(files: Iterable[ParsedFile], before: Mapping[Identity, Held]) -> tuple[Loaded, dict[Identity, Held]]:
    """The set to serve with all problems, and what is to be given as `before` next time."""
    work = _Assembly(before)
    for file in files:
        work.file(file)
    work.keep_last_good()
    held = work.held
    origins = {id(one.item): one.origin for one in held.values()}
    problems = sorted([*work.problems, *work.notices()], key=lambda problem: problem.sort_key)
    return Loaded(ResourceSet((one.item for one in held.values()), origins), tuple(problems)), held


class _Assembly:
    def __init__(self, before: Mapping[Identity, Held]) -> None:
        self.before = before
        self.held: dict[Identity, Held] = {}
        self.problems: list[Problem] = []
        self.refused: list[tuple[Identity, int, Held | None]] = []
        """Objects that are not sound now, with the index of their first problem and what can stand in."""
        self.broken: dict[str, int] = {}
        """Files with a part that could not be read, with the index of that problem."""
        self.skipped: dict[tuple[str, str, str], list[Origin]] = {}

    def file(self, file: ParsedFile) -> None:
        if file.problem is not None:
            if file.problem.severity == "error":
                self.broken[file.path] = len(self.problems)
            self.problems.append(file.problem)
        for parsed, line, _, _ in file.documents:
            offset = line - 1
            if parsed.malformed is not None:
                self.broken.setdefault(file.path, len(self.problems))
                self.problems.append(_placed(parsed.malformed, file.path, offset))
            for entry in parsed.entries:
                self.entry(entry, Origin(file.path, entry.line + offset), offset)

    def entry(self, entry: Entry, origin: Origin, offset: int) -> None:
        if entry.problems:
            first = len(self.problems)
            self.problems.extend(_placed(problem, origin.file, offset) for problem in entry.problems)
            if entry.item is None and entry.model is not None and entry.name:
                namespace = entry.namespace if entry.model.namespaced else ""
                instead = Held(entry.stand_in, origin) if entry.stand_in is not None else None
                self.refused.append(((entry.model, ObjectKey(namespace, entry.name)), first, instead))
        if entry.skipped:
            self.skipped.setdefault((entry.skipped, entry.kind, entry.api_version), []).append(origin)
        if entry.item is not None:
            self.declare(entry.item, origin)

    def declare(self, item: Resource, origin: Origin) -> None:
        meta = item.metadata
        identity = (type(item), ObjectKey(meta.namespace, meta.name))
        there = self.held.get(identity)
        if there is not None:
            self.problems.append(_duplicate(item, origin, there.origin))
            return
        known = self.before.get(identity)
        if known is not None and known.item is not item and known.item == item:
            item = known.item  # only comments or order changed: what compares by identity sees no change
        self.held[identity] = Held(item, origin)

    def keep_last_good(self) -> None:
        for identity, index, instead in self.refused:
            if self.keep(identity):
                self.note(index, KEEPS_SERVING)
            elif instead is not None and identity not in self.held:
                self.held[identity] = instead
                self.note(index, STANDS_IN)
        if not self.broken:
            return
        kept: dict[str, int] = {}
        for identity, one in self.before.items():
            place = self.broken_place(one.origin.file)
            if place is not None and self.keep(identity):
                kept[place] = kept.get(place, 0) + 1
        for path, count in kept.items():
            objects = "1 object" if count == 1 else f"{count} objects"
            self.note(self.broken[path], f"the last good version of {objects} keeps serving")

    def broken_place(self, file: str) -> str | None:
        """The file itself, or a directory above it that cannot be read."""
        if file in self.broken:
            return file
        return next((path for path in self.broken if file.startswith(f"{path}{os.sep}")), None)

    def keep(self, identity: Identity) -> bool:
        """True when there is an earlier version and nothing has taken its place."""
        if identity in self.held or identity not in self.before:
            return False
        self.held[identity] = self.before[identity]
        return True

    def note(self, index: int, words: str) -> None:
        problem = self.problems[index]
        self.problems[index] = replace(problem, hint="; ".join(filter(None, [problem.hint, words])))

    def notices(self) -> Iterable[Problem]:
        """One per kind, not one per object: manifests of a whole cluster are expected here."""
        for (why, kind, api_version), origins in self.skipped.items():
            things = "object" if kind else "document"
            what = f"1 {things}" if len(origins) == 1 else f"{len(origins)} {things}s"
            what += f" of kind {kind} ({api_version})" if kind else " of test cases"
            message = f"{what} skipped: " + SKIPPED[why]
            file, line = origins[0]
            yield Problem("notice", message, file=file, line=line)


SKIPPED = {
    "not yet": "not served yet by this version",
    "not ours": "not a kind that a gateway reads",
    "cases": "penstock test runs them",
}


def _placed(problem: Problem, file: str, offset: int) -> Problem:
    return replace(problem, file=file, line=problem.line + offset if problem.line else offset + 1)


def _duplicate(item: Resource, origin: Origin, first: Origin) -> Problem:
    meta = item.metadata
    return Problem(
        "error",
        f"declared already at {first.file}:{first.line}, and that one counts",
        kind=item.kind,
        namespace=meta.namespace,
        name=meta.name,
        hint="remove or rename one of the two",
        file=origin.file,
        line=origin.line,
    )
