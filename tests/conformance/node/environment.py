"""The environment of a container: literal values and fields of its Pod (the downward API)."""

from tests.conformance.node.api import Object
from tests.conformance.place import API_PORT, NODE, NODE_IP


def environment_of(pod: Object, container: Object, ip: str, image: dict[str, str]) -> dict[str, str]:
    """`image`: what the image itself sets; the container's own values come over it."""
    fields = fields_of(pod, ip)
    found = {"HOSTNAME": pod["metadata"]["name"], **image, **_service()}
    for entry in container.get("env", []):
        reference = entry.get("valueFrom", {}).get("fieldRef")
        found[entry["name"]] = fields.get(reference["fieldPath"], "") if reference else entry.get("value", "")
    return found


def _service() -> dict[str, str]:
    """Where in-cluster clients find the API server: ClusterIPs do not answer here, the node does."""
    return {"KUBERNETES_SERVICE_HOST": NODE_IP, "KUBERNETES_SERVICE_PORT": str(API_PORT)}


def fields_of(pod: Object, ip: str) -> dict[str, str]:
    metadata, spec = pod["metadata"], pod["spec"]
    found = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "status.podIP": ip,
        "status.podIPs": ip,
        "status.hostIP": NODE_IP,
        "spec.nodeName": NODE,
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
    }
    for field in ("labels", "annotations"):
        found |= {f"metadata.{field}['{key}']": value for key, value in (metadata.get(field) or {}).items()}
    return found
