"""A pattern of a match as a language: the syntax of RE2 (https://github.com/google/re2/wiki/Syntax) read once more.

Of a pattern only what it matches as a whole counts, so greed, captures and their names do not. What looks
around itself (`\\b`, `^` in the middle) or needs the tables of Unicode (`\\pL`) is not read.
"""

from functools import lru_cache

from proxy.analysis.language import (
    ANY,
    EMPTY,
    LAST,
    Chars,
    Language,
    Ranges,
    choice,
    complement,
    literal,
    repeat,
    sequence,
    united,
)

_DIGIT: Ranges = ((0x30, 0x39),)
_SPACE: Ranges = ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_CLASSES: dict[str, Ranges] = {
    "d": _DIGIT, "s": _SPACE, "w": _WORD,
    "D": complement(_DIGIT), "S": complement(_SPACE), "W": complement(_WORD),
}  # fmt: skip
_POSIX: dict[str, Ranges] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "ascii": ((0x00, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "digit": _DIGIT,
    "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": ((0x41, 0x5A),),
    "word": _WORD,
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
_CONTROLS = {"a": 0x07, "f": 0x0C, "t": 0x09, "n": 0x0A, "r": 0x0D, "v": 0x0B}
_NO_NEWLINE = complement(((0x0A, 0x0A),))
_KELVIN_AND_LONG_S = {"k": "K", "s": "ſ"}
_FOLDED_AT_MOST = 0x600
"""Characters of a class that are folded one by one; beyond lie scripts that mostly have no case."""


class Unreadable(ValueError):
    """A construct that is not read; the text names it."""


@lru_cache(maxsize=4096)
def language_of(pattern: bytes) -> Language:
    """All texts that the pattern matches whole. Raises Unreadable."""
    try:
        return _Reader(pattern.decode()).read()
    except (UnicodeDecodeError, IndexError, RecursionError):
        raise Unreadable("not read to its end") from None


class _Reader:
    """One pattern, which RE2 has taken."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def read(self) -> Language:
        found = self._alternatives(frozenset())
        if self._at < len(self._text):
            raise Unreadable("not read to its end")
        return found

    def _alternatives(self, flags: frozenset[str]) -> Language:
        branches: list[Language] = []
        branch: Language = EMPTY
        begins = True
        while not self._is_next(")", ""):
            if self._take("|"):
                branches.append(branch)
                branch, begins = EMPTY, True
                continue
            if self._is_next("(?") and (changed := self._flags_alone(flags)) is not None:
                flags = changed
                continue
            branch = sequence(branch, self._repeated(flags, begins))
            begins = False
        return choice(*branches, branch)

    def _flags_alone(self, flags: frozenset[str]) -> frozenset[str] | None:
        """`(?i)`: holds to the end of the group; None when a group follows."""
        end = self._at + 2
        while self._text[end] in "imsU-":
            end += 1
        if self._text[end] != ")":
            return None
        changed = self._changed(flags, self._text[self._at + 2 : end])
        self._at = end + 1
        return changed

    def _changed(self, flags: frozenset[str], text: str) -> frozenset[str]:
        on, _, off = text.partition("-")
        if "m" in on:
            raise Unreadable("(?m)")
        return (flags | set(on)) - set(off)

    def _repeated(self, flags: frozenset[str], begins: bool) -> Language:
        found = self._atom(flags, begins)
        while (times := self._times()) is not None:
            found = repeat(found, *times)
            self._take("?")
        return found

    def _times(self) -> tuple[int, int] | None:
        for sign, times in (("*", (0, -1)), ("+", (1, -1)), ("?", (0, 1))):
            if self._take(sign):
                return times
        if not self._is_next("{"):
            return None
        inner, closed, _ = self._text[self._at + 1 :].partition("}")
        least, comma, most = inner.partition(",")
        if not (closed and least.isdecimal() and (most.isdecimal() or not most)):
            return None
        self._at += len(inner) + 2
        return int(least), (int(most) if most else -1) if comma else int(least)

    def _atom(self, flags: frozenset[str], begins: bool) -> Language:
        character = self._next()
        if character == "(":
            return self._group(flags)
        if character == "[":
            return Chars(self._class(flags))
        if character == ".":
            return ANY if "s" in flags else Chars(_NO_NEWLINE)
        if character == "\\":
            return self._escape(flags, begins)
        if character in "^$":
            return self._anchor(character == "^", begins)
        return Chars(_folded(((ord(character), ord(character)),), flags))

    def _anchor(self, start: bool, begins: bool) -> Language:
        """At the ends of the whole it says what is so anyway."""
        at_its_end = begins if start else self._is_next("|", "")
        if self._depth or not at_its_end:
            raise Unreadable("an anchor within")
        return EMPTY

    def _group(self, flags: frozenset[str]) -> Language:
        if self._take("?"):
            if self._take("P<") or self._take("<"):
                self._at = self._text.index(">", self._at) + 1
            else:
                end = self._text.index(":", self._at)
                flags = self._changed(flags, self._text[self._at : end])
                self._at = end + 1
        self._depth += 1
        found = self._alternatives(flags)
        self._depth -= 1
        self._next()
        return found

    def _escape(self, flags: frozenset[str], begins: bool) -> Language:
        if self._take("Q"):
            quoted, ended, _ = self._text[self._at :].partition("\\E")
            self._at += len(quoted) + 2 * bool(ended)
            if self._is_next("*", "+", "?", "{"):
                raise Unreadable("a repeat of \\Q…\\E")
            return literal(quoted) if "i" not in flags else self._folded_literal(quoted, flags)
        if self._is_next("A", "z"):
            return self._anchor(self._next() == "A", begins)
        return Chars(_folded(self._escaped(), flags))

    def _folded_literal(self, text: str, flags: frozenset[str]) -> Language:
        found: Language = EMPTY
        for character in reversed(text):
            found = sequence(Chars(_folded(((ord(character), ord(character)),), flags)), found)
        return found

    def _escaped(self) -> Ranges:
        """What follows a backslash, in a class or outside of one."""
        character = self._next()
        if character in _CLASSES:
            return _CLASSES[character]
        code = _CONTROLS.get(character, ord(character))
        if character == "x":
            code = self._hexadecimal()
        elif character in "01234567":
            code = self._octal(character)
        elif character.isalnum() and character not in _CONTROLS:
            raise Unreadable(f"\\{character}")
        return ((code, code),)

    def _hexadecimal(self) -> int:
        if self._take("{"):
            digits, _, _ = self._text[self._at :].partition("}")
            self._at += len(digits) + 1
        else:
            digits = self._next() + self._next()
        return int(digits, 16)

    def _octal(self, digits: str) -> int:
        while len(digits) < 3 and self._is_next(*"01234567"):
            digits += self._next()
        return int(digits, 8)

    def _class(self, flags: frozenset[str]) -> Ranges:
        negated = self._take("^")
        found: Ranges = ()
        first = True
        while first or not self._is_next("]"):
            first = False
            found += self._member()
        self._next()
        found = united(_folded(found, flags))
        return complement(found) if negated else found

    def _member(self) -> Ranges:
        if self._is_next("[:"):
            name, _, _ = self._text[self._at + 2 :].partition(":]")
            self._at += len(name) + 4
            ranges = _POSIX.get(name.removeprefix("^"))
            if ranges is None:
                raise Unreadable(f"[:{name}:]")
            return complement(ranges) if name.startswith("^") else ranges
        low = self._class_character()
        if len(low) > 1 or low[0][0] != low[0][1] or not self._is_next("-") or self._text[self._at + 1] == "]":
            return low
        self._next()
        high = self._class_character()
        return ((low[0][0], high[0][1]),)

    def _class_character(self) -> Ranges:
        character = self._next()
        return self._escaped() if character == "\\" else ((ord(character), ord(character)),)

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _is_next(self, *texts: str) -> bool:
        """Any of the texts; "" is the end."""
        return any(self._text.startswith(text, self._at) if text else self._at == len(self._text) for text in texts)


def _folded(ranges: Ranges, flags: frozenset[str]) -> Ranges:
    """With `i`, the characters in either case."""
    if "i" not in flags:
        return ranges
    found = list(ranges)
    for first, last in ranges:
        for code in range(first, min(last, first + _FOLDED_AT_MOST, LAST) + 1):
            found += [(other, other) for other in _cases(chr(code))]
    return united(tuple(found))


def _cases(character: str) -> list[int]:
    lower, upper = character.lower(), character.upper()
    others = (lower, upper, _KELVIN_AND_LONG_S.get(lower, ""))
    return [ord(other) for other in others if len(other) == 1]
