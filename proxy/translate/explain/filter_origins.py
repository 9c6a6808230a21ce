"""Filters of an explanation: which entry of the route each was, and where those lead that refer to a backend."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from proxy.resources.httproute import HTTPRouteFilter
from proxy.resources.meta import BackendObjectReference
from proxy.translate.explain.backend_policies import BACKEND_POLICIES
from proxy.translate.explain.scene import BackendScene, Data, RuleScene
from proxy.translate.graph.conditions import ACCEPTED
from proxy.translate.graph.nodes import BackendKey


class Reference(NamedTuple):
    """How a type of filter refers to a backend."""

    field: str
    """Within the filter."""
    ref: Callable[[HTTPRouteFilter], BackendObjectReference | None]
    dropped: bool
    """Where it leads nowhere the filter is left out, and the rest served."""


def _of_mirror(item: HTTPRouteFilter) -> BackendObjectReference | None:
    return None if item.request_mirror is None else item.request_mirror.backend_ref


def _of_external_auth(item: HTTPRouteFilter) -> BackendObjectReference | None:
    return None if item.external_auth is None else item.external_auth.backend_ref


REFERENCES: Mapping[str, Reference] = {
    "RequestMirror": Reference("requestMirror.backendRef", _of_mirror, dropped=True),
    "ExternalAuth": Reference("externalAuth.backendRef", _of_external_auth, dropped=False),
}
"""A row for each type of filter that refers to a backend."""


def add_origins(told: Sequence[Data], declared: Sequence[HTTPRouteFilter], field: str, scene: RuleScene) -> list[Data]:
    """Puts `from` and `policies` on each filter; those that were left out stand in their places, `dropped`."""
    if not scene.node.valid:
        return [one | _refusal(scene, "", ACCEPTED) for one in told]
    served = iter(told)
    listed = []
    for i, item in enumerate(declared):
        at = f"{field}[{i}]"
        origin = {"from": scene.at.stage.origins.of(scene.route.resource, at)}
        target = _target(scene, item, at)
        if target is not None and target.target.broken is not None and REFERENCES[item.type].dropped:
            data: Data = {"type": item.type, "dropped": target.target.broken.message}
        else:
            data = dict(next(served))
        if data["type"] == "Unresolved":
            data |= _refusal(scene, at, "")
        if target is not None:
            data["policies"] = policies(target)
        listed.append(data | origin)
    return listed


def policies(scene: BackendScene) -> list[Data]:
    """All that applies to a backend."""
    found = (describe(scene) for describe in BACKEND_POLICIES.values())
    return [told.as_data for told in found if told is not None]


def _target(scene: RuleScene, item: HTTPRouteFilter, field: str) -> BackendScene | None:
    """Where it refers to."""
    row = REFERENCES.get(item.type)
    ref = row.ref(item) if row is not None else None
    if row is None or ref is None:
        return None
    namespace = scene.route.resource.metadata.namespace
    key = BackendKey(namespace, ref.group, ref.kind, ref.namespace or namespace, ref.name, ref.port)
    return BackendScene(scene, key, scene.at.stage.graph.backends.resolve(key), f"{field}.{row.field}")


def _refusal(scene: RuleScene, field: str, kind: str) -> Data:
    """Why an error stands in the place of a filter, or of a whole rule."""
    for finding in scene.node.findings:
        if finding.field.startswith(field) and finding.severity == "error" and kind in ("", finding.type):
            origin = scene.at.stage.origins.of(scene.route.resource, finding.field)
            return {"detail": finding.message, "hint": finding.hint or None, "from": origin}
    return {}
