"""TranslateSettings: what translation depends on beside the resources."""

from msgspec import Struct, field

from proxy.snapshot.guard import Guard

CONTROLLER_NAME = "penstock.dev/gateway-controller"
"""GatewayClasses with this spec.controllerName are ours."""
CLASS_NAME = "penstock"
"""The usual GatewayClass; in file mode it is implied when it is missing."""


class TranslateSettings(Struct, frozen=True):
    """The options of the command line that change what is bound or where requests go."""

    controller_name: str = CONTROLLER_NAME
    address: str = ""
    """Where Gateways that name no address are bound; "" is every address."""
    port_map: dict[int, int] = field(default_factory=dict)
    """Declared port to bound port (--map-port)."""
    backend_overrides: dict[str, tuple[str, int]] = field(default_factory=dict)
    """NAMESPACE/NAME:PORT of a Service without EndpointSlices to (host, port) (--backend)."""
    external_name: bool = False
    """Whether Services of type ExternalName are followed."""
    guard: Guard = Guard()
    """Where DNS names that others choose may lead."""
    publish: str = ""
    """The address that the status names for Gateways bound to every address; "" names none."""
    only_gateway: str = ""
    """NAMESPACE/NAME of the one Gateway to serve, on every address; "" serves all that are not served elsewhere."""
    namespace: str = "penstock-system"
    """Where the data plane's Pods run."""
    image: str = ""
    """What a data plane of its own runs where its parameters name no image."""
    trusted_proxies: tuple[str, ...] = ()
    """CIDRs of peers that are believed who the client is (--trusted-proxies)."""
    session_key: bytes = b""
    """Seals tokens of session persistence, up to 64 octets. A secret: never to be logged, dumped, or put into a
    message. None is needed where endpoints have Pods with uids, as in every cluster."""
    file_mode: bool = True
    """Resources come from files: there is no API server and no other controller beside us."""
