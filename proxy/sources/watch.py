"""Tells when something moves near the sources; whether it matters is for the reader to say.

Directories are watched, never files: an editor replaces a file by renaming another over it, and a
ConfigMap changes by a swap of the link `..data` beside the files that are read.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from typing import Final

from watchfiles import awatch

DEBOUNCE: Final = 0.05
"""Seconds of silence after which a change counts as finished: half-written files are not read."""
LONGEST_WAIT: Final = 2.0
"""Seconds after which a change is told although more keep coming."""


class Watch:
    """The directories around some paths."""

    def __init__(self, paths: Sequence[str], debounce: float = DEBOUNCE) -> None:
        self._paths = tuple(paths)
        self._step = max(1, round(debounce * 1000))
        self._closed = asyncio.Event()

    def close(self) -> None:
        self._closed.set()

    async def events(self) -> AsyncIterator[None]:
        """Yields after every burst of changes, and once after each (re)start, when some may have been missed."""
        while not self._closed.is_set():
            roots = directories(self._paths)
            if not roots:
                await self._closed.wait()
                return
            async for _ in self._bursts(roots):
                yield
                if directories(self._paths) != roots:
                    break

    async def _bursts(self, roots: frozenset[str]) -> AsyncIterator[None]:
        """The first comes as soon as the directories are watched."""
        changes = awatch(
            *sorted(roots),
            watch_filter=None,
            recursive=False,
            step=self._step,
            debounce=round(LONGEST_WAIT * 1000),
            stop_event=self._closed,
            ignore_permission_denied=True,
        )
        pending = asyncio.ensure_future(anext(changes, None))
        try:
            await asyncio.sleep(0)
            while True:
                yield
                if await pending is None:
                    return
                pending = asyncio.ensure_future(anext(changes, None))
        finally:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
            await changes.aclose()


def directories(paths: Sequence[str]) -> frozenset[str]:
    """Every directory in which a change can change what the paths hold."""
    found: set[str] = set()
    for path in paths:
        found.add(_existing(os.path.dirname(os.path.abspath(path))))
        found.add(_existing(os.path.dirname(os.path.realpath(path))))
        if os.path.isdir(path):
            _below(path, found, set())
    return frozenset(found)


def _below(directory: str, found: set[str], visited: set[str]) -> None:
    """A directory, those in it, and those to which links in it lead."""
    real = os.path.realpath(directory)
    if real in visited:
        return
    visited.add(real)
    found.add(real)
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            _below(entry.path, found, visited)
        elif entry.is_symlink():
            found.add(_existing(os.path.dirname(os.path.realpath(entry.path))))


def _existing(directory: str) -> str:
    """The directory, or the nearest one above it that is there."""
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return directory
