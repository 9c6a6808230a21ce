"""ExtensionRefs: what the filters lead to that are objects of their own, in the namespace of their route.

Checked in this order: group and kind, whether this version serves it, existence, soundness. What leads nowhere is never
skipped: its requests get 500 until the object is there and sound.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from proxy.resources import own
from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.problem import dotted
from proxy.resources.store import ResourceSet, same_objects
from proxy.translate.extensions import EXTENSIONS, TO_COME, Extension
from proxy.translate.graph import route_conditions as c
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.nearest import Names

FIELD = "extensionRef"


class ExtensionKey(NamedTuple):
    """A reference as it is resolved."""

    group: str
    kind: str
    namespace: str
    """The route's: the reference itself has none."""
    name: str

    @property
    def extension(self) -> Extension | None:
        """The kind that is named; None when it is no filter that is served."""
        return EXTENSIONS.get(self.kind) if self.group == own.GROUP else None


class ExtensionTarget(Struct, frozen=True, eq=False, gc=False):
    """Where a reference leads: a sound object, or why not. Compared by the object's identity."""

    resource: Resource | None = None
    finding: Finding | None = None
    """About `extensionRef`, as seen from the filter."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExtensionTarget) and self.resource is other.resource and self.finding == other.finding

    def __hash__(self) -> int:
        return id(self.resource)


class Extensions:
    """Resolves references."""

    def __init__(self, resources: ResourceSet, previous: "Extensions | None" = None) -> None:
        self._objects = {kind: resources.by_kind(known.model) for kind, known in EXTENSIONS.items()}
        self.unchanged = previous is not None and all(
            same_objects(objects, previous._objects[kind]) for kind, objects in self._objects.items()
        )
        """Every reference leads where it led in the previous translation."""
        self._targets: dict[ExtensionKey, ExtensionTarget] = (
            previous._targets if previous is not None and self.unchanged else {}
        )

    def resolve(self, key: ExtensionKey) -> ExtensionTarget:
        target = self._targets.get(key)
        if target is None:
            target = self._targets[key] = self._resolve(key)
        return target

    def _resolve(self, key: ExtensionKey) -> ExtensionTarget:
        known = key.extension
        if known is None:
            return ExtensionTarget(None, _no_such_kind(key))
        objects = self._objects[key.kind]
        found = objects.get(ObjectKey(key.namespace, key.name))
        if found is None:
            return ExtensionTarget(None, _missing(key, objects))
        wrong = next(known.check(found), None)
        if wrong is not None:
            place = dotted(wrong.path)
            return ExtensionTarget(None, c.extension_invalid(FIELD, key.kind, str(found.key), place, wrong.message))
        return ExtensionTarget(found)


def _no_such_kind(key: ExtensionKey) -> Finding:
    if key.group == own.GROUP and key.kind in TO_COME:
        return c.extension_not_served(FIELD, key.kind, key.name, ", ".join(EXTENSIONS))
    hint = f"filters of group {own.GROUP}: {', '.join(EXTENSIONS)}"
    near = Names((*EXTENSIONS, *TO_COME)).nearest(key.kind)
    if near is not None:
        hint = f"did you mean kind {near} of group {own.GROUP}?"
    return c.unknown_extension(FIELD, key.group, key.kind, key.name, hint)


def _missing(key: ExtensionKey, objects: Mapping[ObjectKey, Resource]) -> Finding:
    names: Iterable[str] = (name for namespace, name in objects if namespace == key.namespace)
    hint = Names(names).hint(key.name, f"{key.kind}s of namespace {key.namespace}")
    return c.extension_missing(FIELD, key.kind, f"{key.namespace}/{key.name}", hint)
