"""GatewayClass and Gateway (gateway.networking.k8s.io)."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from proxy.resources.fields import (
    ControllerName,
    Group,
    Hostname,
    KindName,
    ListenerProtocol,
    Name,
    NamespaceName,
    Port,
    SectionName,
)
from proxy.resources.meta import (
    Ignored,
    LabelSelector,
    LocalObjectReference,
    Model,
    ObjectReference,
    Resource,
    SecretObjectReference,
)

GROUP = "gateway.networking.k8s.io"


class ParametersReference(Model, frozen=True):
    """GatewayClass.spec.parametersRef; without a namespace the object is cluster-scoped."""

    group: Group
    kind: KindName
    name: Name
    namespace: NamespaceName | None = None


class GatewayClassSpec(Model, frozen=True):
    """GatewayClass.spec."""

    controller_name: ControllerName
    parameters_ref: ParametersReference | None = None
    description: Annotated[str, Meta(max_length=64)] | None = None


class GatewayClass(Resource, frozen=True):
    """Which controller serves the Gateways that name this class."""

    spec: GatewayClassSpec
    status: Ignored = None

    namespaced: ClassVar[bool] = False


class RouteNamespaces(Model, frozen=True):
    """From which namespaces routes may attach."""

    from_: Literal["All", "Selector", "Same"] = "Same"
    selector: LabelSelector | None = None


class RouteGroupKind(Model, frozen=True):
    """A kind of route that may attach."""

    kind: KindName
    group: Group = GROUP


class AllowedRoutes(Model, frozen=True):
    """listeners[].allowedRoutes. Without kinds, the listener's protocol decides them."""

    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: Annotated[tuple[RouteGroupKind, ...], Meta(max_length=8)] = ()


class ListenerTLSConfig(Model, frozen=True):
    """listeners[].tls."""

    mode: Literal["Terminate", "Passthrough"] = "Terminate"
    certificate_refs: Annotated[tuple[SecretObjectReference, ...], Meta(max_length=64)] = ()
    options: Annotated[dict[str, str], Meta(max_length=16)] = field(default_factory=dict)


class Listener(Model, frozen=True):
    """One port, protocol and hostname of a Gateway."""

    name: SectionName
    port: Port
    protocol: ListenerProtocol
    hostname: Hostname | None = None
    tls: ListenerTLSConfig | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()


class GatewaySpecAddress(Model, frozen=True):
    """An address the Gateway asks for; without a value any of the type will do."""

    type: Annotated[str, Meta(min_length=1, max_length=253)] = "IPAddress"
    value: Annotated[str, Meta(max_length=253)] | None = None


class GatewayInfrastructure(Model, frozen=True):
    """What is to be put on, or read for, whatever carries the Gateway."""

    labels: Annotated[dict[str, str], Meta(max_length=8)] = field(default_factory=dict)
    annotations: Annotated[dict[str, str], Meta(max_length=16)] = field(default_factory=dict)
    parameters_ref: LocalObjectReference | None = None


class ListenerNamespaces(Model, frozen=True):
    """From which namespaces ListenerSets may attach."""

    from_: Literal["All", "Selector", "Same", "None"] = "None"
    selector: LabelSelector | None = None


class AllowedListeners(Model, frozen=True):
    """spec.allowedListeners."""

    namespaces: ListenerNamespaces = ListenerNamespaces()


class FrontendTLSValidation(Model, frozen=True):
    """How client certificates are checked."""

    ca_certificate_refs: Annotated[tuple[ObjectReference, ...], Meta(min_length=1, max_length=16)]
    mode: Literal["AllowValidOnly", "AllowInsecureFallback"] = "AllowValidOnly"


class TLSConfig(Model, frozen=True):
    """Settings of one port, or of all."""

    validation: FrontendTLSValidation | None = None


class TLSPortConfig(Model, frozen=True):
    """Settings of one port."""

    port: Port
    tls: TLSConfig


class FrontendTLSConfig(Model, frozen=True):
    """TLS between clients and the Gateway."""

    default: TLSConfig
    per_port: Annotated[tuple[TLSPortConfig, ...], Meta(max_length=64)] = ()


class GatewayBackendTLS(Model, frozen=True):
    """TLS between the Gateway and backends."""

    client_certificate_ref: SecretObjectReference | None = None


class GatewayTLSConfig(Model, frozen=True):
    """spec.tls."""

    backend: GatewayBackendTLS | None = None
    frontend: FrontendTLSConfig | None = None


class GatewaySpec(Model, frozen=True):
    """Gateway.spec."""

    gateway_class_name: Name
    listeners: Annotated[tuple[Listener, ...], Meta(min_length=1, max_length=64)]
    addresses: Annotated[tuple[GatewaySpecAddress, ...], Meta(max_length=16)] = ()
    infrastructure: GatewayInfrastructure | None = None
    allowed_listeners: AllowedListeners = AllowedListeners()
    tls: GatewayTLSConfig | None = None
    default_scope: Literal["All", "None"] | None = None


class Gateway(Resource, frozen=True):
    """Listeners that routes attach to."""

    spec: GatewaySpec
    status: Ignored = None
