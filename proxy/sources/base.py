"""Source: what every place that declarations come from can do."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from proxy.resources.meta import ObjectKey, Wanted
from proxy.resources.problem import Problem
from proxy.resources.store import ResourceSet


class Loaded(NamedTuple):
    """What a source holds at one moment."""

    resources: ResourceSet
    problems: tuple[Problem, ...]
    """Sorted by file and line."""
    place: Callable[[Iterable[Problem]], tuple[Problem, ...]] = tuple
    """Gives problems with objects of this set, found later than here, the line and column of their fields.
    May read files again, so it belongs where `load()` does."""
    held: Mapping[ObjectKey, tuple[str, ...]] = {}
    """Gateway to the addresses that its status named when it was first seen: it is to keep them."""
    told: Mapping[ObjectKey, tuple[str, ...]] = {}
    """Gateway to the addresses that its status names now, where others write it: they are to hold here, too."""


class Source(Protocol):
    """A file tree, or a cluster."""

    async def open(self) -> None:
        """Until `load()` has something to give; returns at once where that is always so."""
        ...

    def load(self) -> Loaded:
        """Everything that is sound now, and what is wrong with the rest. Never raises for what it reads."""
        ...

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        """Follow these objects from now on, and of their kinds no others. True when `load()` now has more to give.

        A source that reads everything there is has nothing to do.
        """
        ...

    def changes(self) -> AsyncIterator[None]:
        """Yields each time `load()` would return something else."""
        ...

    def close(self) -> None:
        """Frees what `changes()` holds."""
        ...
