"""Settings: what `penstock run` was told, checked and typed."""

import ipaddress
import re
import secrets
from collections.abc import Iterable

from msgspec import Struct, field

from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.access_log import LogFormat
from proxy.observe.metrics import Detail
from proxy.runtime.namespace import own_namespace
from proxy.runtime.session_key import default_session_key
from proxy.snapshot.guard import Guard
from proxy.translate.settings import TranslateSettings

Address = tuple[str, int]
"""Host and port. The host is an IP literal without brackets, or a name."""

NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Cluster(Struct, frozen=True):
    """Options of the source `kubernetes:`."""

    kubeconfig: str = ""
    """A path; "" for KUBECONFIG, the Pod's service account or ~/.kube/config."""
    context: str = ""
    """"" for the current one."""
    namespaces: tuple[str, ...] = ()
    """Those that are followed; none for all."""
    state_dir: str = ""
    """"" for nowhere."""


class Settings(Struct, frozen=True):
    """One field per option."""

    sources: tuple[str, ...]
    cluster: Cluster | None = None
    """None when the sources are files."""
    admin: Address = ("127.0.0.1", 9900)
    workers: int = 1
    address: str = ""
    publish_address: str = ""
    only_gateway: str = ""
    port_map: dict[int, int] = field(default_factory=dict)
    access_log: str = "off"
    """"-" for stdout, a path, or "off"."""
    access_log_format: LogFormat = "json"
    log_level: str = "info"
    drain_delay: float = 0.0
    """Seconds, as is `drain_timeout`."""
    drain_timeout: float = 30.0
    trusted_proxies: tuple[str, ...] = ()
    metrics: Address | None = None
    metrics_detail: Detail | None = None
    backends: dict[str, Address] = field(default_factory=dict)
    allow_external_name: bool = False
    allow_external_ranges: tuple[str, ...] = ()
    deny_external_ranges: tuple[str, ...] = ()
    dns_servers: tuple[Address, ...] = ()
    image: str = ""
    strict: bool = False
    status_updates: bool = True
    """Whether a cluster is told what became of what is declared in it."""
    session_key: bytes = b""
    """From --session-key; b"" for what stands in for it. A secret: never to be logged or put into a message."""
    lease: str = ""
    """Name of the Lease that replicas share; "" for the usual one."""

    def translation(self) -> TranslateSettings:
        return TranslateSettings(
            address=self.address,
            publish=self.publish_address,
            only_gateway=self.only_gateway,
            port_map=self.port_map,
            backend_overrides=self.backends,
            external_name=self.allow_external_name,
            guard=self.guard(),
            namespace=own_namespace(),
            image=self.image,
            trusted_proxies=self.trusted_proxies,
            session_key=self.session_key or default_session_key(self.cluster is not None),
            file_mode=self.cluster is None,
        )

    def guard(self) -> Guard:
        """Where DNS names of others may lead."""
        return Guard(self.allow_external_ranges, self.deny_external_ranges)

    def data_plane(self) -> DataPlaneSettings:
        """Made once, for all workers: they share their name in Via, which nobody else has."""
        via = f"penstock-{secrets.token_hex(4)}"
        return DataPlaneSettings(trusted_proxies=self.trusted_proxies, via_id=via.encode())


# --- parsing: each raises ValueError with what was expected -----------------------------------


def parse_address(text: str) -> Address:
    """`HOST:PORT`, IPv6 in brackets; an empty host is every address."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:9900 or [::1]:9900")
    bare = host.removeprefix("[").removesuffix("]")
    if ":" in bare and bare == host:
        raise ValueError(f"{text!r}: IPv6 addresses stand in brackets, such as [::1]:9900")
    return bare, int(port)


def parse_ip(text: str) -> str:
    """An IP literal, brackets allowed; "" is every address."""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare)) if bare else ""
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address, such as 127.0.0.1 or ::1") from None


def parse_gateway(text: str) -> str:
    """`NAMESPACE/NAME`."""
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise ValueError(f"{text!r} is not NAMESPACE/NAME, such as shop/web")
    return text


def parse_servers(items: Iterable[str]) -> tuple[Address, ...]:
    """IP addresses of name servers, each with a port or none for 53, separated by commas."""
    servers = []
    for item in _split(items):
        try:
            servers.append((parse_ip(item), 53))
        except ValueError:
            host, port = parse_address(item)
            if not (host and port):
                raise ValueError(f"{item!r} is not IP or IP:PORT, such as 10.0.0.53 or [::1]:5353") from None
            servers.append((parse_ip(host), port))
    return tuple(servers)


def parse_duration(text: str) -> float:
    """Seconds from `30s`, `500ms`, `2m`, `1h` or a plain number of seconds."""
    number = text.rstrip("hms")
    unit = text[len(number) :] or "s"
    try:
        seconds = float(number) * UNITS[unit]
    except (ValueError, KeyError):
        raise ValueError(f"{text!r} is not a time, such as 10s, 500ms or 2m") from None
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{text!r} is not a time that can be waited")
    return seconds


def parse_port_map(items: Iterable[str]) -> dict[int, int]:
    """`DECLARED=BOUND`, each a port."""
    mapped: dict[int, int] = {}
    for item in _split(items):
        declared, equals, bound = item.partition("=")
        ports = [int(each) for each in (declared, bound) if each.isascii() and each.isdigit()]
        if not equals or len(ports) != 2 or not all(0 < port < 65536 for port in ports):
            raise ValueError(f"{item!r} is not DECLARED=BOUND, such as 80=8080")
        if mapped.setdefault(ports[0], ports[1]) != ports[1]:
            raise ValueError(f"port {ports[0]} is mapped twice")
    return mapped


def parse_backends(items: Iterable[str]) -> dict[str, Address]:
    """`NAMESPACE/NAME:PORT=HOST:PORT`."""
    backends: dict[str, Address] = {}
    for item in _split(items):
        service, equals, address = item.partition("=")
        namespace, _, rest = service.partition("/")
        name, _, port = rest.partition(":")
        if not (equals and namespace and name and port.isdigit()):
            raise ValueError(f"{item!r} is not NAMESPACE/NAME:PORT=HOST:PORT, such as shop/cart:80=127.0.0.1:8081")
        backends[service] = parse_address(address)
    return backends


def parse_networks(items: Iterable[str]) -> tuple[str, ...]:
    """CIDRs or addresses, separated by commas."""
    networks = []
    for item in _split(items):
        try:
            networks.append(str(ipaddress.ip_network(item)))
        except ValueError as error:
            raise ValueError(f"{item!r} is not a network, such as 10.0.0.0/8: {error}") from None
    return tuple(networks)


def parse_namespaces(items: Iterable[str]) -> tuple[str, ...]:
    """Names, separated by commas."""
    names = tuple(dict.fromkeys(_split(items)))
    for name in names:
        if len(name) > 63 or not NAMESPACE.match(name):
            raise ValueError(f"{name!r} is not a namespace, such as shop")
    return names


def _split(items: Iterable[str]) -> list[str]:
    """An environment variable holds several, separated by commas or spaces."""
    return [part for item in items for part in item.replace(",", " ").split()]
