"""ResourceSet: every object of one moment, by kind and key, and where each was declared."""

from collections.abc import Iterable, Iterator, Mapping
from operator import is_
from typing import NamedTuple, TypeVar, cast

from proxy.resources.meta import ObjectKey, Resource

R = TypeVar("R", bound=Resource)


class Origin(NamedTuple):
    """Where an object was declared. `line` is that of its document's first line, from 1."""

    file: str
    line: int


UNKNOWN = Origin("", 0)


class ResourceSet:
    """Immutable once built. Objects that did not change between two sets are the same instances."""

    __slots__ = ("_kinds", "_origins", "unread")

    def __init__(
        self,
        objects: Iterable[Resource] = (),
        origins: Mapping[int, Origin] | None = None,
        unread: frozenset[str] = frozenset(),
    ) -> None:
        """`origins` is keyed by `id()` of the objects. Of two objects with one key the first counts."""
        kinds: dict[type[Resource], dict[ObjectKey, Resource]] = {}
        for item in objects:
            meta = item.metadata
            kinds.setdefault(type(item), {}).setdefault(ObjectKey(meta.namespace, meta.name), item)
        self._kinds = kinds
        self._origins = origins or {}
        self.unread = unread
        """Names of kinds of which there may be more than could be read: that one is missing says nothing."""

    def by_kind(self, model: type[R]) -> Mapping[ObjectKey, R]:
        """All objects of a kind, in the order in which they were declared."""
        return cast(Mapping[ObjectKey, R], self._kinds.get(model, {}))

    def get(self, model: type[R], namespace: str, name: str) -> R | None:
        return self.by_kind(model).get(ObjectKey(namespace, name))

    def origin(self, item: Resource) -> Origin:
        """File and line of an object of this set; ("", 0) when it came from elsewhere."""
        return self._origins.get(id(item), UNKNOWN)

    def counts(self) -> dict[str, int]:
        """Kind name to number of objects."""
        return {model.__name__: len(items) for model, items in self._kinds.items()}

    def __iter__(self) -> Iterator[Resource]:
        for items in self._kinds.values():
            yield from items.values()

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))


def same_objects(one: Mapping[ObjectKey, Resource], other: Mapping[ObjectKey, Resource]) -> bool:
    """The same instances in the same order."""
    return len(one) == len(other) and all(map(is_, one.values(), other.values()))
