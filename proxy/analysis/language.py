"""Regular languages over Unicode, read one character after the other (Brzozowski, "Derivatives of regular
expressions", 1964): what may follow a character is a language again.

A language is one of four nodes. The constructors below keep them small, so that equal languages mostly are
equal values and a search over them ends.
"""

from functools import lru_cache
from typing import NamedTuple

Ranges = tuple[tuple[int, int], ...]
"""Code points from first to last, both included; sorted, apart from each other."""

LAST = 0x10FFFF


class Chars(NamedTuple):
    """One character of these."""

    ranges: Ranges


class Sequence(NamedTuple):
    """One after the other."""

    first: "Language"
    rest: "Language"


class Choice(NamedTuple):
    """Any of these; of none: no text at all."""

    of: "frozenset[Language]"


class Repeat(NamedTuple):
    """The body so many times; `most` is -1 for any number."""

    body: "Language"
    least: int
    most: int


Language = Chars | Sequence | Choice | Repeat

NOTHING = Choice(frozenset())
"""No text."""
EMPTY = Repeat(NOTHING, 0, 0)
"""The empty text alone."""
ANY = Chars(((0, LAST),))
ANYTHING = Repeat(ANY, 0, -1)


def sequence(first: Language, rest: Language) -> Language:
    if NOTHING in (first, rest):
        return NOTHING
    if first == EMPTY:
        return rest
    if rest == EMPTY:
        return first
    if isinstance(first, Sequence):
        return Sequence(first.first, sequence(first.rest, rest))
    return Sequence(first, rest)


def choice(*of: Language) -> Language:
    flat: set[Language] = set()
    for one in of:
        flat |= one.of if isinstance(one, Choice) else {one}
    if ANYTHING in flat:
        return ANYTHING
    return flat.pop() if len(flat) == 1 else Choice(frozenset(flat))


def repeat(body: Language, least: int, most: int) -> Language:
    if most == 0 or body == EMPTY:
        return EMPTY
    if body == NOTHING:
        return NOTHING if least else EMPTY
    return body if (least, most) == (1, 1) else Repeat(body, least, most)


def literal(text: str) -> Language:
    """This text alone."""
    found: Language = EMPTY
    for character in reversed(text):
        found = sequence(Chars(((ord(character), ord(character)),)), found)
    return found


@lru_cache(maxsize=1 << 16)
def has_empty(language: Language) -> bool:
    """Whether the empty text is in it."""
    if isinstance(language, Sequence):
        return has_empty(language.first) and has_empty(language.rest)
    if isinstance(language, Choice):
        return any(map(has_empty, language.of))
    return isinstance(language, Repeat) and (language.least == 0 or has_empty(language.body))


@lru_cache(maxsize=1 << 16)
def after(language: Language, character: int) -> Language:
    """What may follow this character."""
    if isinstance(language, Chars):
        return EMPTY if any(first <= character <= last for first, last in language.ranges) else NOTHING
    if isinstance(language, Choice):
        return choice(*(after(one, character) for one in language.of))
    if isinstance(language, Repeat):
        most = language.most - 1 if language.most > 0 else -1
        return sequence(after(language.body, character), repeat(language.body, max(language.least - 1, 0), most))
    found = sequence(after(language.first, character), language.rest)
    return choice(found, after(language.rest, character)) if has_empty(language.first) else found


def united(ranges: Ranges) -> Ranges:
    """Sorted, and what touches made one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """Every other character."""
    found: list[tuple[int, int]] = []
    begin = 0
    for first, last in united(ranges):
        if begin < first:
            found.append((begin, first - 1))
        begin = last + 1
    return tuple(found) if begin > LAST else (*found, (begin, LAST))
