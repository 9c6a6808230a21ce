"""A request that one box holds and certain others do not, or the proof that there is none.

Nearly always the plainest request of the box will do: nothing beside what is asked, a method and a path that
nobody names. Such a request is in another box only when the whole of its own is. Only regular expressions
make it hard; then each of the others is made to fail on one of its conditions, and for every path or value
that is left the shortest word is searched.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from proxy.analysis.box import AT_PATH, Box, Place, takes, undecided
from proxy.analysis.language import ANYTHING, EMPTY, Language, choice, literal, sequence
from proxy.analysis.pattern import Unreadable, language_of
from proxy.analysis.words import GivenUp, shortest_word
from proxy.errors import ProxyError
from proxy.protocol.uri import matched_path
from proxy.routing.conditions import HEADER

METHODS = tuple(
    b"GET POST PUT DELETE PATCH HEAD OPTIONS PROPFIND REPORT SEARCH PURGE MKCOL COPY MOVE LOCK UNLOCK TRACE".split()
)
"""Which to try, the plainest first. HTTPMethod has nine, so that one of these is always unnamed."""
CHOICES = 2000
"""Steps of the search for a condition that each of the others fails on."""

_TARGET_PATH = re.compile(rb"/[\x21\x22\x24-\x3e\x40-\x7e]*")
_FIELD_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?)?")
_PATHS = language_of(
    rb'/(?:[!"$&-.0->@-~/]|%(?:[0189A-Fa-f][0-9A-Fa-f]|2[0-9A-CFa-cf]|3[A-Fa-f]|[46]0|5[B-Eb-e]|7[B-DFb-df]))*'
)
"""Paths of requests in the form that is matched: no escape of an unreserved character."""
_DOT_SEGMENTS = language_of(rb"(?:.*/)?\.\.?(?:/.*)?")
_VALUES = language_of(rb"(?:[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?)?")
"""Values of fields."""


class Witness(NamedTuple):
    """One request, as far as matches look at it."""

    path: bytes
    method: bytes
    values: Mapping[Place, bytes]
    """Its headers and query parameters."""

    @property
    def size(self) -> tuple[int, ...]:
        """The smaller, the plainer."""
        return (len(self.values), self.method != b"GET", len(self.path), *map(len, self.values.values()))


class Undecided(Exception):
    """Neither found nor proved impossible; the text says why."""


def find_witness(box: Box, others: Iterable[Box]) -> Witness | None:
    """A request that is in `box` and in none of the others; None: there is none. Raises Undecided."""
    if not _can_be_sent(box):
        return None
    open_others: list[tuple[Box, list[Place]]] = []
    for other in others:
        places = undecided(box, other)
        if places is None:
            continue
        if not places:
            return None
        open_others.append((other, places))
    boxes = [other for other, _ in open_others]
    for plain in _plain(box, boxes):
        if not any(takes(other, *plain) for other in boxes):
            return plain
    return _Search(box, open_others).run()


def _can_be_sent(box: Box) -> bool:
    path = box.exact if box.exact is not None else box.prefix or b"/"
    fields = (value for place, value in box.equal.items() if place[0] == HEADER)
    return is_sendable(path) and box.method != b"CONNECT" and all(map(_FIELD_VALUE.fullmatch, fields))


def is_sendable(path: bytes) -> bool:
    """Whether a request can come to have this path."""
    try:
        return _TARGET_PATH.fullmatch(path) is not None and matched_path(path) == (path, path)
    except ProxyError:
        return False


# --- the plainest -----------------------------------------------------------------------------


def _plain(box: Box, others: Sequence[Box]) -> Iterator[Witness]:
    """Requests of the box that ask for nothing more, the plainest first."""
    try:
        values = dict(box.equal)
        for place in box.matching:
            values[place] = _word(box, place, frozenset())
        paths = list(_plain_paths(box, others))
    except (Undecided, _NoWord):
        return
    methods = [box.method] if box.method else [METHODS[0], _unnamed_method(others)]
    for method, path in product(methods, paths):
        yield Witness(path, method, values)


def _plain_paths(box: Box, others: Sequence[Box]) -> Iterator[bytes]:
    if box.exact is not None:
        yield box.exact
    elif box.patterns:
        yield _word(box, AT_PATH, frozenset())
    else:
        yield box.prefix or b"/"
        yield box.prefix + b"/"
        yield box.prefix + b"/" + _fresh_segment(box.prefix + b"/", others)


def _fresh_segment(start: bytes, others: Sequence[Box]) -> bytes:
    """An element that no other path has there."""
    paths = [other.exact or other.prefix for other in others]
    taken = {path[len(start) :].partition(b"/")[0] for path in paths if path.startswith(start)}
    names = (b"x%d" % number if number else b"x" for number in range(len(taken) + 1))
    return next(name for name in names if name not in taken)


def _unnamed_method(others: Sequence[Box]) -> bytes:
    named = {other.method for other in others}
    return next((method for method in METHODS if method not in named), METHODS[0])


# --- words ------------------------------------------------------------------------------------


class _NoWord(Exception):
    """Proved: no path or value is left."""


def _word(box: Box, place: Place, outside: frozenset[Language]) -> bytes:
    """The shortest path or value that the box allows there, outside of some languages. Raises _NoWord, Undecided."""
    try:
        if place == AT_PATH:
            within = [_PATHS, _under(box.prefix), *map(language_of, box.patterns)]
            outside |= {_DOT_SEGMENTS}
        else:
            within = [*map(language_of, box.matching[place])] + [_VALUES] * (place[0] == HEADER)
        word = shortest_word(within, outside)
    except Unreadable as error:
        raise Undecided(f"a pattern has {error}, which is not analysed") from None
    except GivenUp:
        raise Undecided("the regular expressions are too large together") from None
    if word is None:
        raise _NoWord
    return word.encode()


def _under(prefix: bytes) -> Language:
    start = literal(prefix.decode("utf-8", "replace"))
    return sequence(start, choice(EMPTY, sequence(literal("/"), ANYTHING)))


def _language_at(other: Box, place: Place) -> Language:
    """What `other` takes there. It is of one match, so that it asks for one thing in one place. Raises Unreadable."""
    if place != AT_PATH:
        return literal(_text(other.equal[place])) if place in other.equal else language_of(other.matching[place][0])
    if other.patterns:
        return language_of(other.patterns[0])
    return literal(_text(other.exact)) if other.exact is not None else _under(other.prefix)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Unreadable("text that is not UTF-8") from None


# --- the search -------------------------------------------------------------------------------


class _Search:
    """For each of the others a condition that it fails on, all of them together possible."""

    def __init__(self, box: Box, others: Sequence[tuple[Box, list[Place]]]) -> None:
        self._box = box
        self._others = [other for other, _ in others]
        self._why_undecided = ""
        self._steps = 0
        self._words: dict[tuple[Place, frozenset[Language]], bytes | None] = {}
        held = [(other, [place for place in places if self._holds(place)]) for other, places in others]
        # What fails on something that the request need not have is out of the way already.
        stay = [(other, places) for (other, places), (_, all_places) in zip(held, others, strict=True)
                if len(places) == len(all_places)]  # fmt: skip
        plain_path = not box.patterns and not any(other.patterns for other, places in stay if AT_PATH in places)
        if plain_path:
            stay = [(other, places) for other, places in stay if AT_PATH not in places]
        self._stay = sorted(stay, key=lambda one: len(one[1]))
        self._plain_path = plain_path

    def _holds(self, place: Place) -> bool:
        """Whether the request has something there that the box asks for: all else it can do without."""
        return place == AT_PATH or place in self._box.matching

    def run(self) -> Witness | None:
        found = self._fail(0, {place: frozenset() for place in self._places()})
        if found is not None:
            if not any(takes(other, *found) for other in self._others):
                return found
            raise Undecided("a request was built, and the engine that serves sees it otherwise")
        if self._why_undecided:
            raise Undecided(self._why_undecided)
        return None

    def _places(self) -> Iterator[Place]:
        if not self._plain_path and self._box.exact is None:
            yield AT_PATH
        yield from self._box.matching

    def _fail(self, at: int, outside: dict[Place, frozenset[Language]]) -> Witness | None:
        """Makes the others from this one on fail."""
        self._steps += 1
        if self._steps > CHOICES:
            self._why_undecided = f"more than {CHOICES} combinations of conditions"
            return None
        if at == len(self._stay):
            return self._build(outside)
        other, places = self._stay[at]
        for place in places:
            further = self._further(outside, other, place)
            if further is not None and (found := self._fail(at + 1, further)) is not None:
                return found
        return None

    def _further(
        self, outside: dict[Place, frozenset[Language]], other: Box, place: Place
    ) -> dict[Place, frozenset[Language]] | None:
        try:
            further = {**outside, place: outside[place] | {_language_at(other, place)}}
        except Unreadable as error:
            self._why_undecided = f"a pattern has {error}, which is not analysed"
            return None
        return further if self._word_outside(place, further[place]) is not None else None

    def _word_outside(self, place: Place, outside: frozenset[Language]) -> bytes | None:
        if (place, outside) not in self._words:
            try:
                self._words[place, outside] = _word(self._box, place, outside)
            except _NoWord:
                self._words[place, outside] = None
            except Undecided as error:
                self._why_undecided = str(error)
                self._words[place, outside] = None
        return self._words[place, outside]

    def _build(self, outside: dict[Place, frozenset[Language]]) -> Witness | None:
        words = {place: self._word_outside(place, without) for place, without in outside.items()}
        if None in words.values():
            return None
        found = {place: word for place, word in words.items() if word is not None}
        path = found.pop(AT_PATH, None) or self._path()
        return Witness(path, self._box.method or _unnamed_method(self._others), {**self._box.equal, **found})

    def _path(self) -> bytes:
        *_, freshest = _plain_paths(self._box, self._others)
        return freshest
