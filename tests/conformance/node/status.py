"""What is reported of the node and of each Pod, in the form the API server takes."""

from collections.abc import Iterable
from datetime import UTC, datetime

from tests.conformance.node.api import Object
from tests.conformance.node.container import Container
from tests.conformance.place import KUBELET_PORT, NODE, NODE_IP, POD_NET

_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
_BY_READINESS = frozenset({"Ready", "ContainersReady"})


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_object() -> Object:
    labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": labels},
        "spec": {"podCIDR": POD_NET},
    }


def node_status() -> Object:
    resources = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
    time = now()
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    return {
        "capacity": resources,
        "allocatable": resources,
        "addresses": [{"type": "InternalIP", "address": NODE_IP}, {"type": "Hostname", "address": NODE}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        "conditions": [{**ready, "lastHeartbeatTime": time, "lastTransitionTime": time}],
    }


def binding(pod: Object) -> Object:
    metadata = {"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
    return {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}


def pod_status(containers: Iterable[Container], ip: str, started: str) -> Object:
    """`started`: when the Pod came to the node."""
    held = list(containers)
    ready = all(container.ready for container in held)
    time = now()
    return {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": _flag(ready or kind not in _BY_READINESS), "lastTransitionTime": time}
            for kind in _CONDITIONS
        ],
        "hostIP": NODE_IP,
        "hostIPs": [{"ip": NODE_IP}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": started,
        "containerStatuses": [_container_status(container, started) for container in held],
    }


def waiting_status(message: str, started: str) -> Object:
    """Of a Pod that cannot start yet."""
    return {"phase": "Pending", "message": message, "hostIP": NODE_IP, "startTime": started}


def _container_status(container: Container, started: str) -> Object:
    reason = "CrashLoopBackOff" if container.restarts else "ContainerCreating"
    return {
        "name": container.name,
        "image": container.spec["image"],
        "imageID": container.spec["image"],
        "containerID": f"process://{container.pid}",
        "ready": container.ready,
        "started": container.runs,
        "restartCount": container.restarts,
        "state": {"running": {"startedAt": started}} if container.runs else {"waiting": {"reason": reason}},
    }


def _flag(value: bool) -> str:
    return "True" if value else "False"
