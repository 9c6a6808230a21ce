"""Objects into a cluster as `kubectl apply` and `kubectl wait` would put and see them."""

from collections.abc import Iterable

from tests.conformance.client import Object
from tests.conformance.session import Cluster


def install(cluster: Cluster, items: Iterable[Object]) -> None:
    """In this order; a CRD is awaited, so that objects of its kind may follow."""
    for item in items:
        cluster.client.apply_object(item)
        if item["kind"] == "CustomResourceDefinition":
            cluster.client.wait_for(cluster.client.path_of(item), lambda crd: has_condition(crd, "Established"))


def has_condition(item: Object, wanted: str) -> bool:
    """Whether it is True: of the object itself, or for a route of its first parent."""
    status = item.get("status", {})
    holder = status["parents"][0] if status.get("parents") else status
    return any(each["type"] == wanted and each["status"] == "True" for each in holder.get("conditions") or ())
