"""The last good state on disk, for a start while the API server is away.

One file: a line of JSON that says what it is, then gzip of JSON. Secrets are in it, as HTTPS cannot be served
without them, so nobody else may read it. A file that is damaged, of another format or of another cluster is
named and ignored.
"""

import asyncio
import gzip
import hashlib
import logging
import os
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

log = logging.getLogger("penstock")

FILE: Final = "cluster.state"
FORMAT: Final = 1
EVERY: Final = 5.0
"""Seconds between two writes, at least."""


class Header(Struct, frozen=True):
    """The first line."""

    format: int
    server: str
    sha256: str
    """Of all that follows it."""


class Saved(Struct, frozen=True):
    """One object."""

    group: str
    kind: str
    object: dict[str, Any]
    """As the API server sent it, without what no model reads."""


class StateFile:
    """Blocking: for threads."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder, FILE)

    def read(self, server: str) -> list[Saved] | None:
        """The objects; None when there are none to be used, which is told unless there is no file at all."""
        try:
            return _objects(_read_own(self._path), server)
        except FileNotFoundError:
            return None
        except (_Unusable, OSError) as why:
            log.warning("%s is ignored: %s", self._path, why)
            return None

    def write(self, objects: Sequence[Saved], server: str) -> None:
        """All or nothing: the old file stays until the new one is on the disk. Raises OSError."""
        body = gzip.compress(msgspec.json.encode(objects), compresslevel=1)
        header = Header(FORMAT, server, hashlib.sha256(body).hexdigest())
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # one that is there stays as its owner wants it
        new = self._path.with_suffix(".new")
        with suppress(FileNotFoundError):
            new.unlink()
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(header) + b"\n")
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        _sync(folder)


class _Unusable(Exception):
    """Why a file is ignored."""


def _read_own(path: Path) -> bytes:
    """What we wrote, or root: where others may write, too, a file of theirs would choose what is served."""
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid not in {os.geteuid(), 0} or found.st_mode & stat.S_IWOTH:
            raise _Unusable(f"others may have written it (owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):o})")
        return file.read()


def _objects(data: bytes, server: str) -> list[Saved]:
    head, _, body = data.partition(b"\n")
    try:
        header = msgspec.json.decode(head, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Unusable("it is no state of Penstock") from None
    if header.format != FORMAT:
        raise _Unusable(f"it has format {header.format}, and this version reads {FORMAT}")
    if header.server != server:
        raise _Unusable(f"it is of {header.server}")
    if header.sha256 != hashlib.sha256(body).hexdigest():
        raise _Unusable("it is damaged")
    return msgspec.json.decode(gzip.decompress(body), type=list[Saved])


def _sync(folder: Path) -> None:
    """The renaming, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Keeper:
    """Writes the state when it has changed, now and then."""

    def __init__(self, file: StateFile, server: str, objects: Callable[[], Iterable[Saved]], every: float) -> None:
        self._file = file
        self._server = server
        self._objects = objects
        self._every = every
        self._changed = asyncio.Event()
        self._writing = threading.Lock()
        """The last save may come while one is under way."""
        self._failed = False

    def touch(self) -> None:
        self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.to_thread(self.save)
            await asyncio.sleep(self._every)

    def save_now(self) -> None:
        """At the end, if anything is unsaved."""
        if self._changed.is_set():
            self.save()

    def save(self) -> None:
        """A disk that is full must not stop what is served; it is told once."""
        try:
            with self._writing:
                self._file.write(list(self._objects()), self._server)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.error("the state cannot be saved: %s", error)
            self._failed = True
