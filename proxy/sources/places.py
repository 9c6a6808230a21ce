"""Where the fields of a document stand: asked only when there is something to complain about."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from yaml import YAMLError
from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from proxy.resources.problem import Path
from proxy.sources.yamltext import Event, events


class Place(NamedTuple):
    """Line and column, from 1, of a value and of the key before it."""

    line: int
    column: int
    key_line: int
    key_column: int


class Part(NamedTuple):
    """The stretch of a document that holds one value: all of it, or one of several JSON objects."""

    begin: int
    end: int
    line: int = 1
    """From 1, of its first character in the document."""
    column: int = 1


class Places:
    """The places of the wanted fields, and of all that is around them."""

    def __init__(self, text: str, wanted: Iterable[Path], part: Part | None = None) -> None:
        """With `part` only that stretch of the text is read; places count from the text's beginning all the same."""
        self._line, self._column = (part.line - 1, part.column - 1) if part else (0, 0)
        self._wanted = {path[:length] for path in wanted for length in range(len(path) + 1)}
        self._places: dict[Path, Place] = {}
        self._next = events(text[part.begin : part.end] if part else text)
        try:
            self._read()
        except YAMLError:
            pass  # what was read so far is still true

    def find(self, path: Path, at_key: bool = False) -> tuple[int, int]:
        """Line and column of a field, or of the nearest thing around it; (0, 0) if there is none."""
        if path in self._places:
            place = self._places[path]
            at_key = at_key or place.line > place.key_line  # of a block one looks for the name above it
            return self._in_text(*((place.key_line, place.key_column) if at_key else (place.line, place.column)))
        return self.find(path[:-1]) if path else (0, 0)

    def _in_text(self, line: int, column: int) -> tuple[int, int]:
        return line + self._line, column + (self._column if line == 1 else 0)

    def _read(self) -> None:
        self._next()
        if not isinstance(self._next(), StreamEndEvent):
            self._node(self._next(), (), None)

    def _node(self, event: Event, path: Path, key: Event) -> None:
        if path not in self._wanted:
            return self._skip(event)
        self._places.setdefault(path, _place(event, key))
        if isinstance(event, MappingStartEvent):
            self._mapping(path)
        elif isinstance(event, SequenceStartEvent):
            self._sequence(path)
        return None

    def _mapping(self, path: Path) -> None:
        key = self._next()
        while not isinstance(key, MappingEndEvent):
            if isinstance(key, ScalarEvent):
                name: Any = key.value
                self._node(self._next(), (*path, name), key)
            else:
                self._skip(key)
                self._skip(self._next())
            key = self._next()

    def _sequence(self, path: Path) -> None:
        item, index = self._next(), 0
        while not isinstance(item, SequenceEndEvent):
            self._node(item, (*path, index), None)
            item, index = self._next(), index + 1

    def _skip(self, event: Event) -> None:
        """Reads on to the end of a node that nobody asks about."""
        depth = 0
        while True:
            if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
                depth += 1
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                depth -= 1
            if depth == 0:
                return
            event = self._next()


def _place(event: Event, key: Event) -> Place:
    mark = event.start_mark
    if key is not None and mark.index == event.end_mark.index:
        mark = key.start_mark  # an empty value stands nowhere: its key is what one sees
    first = (key or event).start_mark
    return Place(mark.line + 1, mark.column + 1, first.line + 1, first.column + 1)
