"""What policies are for, and which of several counts: the older, then the first by namespace/name (GEP-713).

Policies claim their targets one after the other, the most senior first. Who is first counts, sound or not: what it
cannot say nobody else says in its place.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.store import ResourceSet
from proxy.translate.graph import policy_conditions as c
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.nearest import Names

Kinds = Mapping[tuple[str, str], type[Resource]]
"""(group, kind) to model: what policies of one kind can be for."""


class Reference(Protocol):
    """An entry of targetRefs."""

    @property
    def group(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


class Target(NamedTuple):
    """An object that a policy is for, or a part of it."""

    group: str
    kind: str
    key: ObjectKey
    section: str = ""
    """The name of the part; "" for all of it, but for parts that another policy names."""


class Reach(NamedTuple):
    """What of a target requests can be sent to."""

    group: str
    kind: str
    key: ObjectKey
    port: int = 0
    """0 for all ports."""


class Claim(NamedTuple):
    """What came of one entry of targetRefs."""

    target: Target | None
    """None: there is no such thing."""
    finding: Finding | None = None
    """Why the policy does not count for it."""


class Targets:
    """The targets that policies of one kind can have, and which policy holds each."""

    def __init__(self, resources: ResourceSet, kinds: Kinds) -> None:
        self._objects: Mapping[tuple[str, str], Mapping[ObjectKey, Resource]] = {
            at: resources.by_kind(model) for at, model in kinds.items()
        }
        self._names: dict[tuple[str, str, str], Names] = {}
        self._holders: dict[Target, Resource] = {}

    def claim(self, policy: Resource, ref: Reference, field: str, section: str = "", hint: str = "") -> Claim:
        """`field`: where `ref` stands in the policy. `hint`: what else can be done about a conflict."""
        objects = self._objects.get((ref.group, ref.kind))
        if objects is None:
            possible = " or ".join(f"{kind}.{group}" if group else kind for group, kind in self._objects)
            return Claim(None, c.target_kind(field, ref.group, ref.kind, possible))
        target = Target(ref.group, ref.kind, ObjectKey(policy.metadata.namespace, ref.name), section)
        if target.key not in objects:
            return Claim(None, c.target_missing(field, ref.kind, str(target.key), self._hint(target)))
        winner = self._holders.get(target)
        if winner is None:
            return Claim(target)
        what = (f"port {section} of " if section else "") + f"{ref.kind} {target.key}"
        return Claim(target, c.conflict(field, what, f"{winner.kind} {winner.key}", f"remove one of the two{hint}"))

    def hold(self, target: Target, policy: Resource) -> None:
        self._holders[target] = policy

    def _hint(self, target: Target) -> str:
        namespace = target.key.namespace
        at = target.group, target.kind, namespace
        if at not in self._names:
            objects = self._objects[target.group, target.kind]
            self._names[at] = Names(key.name for key in objects if key.namespace == namespace)
        return self._names[at].hint(target.key.name, f"{target.kind}s of namespace {namespace}")
