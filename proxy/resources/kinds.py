"""The table of kinds: (group, kind) to model. A kind is added here and nowhere else.

Every other kind of these groups is either known to be somebody else's (skipped with a notice),
known but not served yet (so says a notice), or a mistake (an error).
"""

from msgspec import Struct

from proxy.resources import (
    backendtlspolicy,
    backendtraffic,
    core,
    direct_response,
    gateway,
    grpcroute,
    httproute,
    l4routes,
    listenerset,
    own,
    parameters,
    policy,
    xbackend,
)
from proxy.resources.meta import Resource

GATEWAY = gateway.GROUP
EXPERIMENTAL = xbackend.GROUP
CORE = ""
DISCOVERY = "discovery.k8s.io"
NETWORKING = "networking.k8s.io"
OWN = own.GROUP


class Kind(Struct, frozen=True):
    """A kind that is served."""

    model: type[Resource]
    versions: tuple[str, ...]
    """Served versions, the preferred one first."""


KINDS: dict[tuple[str, str], Kind] = {
    (GATEWAY, "GatewayClass"): Kind(gateway.GatewayClass, ("v1", "v1beta1")),
    (GATEWAY, "Gateway"): Kind(gateway.Gateway, ("v1", "v1beta1")),
    (GATEWAY, "ListenerSet"): Kind(listenerset.ListenerSet, ("v1",)),
    (GATEWAY, "HTTPRoute"): Kind(httproute.HTTPRoute, ("v1", "v1beta1")),
    (GATEWAY, "GRPCRoute"): Kind(grpcroute.GRPCRoute, ("v1",)),
    (GATEWAY, "TCPRoute"): Kind(l4routes.TCPRoute, ("v1", "v1alpha2")),
    (GATEWAY, "TLSRoute"): Kind(l4routes.TLSRoute, ("v1", "v1alpha3", "v1alpha2")),
    (GATEWAY, "UDPRoute"): Kind(l4routes.UDPRoute, ("v1", "v1alpha2")),
    (GATEWAY, "ReferenceGrant"): Kind(policy.ReferenceGrant, ("v1", "v1beta1")),
    (GATEWAY, "BackendTLSPolicy"): Kind(backendtlspolicy.BackendTLSPolicy, ("v1",)),
    (EXPERIMENTAL, "XBackend"): Kind(xbackend.XBackend, ("v1alpha1",)),
    (EXPERIMENTAL, "XBackendTrafficPolicy"): Kind(backendtraffic.XBackendTrafficPolicy, ("v1alpha1",)),
    (CORE, "Service"): Kind(core.Service, ("v1",)),
    (DISCOVERY, "EndpointSlice"): Kind(core.EndpointSlice, ("v1",)),
    (CORE, "Namespace"): Kind(core.Namespace, ("v1",)),
    (CORE, "Secret"): Kind(core.Secret, ("v1",)),
    (CORE, "ConfigMap"): Kind(core.ConfigMap, ("v1",)),
    (OWN, "Backend"): Kind(own.Backend, ("v1alpha1",)),
    (OWN, "GatewayParameters"): Kind(parameters.GatewayParameters, ("v1alpha1",)),
    (OWN, "DirectResponse"): Kind(direct_response.DirectResponse, ("v1alpha1",)),
}

NOT_SERVED_YET: frozenset[tuple[str, str]] = frozenset(
    {
        (EXPERIMENTAL, "XMesh"),
        *((NETWORKING, kind) for kind in ("Ingress", "IngressClass")),
        *((OWN, kind) for kind in ("TrafficPolicy", "Filter", "RateLimit", "JWTAuth")),
        *((OWN, kind) for kind in ("BasicAuth", "APIKeyAuth", "IPAccess")),
        *((OWN, kind) for kind in ("FaultInjection", "Compression")),
    }
)

SOMEBODY_ELSES: frozenset[tuple[str, str]] = frozenset(
    {
        *((CORE, kind) for kind in ("Binding", "ComponentStatus", "Endpoints", "Event", "LimitRange")),
        *((CORE, kind) for kind in ("PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate")),
        *((CORE, kind) for kind in ("Node", "ReplicationController", "ResourceQuota", "ServiceAccount")),
        *((NETWORKING, kind) for kind in ("IPAddress", "NetworkPolicy", "ServiceCIDR")),
    }
)
"""Kinds of groups we read from that a gateway has no use for."""

GROUPS: frozenset[str] = frozenset(group for group, _ in (*KINDS, *NOT_SERVED_YET))
"""In these groups an unknown kind is a mistake; in all others it is none of our business."""


def gateway_group(kind: str) -> str:
    """Which group of the Gateway API has a served kind; standard and experimental ones share no name."""
    return GATEWAY if (GATEWAY, kind) in KINDS else EXPERIMENTAL


def kind_names(group: str) -> list[str]:
    """Every kind of the group that a user could mean, for hints."""
    return sorted(kind for at, kind in (*KINDS, *NOT_SERVED_YET, *SOMEBODY_ELSES) if at == group)


def plural_of(kind: str) -> str:
    """What stands in URLs and in RBAC rules, such as gateways, gatewayclasses, gatewayparameters."""
    lower = kind.lower()
    if lower.endswith("y") and lower[-2] not in "aeiou":  # policies, but gateways
        return f"{lower[:-1]}ies"
    if lower.endswith("ss"):
        return f"{lower}es"
    return lower if lower.endswith("s") else f"{lower}s"
