"""The Kubernetes kinds a gateway reads: Service, EndpointSlice, Namespace, Secret, ConfigMap."""

from base64 import b64decode
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from proxy.resources.fields import LABEL, Port
from proxy.resources.meta import Ignored, Model, Resource

PortName = Annotated[
    str,
    Meta(pattern=rf"^{LABEL}\Z", max_length=63, description="a port name of a-z, 0-9 and '-'"),
]
TransportProtocol = Literal["TCP", "UDP", "SCTP"]


class ServicePort(Model, frozen=True):
    """One port of a Service. `target_port` is a number or the name of a container port; None is `port`."""

    port: Port
    name: PortName | None = None
    protocol: TransportProtocol = "TCP"
    app_protocol: str | None = None
    target_port: int | str | None = None
    node_port: int | None = None


class ServiceSpec(Model, frozen=True):
    """Service.spec; a gateway reads the ports and the type."""

    ports: tuple[ServicePort, ...] = ()
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    cluster_ip: str | None = field(default=None, name="clusterIP")
    cluster_ips: tuple[str, ...] = field(default=(), name="clusterIPs")
    external_name: str | None = None
    selector: dict[str, str] = field(default_factory=dict)
    allocate_load_balancer_node_ports: Ignored = None
    external_ips: Ignored = field(default=None, name="externalIPs")
    external_traffic_policy: Ignored = None
    health_check_node_port: Ignored = None
    internal_traffic_policy: Ignored = None
    ip_families: Ignored = None
    ip_family_policy: Ignored = None
    load_balancer_class: Ignored = None
    load_balancer_ip: Ignored = field(default=None, name="loadBalancerIP")
    load_balancer_source_ranges: Ignored = None
    publish_not_ready_addresses: bool = False
    session_affinity: Ignored = None
    session_affinity_config: Ignored = None
    traffic_distribution: Ignored = None


class LoadBalancerIngress(Model, frozen=True):
    """One address that a load balancer answers on: an IP address or a DNS name."""

    ip: str | None = None
    hostname: str | None = None
    ip_mode: Ignored = None
    ports: Ignored = None


class LoadBalancerStatus(Model, frozen=True):
    """status.loadBalancer."""

    ingress: tuple[LoadBalancerIngress, ...] = ()


class ServiceStatus(Model, frozen=True):
    """Read of Services that were made for Gateways."""

    load_balancer: LoadBalancerStatus = LoadBalancerStatus()
    conditions: Ignored = None


class Service(Resource, frozen=True):
    """A named set of ports; its EndpointSlices say where they are answered."""

    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class EndpointConditions(Model, frozen=True):
    """None is unknown: `ready` then counts as true, `serving` as `ready`, `terminating` as false."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetReference(Model, frozen=True):
    """What stands behind an endpoint, usually a Pod. Its uid tells one from the next to have the same address."""

    uid: str = ""
    kind: Ignored = None
    namespace: Ignored = None
    name: Ignored = None
    api_version: Ignored = None
    field_path: Ignored = None
    resource_version: Ignored = None


class SliceEndpoint(Model, frozen=True):
    """One entry of EndpointSlice.endpoints. The addresses are all of one endpoint; the first is used."""

    addresses: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)]
    conditions: EndpointConditions = EndpointConditions()
    hostname: str | None = None
    node_name: str | None = None
    zone: str | None = None
    hints: Ignored = None
    target_ref: TargetReference | None = None
    deprecated_topology: Ignored = None


class SlicePort(Model, frozen=True):
    """One entry of EndpointSlice.ports; its name is that of the Service port ("" for the unnamed)."""

    name: str = ""
    port: Port | None = None
    protocol: TransportProtocol = "TCP"
    app_protocol: str | None = None


SERVICE_NAME_LABEL = "kubernetes.io/service-name"


class EndpointSlice(Resource, frozen=True):
    """Some of the endpoints of one Service."""

    address_type: Literal["IPv4", "IPv6", "FQDN"]
    endpoints: Annotated[tuple[SliceEndpoint, ...], Meta(max_length=1000)] = ()
    ports: Annotated[tuple[SlicePort, ...], Meta(max_length=100)] = ()

    @property
    def service_name(self) -> str:
        """The Service it belongs to; "" when the label is missing."""
        return self.metadata.labels.get(SERVICE_NAME_LABEL, "")


class Namespace(Resource, frozen=True):
    """A namespace; its labels are what selectors look at."""

    spec: Ignored = None
    status: Ignored = None

    namespaced: ClassVar[bool] = False


class Secret(Resource, frozen=True):
    """Certificates and credentials. Never printed: repr() shows the keys only."""

    data: dict[str, str] = field(default_factory=dict)
    """Base64."""
    string_data: dict[str, str] = field(default_factory=dict)
    """Clear text; wins over `data`, as the API server merges it."""
    type: str = "Opaque"
    immutable: bool | None = None

    def value(self, key: str) -> bytes | None:
        """What stands under a key, decoded; None when nothing does."""
        if key in self.string_data:
            return self.string_data[key].encode()
        return b64decode(self.data[key]) if key in self.data else None

    def __repr__(self) -> str:
        keys = ", ".join(sorted({*self.data, *self.string_data}))
        return f"Secret({self.key}, type={self.type}, keys=[{keys}])"

    __str__ = __repr__


class ConfigMap(Resource, frozen=True):
    """Plain data, such as CA certificates under `ca.crt`."""

    data: dict[str, str] = field(default_factory=dict)
    binary_data: dict[str, str] = field(default_factory=dict)
    """Base64. Its keys are others than those of `data`."""
    immutable: bool | None = None

    def value(self, key: str) -> bytes | None:
        """What stands under a key, decoded; None when nothing does."""
        if key in self.data:
            return self.data[key].encode("utf-8", "surrogatepass")
        return b64decode(self.binary_data[key]) if key in self.binary_data else None
