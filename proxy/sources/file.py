"""YAML and JSON files, directories and stdin, read again when they change.

Every document is known by its digest. One that did not change is not parsed again and gives the
very same objects, so that everything after this can tell by identity what is new.
"""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from proxy.resources.meta import Wanted
from proxy.sources.assemble import Held, Identity, ParsedFile, PlacedDocument, assemble
from proxy.sources.base import Loaded
from proxy.sources.documents import Document, split
from proxy.sources.locate import Locator
from proxy.sources.parse import Parsed, parse
from proxy.sources.read import STDIN, FileBytes, Reader, empty_file
from proxy.sources.watch import DEBOUNCE, Watch

Fingerprint = tuple[tuple[str, bytes | str], ...]
"""What tells whether anything changed: path and digest, or path and why it cannot be read."""


class _Known(NamedTuple):
    """A file as it was parsed last."""

    digest: bytes
    parsed: ParsedFile
    documents: dict[bytes, Parsed]


class FileSource:
    """A Source over paths. `debounce` in seconds: a change is told when nothing has moved for so long.

    `load()` and `Loaded.place()` may run in any thread, one at a time, while `changes()` runs in the loop.
    """

    def __init__(self, paths: Sequence[str], *, stdin: BinaryIO | None = None, debounce: float = DEBOUNCE) -> None:
        self._reader = Reader(paths, stdin)
        self._watch = Watch([path for path in paths if path != STDIN], debounce)
        self._files: dict[str, _Known] = {}
        self._held: dict[Identity, Held] = {}
        self._loaded: Fingerprint = ()
        self._reading = threading.Lock()
        """Held by who reads and compares: `changes()` must not compare with a load that is half begun."""

    async def open(self) -> None:
        """Files are there or they are not."""

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        """Every object of the files is read anyway."""
        return False

    def load(self) -> Loaded:
        """Everything that is sound now, with the last good version of what is not."""
        with _collector_paused():
            return self._load()

    def _load(self) -> Loaded:
        with self._reading:
            read = self._reader.read()
            self._loaded = fingerprint(read)
        parsed = [self._parsed(file) for file in read]
        digests = {file.path: file.digest for file in read}
        self._files = {path: known for path, known in self._files.items() if path in digests}
        loaded, self._held = assemble(parsed, self._held)
        return loaded._replace(place=Locator(parsed, lambda path: self._text_again(path, digests[path])))

    def _text_again(self, path: str, digest: bytes) -> str | None:
        """The file's text, unless it has changed since."""
        with self._reading:
            file = self._reader.again(path)
        return _decoded(file) if file.digest == digest else None

    def _parsed(self, file: FileBytes) -> ParsedFile:
        """The file's documents; only those that are new are parsed."""
        if file.data is None:
            return ParsedFile(file.path, problem=file.problem)
        known = self._files.get(file.path)
        if known is None or known.digest != file.digest:
            known = _parse_file(file, known.documents if known else {})
            self._files[file.path] = known
        return known.parsed

    async def changes(self) -> AsyncIterator[None]:
        """Yields when the content differs from what `load()` last saw; touching a file is no change."""
        async for _ in self._watch.events():
            if await asyncio.to_thread(self._has_changed):
                yield

    def _has_changed(self) -> bool:
        with self._reading:
            return fingerprint(self._reader.read()) != self._loaded

    def close(self) -> None:
        """Ends `changes()`."""
        self._watch.close()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Parsing makes millions of values and no cycles; looking for some doubles the time of a large file.

    The collector is one for all threads: it rests for the others, too, and of two pauses that overlap
    the first that began ends both.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _parse_file(file: FileBytes, before: dict[bytes, Parsed]) -> _Known:
    documents: dict[bytes, Parsed] = {}
    placed: list[PlacedDocument] = []
    for document in split(_decoded(file)):
        parsed = documents.get(document.digest) or before.get(document.digest) or parse(document.text)
        documents[document.digest] = parsed
        placed.append(_placed(document, parsed))
    problem = file.problem or (None if placed else empty_file(file.path))
    return _Known(file.digest, ParsedFile(file.path, tuple(placed), problem), documents)


def _decoded(file: FileBytes) -> str:
    """Bytes that are no UTF-8 become surrogates: each spoils its document only."""
    return (file.data or b"").decode("utf-8", "surrogateescape")


def _placed(document: Document, parsed: Parsed) -> PlacedDocument:
    return PlacedDocument(parsed, document.line, document.begin, document.begin + len(document.text))


def fingerprint(read: Sequence[FileBytes]) -> Fingerprint:
    return tuple((file.path, file.problem.message if file.problem else file.digest) for file in read)


def load_files(read: Sequence[FileBytes]) -> Loaded:
    """The objects and problems of files that were read once, and will not be again."""
    parsed = [ParsedFile(file.path, problem=file.problem) if file.data is None else _parse_file(file, {}).parsed
              for file in read]  # fmt: skip
    loaded, _ = assemble(parsed, {})
    texts = {file.path: _decoded(file) for file in read}
    return loaded._replace(place=Locator(parsed, texts.get))


def load_text(text: str, name: str = "<text>") -> Loaded:
    """The objects and problems of one text, as if it were a file."""
    file = ParsedFile(name, tuple(_placed(document, parse(document.text)) for document in split(text)))
    loaded, _ = assemble([file], {})
    return loaded._replace(place=Locator([file], lambda _: text))
