"""GatewayParameters (penstock.dev): how Gateways come by their addresses and clients, and what is made for them.

A GatewayClass names one for all its Gateways (spec.parametersRef), a Gateway one for itself
(spec.infrastructure.parametersRef), which then counts instead.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from proxy.resources.fields import Port
from proxy.resources.meta import Ignored, Model, Resource

PoolEntry = Annotated[
    str,
    Meta(min_length=1, max_length=128, description="an address, a range first-last, or a network in CIDR form"),
]
Argument = Annotated[str, Meta(max_length=1024, description="an option of at most 1024 characters")]
ServiceType = Literal["LoadBalancer", "ClusterIP", "NodePort"]


class AddressPool(Model, frozen=True):
    """Each Gateway gets an address of its own, which the data plane binds."""

    pool: Annotated[tuple[PoolEntry, ...], Meta(min_length=1, max_length=64)]
    """Asked in this order, each from its lowest address on."""
    service: bool = True
    """In a cluster: a Service without selector for each Gateway, which gives its address a DNS name."""


class ServiceParameters(Model, frozen=True):
    """The Service that is made for a Gateway."""

    type: ServiceType = "LoadBalancer"
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    load_balancer_class: str | None = None
    external_traffic_policy: Literal["Cluster", "Local"] | None = None


class PortRange(Model, frozen=True):
    """Both ends included."""

    first: Port = 20000
    last: Port = 29999


class SharedService(ServiceParameters, frozen=True):
    """A Service for each Gateway, in front of the data plane that all of them share."""

    target_ports: PortRange = PortRange()
    """What the data plane binds; each listener port of a Gateway gets one of these."""
    selector: Annotated[dict[str, str], Meta(min_length=1)] = field(
        default_factory=lambda: {"app.kubernetes.io/name": "penstock"}
    )
    """Of the data plane's Pods, in the namespace where they run."""


class Toleration(Model, frozen=True):
    """A taint that the Pods put up with, as in a Pod's spec."""

    key: str | None = None
    operator: Literal["Equal", "Exists"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class ResourceRequirements(Model, frozen=True):
    """What the container asks for and may use at most, as in a Pod's spec."""

    requests: dict[str, str | int] = field(default_factory=dict)
    limits: dict[str, str | int] = field(default_factory=dict)


class DedicatedDeployment(Model, frozen=True):
    """A data plane of its own for each Gateway: Deployment, Service and ServiceAccount."""

    image: str | None = None
    """None is the image of the controller itself."""
    replicas: Annotated[int, Meta(ge=0, le=1000)] = 2
    resources: ResourceRequirements = ResourceRequirements()
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: Annotated[tuple[Toleration, ...], Meta(max_length=32)] = ()
    args: Annotated[tuple[Argument, ...], Meta(max_length=64)] = ()
    """Further options of `penstock run`."""
    service: ServiceParameters = ServiceParameters()


class ProxyProtocol(Model, frozen=True):
    """A header of the PROXY protocol before all else, in which --trusted-proxies say whose connection it is."""

    mode: Literal["Required", "Optional"] = "Required"
    """Required: who is trusted and sends none is closed. Optional: it may be missing, for the time of a change."""


class GatewayParametersSpec(Model, frozen=True):
    """At most one of the first three; with none, Gateways listen where `--address` says."""

    addresses: AddressPool | None = None
    service: SharedService | None = None
    deployment: DedicatedDeployment | None = None
    proxy_protocol: ProxyProtocol | None = None
    """Of all TCP ports of a Gateway; without it nobody is asked."""


class GatewayParameters(Resource, frozen=True):
    """Parameters of Gateways: where their addresses come from, and how they know their clients."""

    spec: GatewayParametersSpec = GatewayParametersSpec()
    status: Ignored = None
