"""Files that were read already, as a Source: for those who look once and do not follow changes."""

from collections.abc import AsyncIterator, Sequence

from proxy.resources.meta import Wanted
from proxy.sources.base import Loaded
from proxy.sources.file import load_files
from proxy.sources.read import FileBytes


class Given:
    """A Source of bytes, whether they come from files, stdin or a program."""

    def __init__(self, files: Sequence[FileBytes]) -> None:
        self._files = files

    async def open(self) -> None:
        """There from the beginning."""

    def load(self) -> Loaded:
        """Everything that is sound."""
        return load_files(self._files)

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        """There is no more than that."""
        return False

    async def changes(self) -> AsyncIterator[None]:
        """Never yields."""
        for _ in ():
            yield

    def close(self) -> None:
        """Nothing is held."""
