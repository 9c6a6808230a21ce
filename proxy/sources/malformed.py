"""Text that is no document: what is wrong, where, and what to do, in words that are not the parser's."""

import re
import unicodedata
from typing import Any, Final

from yaml import MarkedYAMLError


class MalformedDocument(Exception):
    """The text is not one document. Lines and columns count from 1; 0 when unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint


def at(text: str, index: int, message: str, hint: str = "") -> MalformedDocument:
    """A refusal of what stands at an index of the text."""
    return MalformedDocument(message, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index), hint)


# --- before parsing ---------------------------------------------------------------------------

_UTF16_MARKS: Final = ("\udcff\udcfe", "\udcfe\udcff")
"""The byte order marks of UTF-16, decoded with surrogateescape."""


def refuse_what_is_no_text(text: str) -> None:
    """Raises MalformedDocument for NUL bytes and for bytes that are not UTF-8 (as surrogateescape left them)."""
    if text.startswith(_UTF16_MARKS):
        raise MalformedDocument("the file is UTF-16", hint="save the file as UTF-8")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise MalformedDocument("this is not text: it holds NUL bytes", line, hint="give a YAML or JSON file in UTF-8")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) - 0xDC00
        raise at(text, error.start, f"byte 0x{byte:02x} is not UTF-8", "save the file as UTF-8") from None


# --- after parsing ----------------------------------------------------------------------------

_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is not c-printable (YAML 1.2, section 5.1)."""

HINTS: Final = {
    "mapping values are not allowed": "quote a value that has ': ' in it, or check this line's indentation",
    "did not find expected key": "check the indentation of this line against the ones above it",
    "did not find expected '-'": "check the indentation of this line against the ones above it",
    "could not find expected ':'": "a key needs ': ' and a value; check the line above, too",
    "unknown escape character": "use single quotes, in which a backslash is a backslash",
    "did not find expected ',' or": "a bracket is not closed, or a comma is missing",
    "did not find expected <document start>": "check the indentation of this line against the ones above it",
}


def from_libyaml(text: str, error: MarkedYAMLError) -> MalformedDocument:
    """The same in better words, where there are any."""
    if conflict := _CONFLICT.search(text):
        return at(text, conflict.start(), "a merge conflict is left in the file", "choose one of the two sides")
    mark: Any = error.problem_mark or error.context_mark
    return (
        _never_closed(text, error, mark)
        or _bad_beginning(text, error, mark)
        or MalformedDocument(
            f"malformed YAML: {error.problem or error.context or 'not YAML'}",
            mark.line + 1,
            mark.column + 1,
            next((hint for words, hint in HINTS.items() if words in str(error.problem)), ""),
        )
    )


def _never_closed(text: str, error: MarkedYAMLError, mark: Any) -> MalformedDocument | None:
    """What is missed at the end of the text is wrong where it began."""
    context, opening = str(error.context), error.context_mark
    if opening is None or text[mark.index :].strip():
        return None
    what = "quote" if "quoted scalar" in context else "bracket" if "flow" in context else ""
    if not what:
        return None
    message = f"malformed YAML: the {what} that opens here is never closed"
    return MalformedDocument(
        message, opening.line + 1, opening.column + 1, f"close the {what}, or is the file cut off?"
    )


def _bad_beginning(text: str, error: MarkedYAMLError, mark: Any) -> MalformedDocument | None:
    if not any(words in str(error.problem) for words in ("cannot start any token", "tab character")):
        return None
    character = text[mark.index : mark.index + 1]
    if character == "\t":
        message, hint = "malformed YAML: a tab cannot indent", "indent with spaces"
    else:
        message, hint = f"malformed YAML: a value cannot begin with {character}", "put the value in quotes"
    return MalformedDocument(message, mark.line + 1, mark.column + 1, hint)


def forbidden_character(text: str) -> MalformedDocument:
    """The first character that YAML does not allow."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return MalformedDocument("a character is not allowed in YAML")
    code = ord(found[0])
    name = unicodedata.name(found[0], "a control character")
    hint = f'remove it; in double quotes it can be written as "\\u{code:04x}"'
    return at(text, found.start(), f"U+{code:04X} ({name}) is not allowed in YAML", hint)
