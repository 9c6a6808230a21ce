"""Which ReferenceGrant lets an object refer to one of another namespace."""

from proxy.resources.policy import ReferenceGrant
from proxy.translate.explain.scene import Data, Stage, Told
from proxy.translate.graph.references import Grants


def permitted_by(
    stage: Stage, from_group: str, from_kind: str, from_namespace: str, group: str, kind: str, namespace: str, name: str
) -> Told | None:
    """The first that does; None where none is needed, or there is none."""
    if from_namespace == namespace:
        return None
    for grant in stage.resources.by_kind(ReferenceGrant).values():
        if grant.metadata.namespace == namespace and Grants([grant]).permits(
            from_group=from_group, from_kind=from_kind, from_namespace=from_namespace,
            group=group, kind=kind, namespace=namespace, name=name,
        ):  # fmt: skip
            words = f"{from_kind}s of namespace {from_namespace} may refer to {kind} {namespace}/{name}"
            return Told("grant", words, _data(from_kind, from_namespace, kind), (stage.origins.of(grant),))
    return None


def _data(from_kind: str, from_namespace: str, kind: str) -> Data:
    return {"from_kind": from_kind, "from_namespace": from_namespace, "to_kind": kind}
