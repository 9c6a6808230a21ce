"""One source laid over another as `kubectl apply` would: what both declare is as the upper one has it, the rest stays.

An object keeps the age that it has below, and one that is new is younger than all: age decides between routes.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Final

from msgspec.structs import replace

from proxy.resources.meta import Resource, Wanted
from proxy.resources.problem import Problem
from proxy.resources.store import Origin, ResourceSet
from proxy.sources.base import Loaded, Source

YOUNGEST: Final = "9999-12-31T23:59:59Z"
"""The creationTimestamp of what does not exist yet."""


class Overlay:
    """A Source of two."""

    def __init__(self, below: Source, above: Source) -> None:
        self._below = below
        self._above = above

    async def open(self) -> None:
        await self._below.open()
        await self._above.open()

    def load(self) -> Loaded:
        below, above = self._below.load(), self._above.load()
        resources = laid_over(below.resources, above.resources)

        def place(problems: Iterable[Problem]) -> tuple[Problem, ...]:
            return above.place(below.place(problems))

        problems = sorted((*below.problems, *above.problems), key=lambda problem: problem.sort_key)
        return Loaded(resources, tuple(problems), place, {**above.held, **below.held})

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        more = await self._below.want(wanted)
        return await self._above.want(wanted) or more

    async def changes(self) -> AsyncIterator[None]:
        """Never: whoever compares looks once."""
        return
        yield

    def close(self) -> None:
        self._below.close()
        self._above.close()


def laid_over(below: ResourceSet, above: ResourceSet) -> ResourceSet:
    """Everything that either declares, in the order of `below`, what is new last."""
    origins: dict[int, Origin] = {}
    objects: dict[tuple[type[Resource], str, str], Resource] = {}
    for item in below:
        objects[type(item), item.metadata.namespace, item.metadata.name] = item
        origins[id(item)] = below.origin(item)
    for item in above:
        at = type(item), item.metadata.namespace, item.metadata.name
        known = objects.get(at)
        created = YOUNGEST if known is None else known.metadata.creation_timestamp
        applied = replace(item, metadata=replace(item.metadata, creation_timestamp=created))
        objects[at] = applied
        origins[id(applied)] = above.origin(item)
    return ResourceSet(objects.values(), origins)
