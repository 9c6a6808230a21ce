"""Source: what every place that declarations come from can do."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple, Protocol

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


class Source(Protocol):
    """A file tree, or a cluster."""

    def load(self) -> Loaded:
        """Everything that is sound now, and what is wrong with the rest. Never raises for what it reads."""
        ...

    def changes(self) -> AsyncIterator[None]:
        """Yields each time `load()` would return something else."""
        ...

    def close(self) -> None:
        """Frees what `changes()` holds."""
        ...
