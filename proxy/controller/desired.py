"""Desired: which statuses are meant, and how that differs from before. Compared by identity first."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.controller.cluster import ObjectRef
from proxy.controller.version import with_version
from proxy.resources.kinds import KINDS
from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.store import ResourceSet
from proxy.sources.kubernetes.scope import WITH_STATUS
from proxy.translate.status.build import ObjectStatus

Status = Mapping[str, Any]

WHOLE = frozenset({"GatewayClass", "Gateway", "ListenerSet"})
"""Kinds whose status is not shared with other controllers."""
SHARED: Mapping[str, type[Resource]] = {
    kind: row.model for (group, kind), row in KINDS.items() if (group, kind) in WITH_STATUS and kind not in WHOLE
}
"""Kinds whose status has an entry for each controller: routes, policies and XBackends."""

PARENTS = frozenset({"GatewayClass", "Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"})
"""Kinds without which it is not known what a route is attached to, or through which routes a backend is used."""


class Desired:
    """What is meant now. Work goes with what changed: of the rest only the identity is looked at."""

    def __init__(self) -> None:
        self.statuses: dict[ObjectRef, Status] = {}
        self._items: dict[int, ObjectStatus] = {}
        """Those given last, by id."""
        self._uids: dict[ObjectRef, str] = {}
        self._bundle: tuple[str, str] | None = None
        self._meant: dict[str, set[ObjectKey]] = {kind: set() for kind in SHARED}
        self._bare: dict[str, set[ObjectKey]] = {kind: set() for kind in SHARED}

    def update(
        self, statuses: Sequence[ObjectStatus], bundle: tuple[str, str] | None
    ) -> tuple[list[ObjectRef], list[ObjectRef]]:
        """Those that are meant anew or otherwise, and those that are meant no longer."""
        items = {id(item): item for item in statuses}
        fresh = [item for at, item in items.items() if at not in self._items or self._is_versioned(item, bundle)]
        left = [item for at, item in self._items.items() if at not in items]
        self._items, self._bundle = items, bundle
        meant = {_target(item): self._complete(item) for item in fresh}
        gone = [target for target in map(_target, left) if target not in meant]
        uids = {_target(item): item.uid for item in fresh}
        changed = [
            target
            for target, status in meant.items()
            if self.statuses.get(target) != status or self._uids.get(target) != uids[target]
        ]
        self._uids |= uids
        for target in gone:
            del self.statuses[target], self._uids[target]
            self._meant.get(target.kind, set()).discard(target.key)
        for target in changed:
            self.statuses[target] = meant[target]
            self._meant.setdefault(target.kind, set()).add(target.key)
        return changed, gone

    def _is_versioned(self, item: ObjectStatus, bundle: tuple[str, str] | None) -> bool:
        return item.kind == "GatewayClass" and bundle != self._bundle

    def _complete(self, item: ObjectStatus) -> Status:
        if item.kind != "GatewayClass":
            return item.status
        return with_version(item.status, self._bundle, item.status["conditions"][0]["observedGeneration"])

    def newly_bare(self, resources: ResourceSet) -> list[ObjectRef]:
        """Routes and policies without a status of ours that had one, or were not there, when this was asked last.

        Such an object may hold entries of ours that nothing stands for any more.
        """
        fresh: list[ObjectRef] = []
        for kind, model in SHARED.items():
            bare = resources.by_kind(model).keys() - self._meant[kind]
            fresh += [ObjectRef(kind, key) for key in sorted(bare - self._bare[kind])]
            self._bare[kind] = bare
        return fresh

    @property
    def bare(self) -> list[ObjectRef]:
        """All routes and policies without a status of ours."""
        return [ObjectRef(kind, key) for kind, keys in self._bare.items() for key in sorted(keys)]


def _target(item: ObjectStatus) -> ObjectRef:
    return ObjectRef(item.kind, item.key)
