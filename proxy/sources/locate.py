"""Where the fields of objects stand: for problems that were found after the text was forgotten.

Whoever translates knows objects and field names, but no files. Only when there is something to complain
about is the file read again, and its documents composed once more, this time with lines and columns.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from proxy.resources.problem import Path, Problem, path_of
from proxy.sources.assemble import ParsedFile, PlacedDocument
from proxy.sources.parse import Entry
from proxy.sources.places import Part, Places

ReadAgain = Callable[[str], str | None]
"""Path to the text as it was loaded; None when it is no longer to be had."""

THE_OBJECT: Path = ("metadata", "name")
"""What to look at when a problem is about an object as a whole."""

Identity = tuple[int, str, str, str]
"""Line, kind, namespace and name: two objects of one file may have all but the line in common."""


class Locator:
    """Loaded.place, for what was loaded from `files`."""

    def __init__(self, files: Iterable[ParsedFile], read_again: ReadAgain) -> None:
        self._files: Mapping[str, ParsedFile] = {file.path: file for file in files}
        self._read_again = read_again

    def __call__(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """The same problems in the same order; those that cannot be placed any better as they were."""
        placed = list(problems)
        wanting: dict[str, list[int]] = {}
        for index, problem in enumerate(placed):
            if problem.name and not problem.column and problem.file in self._files:
                wanting.setdefault(problem.file, []).append(index)
        for path, indices in wanting.items():
            for index, line, column in self._places(path, {index: placed[index] for index in indices}):
                placed[index] = replace(placed[index], line=line, column=column)
        return tuple(placed)

    def _places(self, path: str, problems: Mapping[int, Problem]) -> Iterator[tuple[int, int, int]]:
        """(index, line, column) of the problems with objects of one file."""
        asked = _by_part(self._files[path], problems)
        text = self._read_again(path) if asked else None
        if text is None:
            return
        for document, part, fields in asked:
            places = Places(text[document.begin : document.end], fields.values(), part)
            for index, field in fields.items():
                line, column = places.find(field)
                if line:
                    yield index, line + document.line - 1, column


class _Asked(NamedTuple):
    """What is asked about one part of a document."""

    document: PlacedDocument
    part: Part
    fields: dict[int, Path]
    """Index of the problem to its field, within the part."""


def _by_part(file: ParsedFile, problems: Mapping[int, Problem]) -> list[_Asked]:
    """The problems with the parts that hold their objects: each is composed only once."""
    wanted: dict[Identity | None, list[int]] = {}
    for index, problem in problems.items():
        wanted.setdefault((problem.line, problem.kind, problem.namespace, problem.name), []).append(index)
    asked: dict[tuple[int, int], _Asked] = {}
    for document in file.documents:
        for entry in document.parsed.entries:
            for index in wanted.pop(_identity(document, entry), ()):
                at = (document.begin, entry.part.begin)
                field = path_of(problems[index].field) or THE_OBJECT
                asked.setdefault(at, _Asked(document, entry.part, {})).fields[index] = (*entry.at, *field)
    return list(asked.values())


def _identity(document: PlacedDocument, entry: Entry) -> Identity | None:
    """None for what is not sound: problems are about the version before, which stands nowhere any more."""
    if entry.item is None:
        return None
    meta = entry.item.metadata
    return document.line + entry.line - 1, entry.item.kind, meta.namespace, meta.name
