"""Which files the sources name, and the bytes in them."""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from proxy.resources.problem import Problem
from proxy.sources.documents import digest

SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"
STDIN_NAME: Final = "<stdin>"


class FileBytes(NamedTuple):
    """One file as it was read."""

    path: str
    data: bytes | None
    """None when it could not be read: `problem` says why."""
    problem: Problem | None = None
    digest: bytes = b""


class Reader:
    """Reads all sources, again and again; what can be read only once (stdin, a pipe) is remembered."""

    def __init__(self, sources: Sequence[str], stdin: BinaryIO | None = None) -> None:
        self._sources = tuple(dict.fromkeys(sources))
        self._stdin = stdin
        self._once: dict[str, FileBytes] = {}

    def read(self) -> list[FileBytes]:
        """Every file once, in the order of the sources, directories sorted."""
        seen: dict[str, FileBytes] = {}
        for source in self._sources:
            for path, read in self._files(source):
                if path not in seen:
                    seen[path] = read
        return list(seen.values())

    def again(self, path: str) -> FileBytes:
        """One file by its FileBytes.path."""
        remembered = next((file for file in self._once.values() if file.path == path), None)
        return remembered or read_file(path)

    def _files(self, source: str) -> Iterator[tuple[str, FileBytes]]:
        """Each file under the path that tells whether it was read already."""
        if source == STDIN:
            yield STDIN, self._read_once(STDIN, STDIN_NAME)
        elif os.path.isdir(source):
            found = list(walk(source))
            if not found:
                yield source, _empty_directory(source)
            for path, problem in found:
                yield path, FileBytes(path, None, problem) if problem else read_file(path)
        elif _is_regular(source):
            path = os.path.normpath(source)
            yield path, read_file(path)
        else:
            yield source, self._read_once(source, source)

    def _read_once(self, source: str, name: str) -> FileBytes:
        """Stdin, or a named pipe such as the shell makes of <(command)."""
        if source not in self._once:
            if source == STDIN:
                self._once[source] = _with_digest(name, (self._stdin or sys.stdin.buffer).read())
            else:
                self._once[source] = read_file(source)
        return self._once[source]


def _is_regular(path: str) -> bool:
    """True for files and for what is not there (opening it says so)."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return True


def read_file(path: str) -> FileBytes:
    """The bytes, or the reason why there are none."""
    try:
        with open(path, "rb") as file:
            return _with_digest(path, file.read())
    except OSError as error:
        return FileBytes(path, None, _unreadable(path, error))


def _with_digest(path: str, data: bytes) -> FileBytes:
    return FileBytes(path, data, None, digest(data))


def walk(directory: str) -> Iterator[tuple[str, Problem | None]]:
    """The files below a directory, sorted. Hidden entries are left out: a mounted ConfigMap keeps
    its real files in `..data`, and editors and git have theirs. Links are followed, once."""
    yield from _walk(os.path.normpath(directory), set())


def _walk(directory: str, visited: set[str]) -> Iterator[tuple[str, Problem | None]]:
    real = os.path.realpath(directory)
    if real in visited:
        return
    visited.add(real)
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        yield directory, _unreadable(directory, error)
        return
    for name in names:
        path = os.path.join(directory, name)
        if name.startswith("."):
            continue
        if os.path.isdir(path):
            yield from _walk(path, visited)
        elif name.lower().endswith(SUFFIXES):
            yield path, None


def _unreadable(path: str, error: OSError) -> Problem:
    hints = {
        FileNotFoundError: "check the path; a source is a YAML or JSON file, a directory, or - for stdin",
        PermissionError: f"let the user {_user()} read it",
    }
    reason = (error.strerror or str(error)).lower()
    return Problem("error", f"cannot be read: {reason}", hint=hints.get(type(error), ""), file=path)


def _user() -> str:
    return os.environ.get("USER") or f"with id {os.geteuid()}"


def empty_file(path: str) -> Problem:
    """Served as it is: who empties a file means it. But somebody may have lost something."""
    return Problem("warning", "holds no configuration", hint="it is empty, or all comments", file=path)


def _empty_directory(path: str) -> FileBytes:
    hint = "files ending in .yaml, .yml and .json are read, in sub-directories too"
    return FileBytes(path, b"", Problem("warning", "holds no configuration", hint=hint, file=path))
