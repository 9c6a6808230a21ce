"""One YAML document to plain values, quickly and without surprises.

Built on the events of libyaml, not on PyYAML's constructors: that is twice as fast, duplicate keys
are seen, nesting is bounded, and aliases are counted before anything can walk what they expand to.
"""

import base64
from collections.abc import Callable
from typing import Any, Final

from yaml import MarkedYAMLError
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs leave it out
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from proxy.sources.malformed import MalformedDocument, forbidden_character, from_libyaml
from proxy.sources.scalars import NUMBER_START, WORDS, NotFinite, Scalar, plain

MAX_DEPTH: Final = 100
"""Nesting; the deepest kinds need fewer than 20."""
MAX_ALIASED: Final = 100_000
"""Values a document may gain through aliases: a "billion laughs" is refused long before it costs anything."""
_CORE = "tag:yaml.org,2002:"
_MISSING = object()
TEMPLATE: Final = "{{ }} marks a template: render it first (helm template, for one), or put the value in quotes"

Event = Any
"""An event of yaml.events; the stubs do not know the attributes of its kinds."""
Value = Any
"""None, bool, int, float, str, list of values, or dict of str to value."""


def parse_yaml(text: str) -> Value:
    """The value of the document; None when it is empty. Raises MalformedDocument."""
    try:
        return _Builder(text).document()
    except MarkedYAMLError as error:
        raise from_libyaml(text, error) from None
    except ReaderError:
        raise forbidden_character(text) from None


def events(text: str) -> Callable[[], Event]:
    """The parser of a text: each call gives the next event, or raises YAMLError."""
    parser: Callable[[], Event] = CParser(text).get_event
    return parser


class _Builder:
    """Builds the values of one document from parser events."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.next = events(text)
        self.anchors: dict[str, Value] = {}
        self.sizes: dict[int, int] = {}
        """id() of an anchored collection to how many values it expands to."""
        self.aliased = 0
        self.depth = 0

    def document(self) -> Value:
        self.next()
        if self.next().__class__ is StreamEndEvent:
            return None
        value = self.node(self.next())
        self.next()
        after = self.next()
        if isinstance(after, DocumentStartEvent):
            raise refuse(after, "a second document begins here", "put a line with --- between documents")
        return value

    def node(self, event: Event) -> Value:
        kind = event.__class__
        if kind is ScalarEvent:
            value: Value = scalar(event)
        elif kind is MappingStartEvent:
            return self.collection(event, {})
        elif kind is SequenceStartEvent:
            return self.collection(event, [])
        else:
            return self.alias(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def collection(self, event: Event, value: Value) -> Value:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise refuse(
                event, f"nested more than {MAX_DEPTH} levels deep", "no kind nests so deep; is a bracket too many?"
            )
        anchor = event.anchor
        if anchor is not None:
            self.anchors[anchor] = _MISSING
        if value.__class__ is dict:
            self.mapping(value)
        else:
            self.sequence(value)
        if anchor is not None:
            self.anchors[anchor] = value
            self.sizes[id(value)] = self.size(value)
        self.depth -= 1
        return value

    def sequence(self, items: list[Value]) -> None:
        event = self.next()
        while event.__class__ is not SequenceEndEvent:
            items.append(self.node(event))
            event = self.next()

    def mapping(self, fields: dict[str, Value]) -> None:
        merged: dict[str, Value] = {}
        event = self.next()
        while event.__class__ is not MappingEndEvent:
            if event.__class__ is ScalarEvent and event.value == "<<" and event.implicit[0]:
                self.merge(merged, event)
            else:
                key = self.key(event)
                if key in fields:
                    raise refuse(event, f'duplicate key "{key}"', "remove or rename one of the two")
                fields[key] = self.node(self.next())
            event = self.next()
        for key, value in merged.items():
            fields.setdefault(key, value)

    def merge(self, into: dict[str, Value], event: Event) -> None:
        """`<<: *anchor`: keys of the mapping itself win, then those of the mapping named first."""
        value = self.node(self.next())
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise refuse(event, "a merge (<<) takes a mapping or a list of mappings")
        for source in sources:
            for key, item in source.items():
                into.setdefault(key, item)

    def key(self, event: Event) -> str:
        """Keys are text in JSON: `1:` is "1", and `on:` is "true"."""
        if event.__class__ is ScalarEvent:
            value = self.node(event)
        elif event.__class__ is AliasEvent:
            value = self.alias(event)
        else:
            raise refuse(event, "a key must be text, not a list or mapping", TEMPLATE if "{{" in self.text else "")
        if value.__class__ is str:
            return str(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return repr(value)
        raise refuse(event, "a key must be text, not null", "quote it, or remove the line")

    def alias(self, event: Event) -> Value:
        value = self.anchors.get(event.anchor)
        if event.anchor not in self.anchors:
            raise refuse(event, f"unknown anchor *{event.anchor}", f"define it with &{event.anchor} above")
        if value is _MISSING:
            raise refuse(event, f"anchor &{event.anchor} contains itself")
        self.aliased += self.sizes.get(id(value), 1)
        if self.aliased > MAX_ALIASED:
            message = f"aliases expand this document by more than {MAX_ALIASED:,} values"
            raise refuse(event, message, "write the values out where they are needed")
        return value

    def size(self, value: Value) -> int:
        """Values within, counting an anchored collection by what is already known of it."""
        total, todo = 0, [value]
        while todo:
            item = todo.pop()
            total += self.sizes.get(id(item), 1)
            if isinstance(item, (dict, list)) and id(item) not in self.sizes:
                todo.extend(item.values() if isinstance(item, dict) else item)
        return total


def scalar(event: Event) -> Scalar:
    """The value of a scalar event: plain text is resolved, quoted text is not, a tag decides."""
    value: str = event.value
    if event.tag is not None:
        return _tagged(event)
    if not event.implicit[0]:
        return value
    if value in WORDS:
        return WORDS[value]
    if value[0] not in NUMBER_START:
        return value
    try:
        return plain(value)
    except NotFinite:
        raise refuse(event, f"{value} is not a number that JSON has", f'quote it if text is meant: "{value}"') from None


_TAGGED: Final[dict[str, tuple[type, ...]]] = {
    f"{_CORE}int": (int,),
    f"{_CORE}float": (int, float),
    f"{_CORE}bool": (bool,),
    f"{_CORE}null": (type(None),),
}


def _tagged(event: Event) -> Scalar:
    """`!!str 12` is text, `!!int "12"` a number; a tag nobody knows makes text, as for kubectl."""
    value: str = event.value
    if event.tag == f"{_CORE}binary":
        return _binary(event)
    wanted = _TAGGED.get(event.tag)
    if wanted is None:
        return value
    resolved = plain(value)
    if resolved.__class__ in wanted:
        return resolved
    raise refuse(event, f'"{value}" is not of type {event.tag.removeprefix(_CORE)}')


def _binary(event: Event) -> str:
    try:
        return base64.b64decode("".join(event.value.split()), validate=True).decode()
    except ValueError:
        raise refuse(event, "!!binary wants base64 of UTF-8 text") from None


def refuse(event: Event, message: str, hint: str = "") -> MalformedDocument:
    """A refusal that knows its place."""
    return MalformedDocument(message, event.start_mark.line + 1, event.start_mark.column + 1, hint)
