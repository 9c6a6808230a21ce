"""A file's text to its documents, each with a digest, so that only what changed is parsed again.

A line that is `---`, or begins with `--- `, is a document marker wherever it stands: YAML forbids it
inside scalars of every style. So splitting needs no parser.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_MARKER_LINE = re.compile(r"---[ \t]*\r?\n|\.\.\.[^\n]*\n?")
_NOTHING = re.compile(r"(?:(?:[ \t]*(?:#[^\n]*)?|%[^\n]*|(?:---|\.\.\.)(?:[ \t]+(?:#[^\n]*)?)?)\r?(?:\n|\Z))*\Z")
"""Comments, directives and markers; all but comments stand at the beginning of a line."""


class Document(NamedTuple):
    """One document of a file: `file_text[begin : begin + len(text)]`."""

    text: str
    begin: int
    line: int
    """Of the file, from 1, on which the text begins."""
    digest: bytes


def split(text: str) -> Iterator[Document]:
    """The documents of a file, empty ones left out; one at a time, as together they are as large as the file."""
    line, begin = 1, len(text) - len(text.removeprefix("\ufeff"))
    for end in [*(mark.start() for mark in _MARKER.finditer(text)), len(text)]:
        piece = text[begin:end]
        if piece and not _empty(piece):
            yield _document(piece, begin, line)
        line += piece.count("\n")
        begin = end


def _empty(piece: str) -> bool:
    """True for what holds but markers, comments and directives."""
    return len(piece) < 4096 and _NOTHING.match(piece) is not None


def _document(piece: str, begin: int, line: int) -> Document:
    """Without its marker, so that a document does not change when it becomes the first of its file."""
    if marker := _MARKER_LINE.match(piece):
        piece, begin, line = piece[marker.end() :], begin + marker.end(), line + 1
    return Document(piece, begin, line, digest(piece.encode("utf-8", "surrogatepass")))


def digest(data: bytes) -> bytes:
    """What tells two texts apart."""
    return blake2b(data, digest_size=16).digest()
