"""Gateway: rules across listeners and addresses.

One rule of the CRD is missing: that no two listeners have port, protocol and hostname in common. They are
refused by translation, as HostnameConflict, and the other listeners of their Gateway serve.
"""

from collections.abc import Iterator
from ipaddress import ip_address

from proxy.resources.gateway import FrontendTLSConfig, Gateway, GatewayInfrastructure, GatewaySpec, Listener
from proxy.resources.labels import MAX_ANNOTATION, annotation_findings, label_findings
from proxy.resources.problem import Finding, Path


def validate_gateway(gateway: Gateway) -> Iterator[Finding]:
    spec = gateway.spec
    yield from validate_listeners(spec.listeners)
    yield from _addresses(spec)
    if spec.infrastructure is not None:
        yield from _infrastructure(spec.infrastructure)
    if spec.tls is not None and spec.tls.frontend is not None:
        yield from _frontend(spec.tls.frontend)


def validate_listeners(listeners: tuple[Listener, ...]) -> Iterator[Finding]:
    """Those of a Gateway, or the entries of a ListenerSet: both stand at spec.listeners."""
    for index, listener in enumerate(listeners):
        yield from _listener(listener, ("spec", "listeners", index))
    yield from _unique_names(listeners)


def _listener(listener: Listener, path: Path) -> Iterator[Finding]:
    protocol, tls = listener.protocol, listener.tls
    if protocol in ("HTTP", "TCP", "UDP") and tls is not None:
        hint = "use protocol HTTPS (or TLS), or remove tls"
        yield Finding((*path, "tls"), f"not allowed with protocol {protocol}", hint, at_key=True)
    if protocol == "HTTPS" and tls is not None and tls.mode != "Terminate":
        hint = "use protocol TLS with a TLSRoute to pass TLS through"
        yield Finding((*path, "tls", "mode"), "must be Terminate for protocol HTTPS", hint)
    if protocol == "TLS" and tls is None:
        yield Finding((*path, "tls"), "required for protocol TLS", "set tls.mode to Terminate or Passthrough")
    if protocol in ("TCP", "UDP") and listener.hostname:
        yield Finding((*path, "hostname"), f"not allowed with protocol {protocol}", at_key=True)
    if tls is not None and tls.mode == "Terminate" and not tls.certificate_refs and not tls.options:
        hint = "name the Secret that holds the certificate"
        yield Finding((*path, "tls", "certificateRefs"), "required when tls.mode is Terminate", hint)


def _unique_names(listeners: tuple[Listener, ...]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, listener in enumerate(listeners):
        if first.setdefault(listener.name, index) != index:
            message = f'"{listener.name}" is the name of listeners[{first[listener.name]}], too'
            yield Finding(("spec", "listeners", index, "name"), message, "give every listener its own name")


def _addresses(spec: GatewaySpec) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for index, address in enumerate(spec.addresses):
        path = ("spec", "addresses", index, "value")
        if not address.value:
            continue
        if address.type == "IPAddress" and not _is_ip(address.value):
            yield Finding(path, f'"{address.value}" is not an IP address')
        if address.type in ("IPAddress", "Hostname") and (address.type, address.value) in seen:
            yield Finding(path, f'"{address.value}" is listed twice')
        seen.add((address.type, address.value))


def _infrastructure(infrastructure: GatewayInfrastructure) -> Iterator[Finding]:
    path = ("spec", "infrastructure")
    yield from label_findings(infrastructure.labels, (*path, "labels"))
    yield from annotation_findings(infrastructure.annotations, (*path, "annotations"))
    for key, value in infrastructure.annotations.items():
        if len(value) > MAX_ANNOTATION:
            message = f"{len(value)} characters long, at most {MAX_ANNOTATION} are allowed"
            yield Finding((*path, "annotations", key), message)


def _frontend(frontend: FrontendTLSConfig) -> Iterator[Finding]:
    ports: set[int] = set()
    for index, entry in enumerate(frontend.per_port):
        if entry.port in ports:
            path = ("spec", "tls", "frontend", "perPort", index, "port")
            yield Finding(path, f"port {entry.port} is configured twice")
        ports.add(entry.port)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
