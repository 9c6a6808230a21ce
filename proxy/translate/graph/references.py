"""Cross-namespace references: a set of what ReferenceGrants permit, and one lookup in it.

A grant lives in the namespace of the target. Grants add up, and one that is gone permits nothing at
once, as the set is made anew (GEP-709).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from proxy.resources.policy import ReferenceGrant


class _Permission(NamedTuple):
    from_group: str
    from_kind: str
    from_namespace: str
    to_group: str
    to_kind: str
    to_namespace: str
    to_name: str
    """"" for every name."""


class Grants:
    """All that ReferenceGrants permit."""

    __slots__ = ("_permitted",)

    def __init__(self, grants: Iterable[ReferenceGrant]) -> None:
        self._permitted = frozenset(permission for grant in grants for permission in _permissions(grant))

    def permits(
        self, *, from_group: str, from_kind: str, from_namespace: str, group: str, kind: str, namespace: str, name: str
    ) -> bool:
        """Within one namespace nothing needs a grant."""
        if from_namespace == namespace:
            return True
        anyone = _Permission(from_group, from_kind, from_namespace, group, kind, namespace, "")
        return anyone in self._permitted or anyone._replace(to_name=name) in self._permitted


def _permissions(grant: ReferenceGrant) -> Iterator[_Permission]:
    namespace = grant.metadata.namespace
    for source in grant.spec.from_:
        for to in grant.spec.to:
            yield _Permission(source.group, source.kind, source.namespace, to.group, to.kind, namespace, to.name or "")
