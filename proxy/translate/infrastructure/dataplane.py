"""A data plane of a Gateway's own: its Deployment and ServiceAccount.

They live in the namespace of the controller, not in that of the Gateway: a data plane reads Secrets of
all namespaces, and whoever can make Pods beside a ServiceAccount can be that ServiceAccount. All of
that namespace are let read by one binding that is there beforehand, so the controller hands out no rights.
"""

from msgspec import to_builtins

from proxy.resources.meta import ObjectKey
from proxy.resources.parameters import DedicatedDeployment
from proxy.translate.graph.names import shared_name
from proxy.translate.graph.nodes import GatewayNode
from proxy.translate.infrastructure.objects import Generated, Object, metadata, selector_labels
from proxy.translate.settings import TranslateSettings

COMPONENT = "data-plane"
PROBES = 9901
DRAIN_DELAY, DRAIN_TIMEOUT = 5, 30
"""Seconds. Endpoints are withdrawn while connections are still accepted; then requests may end."""
GRACE = DRAIN_DELAY + DRAIN_TIMEOUT + 10
USER = 65532


def service_account(node: GatewayNode, namespace: str) -> Generated:
    gateway = node.resource.key
    meta = metadata(node, ObjectKey(namespace, shared_name(gateway)), component=COMPONENT, runs=True)
    return Generated(gateway, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})


def deployment(node: GatewayNode, parameters: DedicatedDeployment, settings: TranslateSettings) -> Generated:
    gateway = node.resource.key
    meta = metadata(node, ObjectKey(settings.namespace, shared_name(gateway)), component=COMPONENT, runs=True)
    pod_meta = {name: meta[name] for name in ("labels", "annotations")}
    body: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "replicas": parameters.replicas,
            "selector": {"matchLabels": selector_labels(node.resource, COMPONENT)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": pod_meta, "spec": _pod(node, parameters, settings)},
        },
    }
    return Generated(gateway, body)


def _pod(node: GatewayNode, parameters: DedicatedDeployment, settings: TranslateSettings) -> Object:
    """Without privileges: low ports are opened by a sysctl that Kubernetes counts as safe."""
    pod: Object = {
        "serviceAccountName": shared_name(node.resource.key),
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        },
        "containers": [_container(node, parameters, settings)],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector_labels(node.resource, COMPONENT)},
            }
        ],
    }
    if parameters.node_selector:
        pod["nodeSelector"] = parameters.node_selector
    if parameters.tolerations:
        pod["tolerations"] = to_builtins(parameters.tolerations)
    return pod


def _container(node: GatewayNode, parameters: DedicatedDeployment, settings: TranslateSettings) -> Object:
    probe = {"port": "probes", "scheme": "HTTP"}
    container: Object = {
        "name": "penstock",
        "image": parameters.image or settings.image,
        "args": [*_arguments(node), *parameters.args],
        "env": [
            {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
            for name, path in (("POD_NAME", "metadata.name"), ("POD_NAMESPACE", "metadata.namespace"))
        ],
        "ports": [{"name": "probes", "containerPort": PROBES, "protocol": "TCP"}],
        "startupProbe": {"httpGet": {**probe, "path": "/healthz"}, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {"httpGet": {**probe, "path": "/readyz"}, "periodSeconds": 2, "failureThreshold": 1},
        "livenessProbe": {"httpGet": {**probe, "path": "/healthz"}, "periodSeconds": 10, "failureThreshold": 3},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if resources := to_builtins(parameters.resources):
        container["resources"] = {
            part: {name: str(quantity) for name, quantity in given.items()} for part, given in resources.items()
        }
    return container


def _arguments(node: GatewayNode) -> list[str]:
    return [
        "run",
        "kubernetes:",
        f"--only-gateway={node.resource.key}",
        "--status-updates=off",
        f"--metrics=:{PROBES}",
        f"--drain-delay={DRAIN_DELAY}s",
        f"--drain-timeout={DRAIN_TIMEOUT}s",
    ]
