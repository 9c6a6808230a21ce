"""TCPRoute, TLSRoute, UDPRoute: rules across fields, and what a type cannot say of a hostname."""

from collections.abc import Iterator
from ipaddress import ip_address

from proxy.resources.gateway import GROUP
from proxy.resources.l4routes import L4Resource, L4RouteRule, TLSRoute
from proxy.resources.problem import Finding, Path
from proxy.resources.validate_httproute import PORT_NEEDED, validate_parent_refs


def validate_l4_route(route: L4Resource) -> Iterator[Finding]:
    yield from validate_parent_refs(route.spec.parent_refs)
    for index, rule in enumerate(route.spec.rules):
        yield from _backend_refs(rule, ("spec", "rules", index))


def validate_tls_route(route: TLSRoute) -> Iterator[Finding]:
    """The server name of TLS is never an address (RFC 6066 section 3)."""
    for index, hostname in enumerate(route.spec.hostnames):
        if _is_ip(hostname):
            message = f'"{hostname}" is an IP address, which no client asks for by name'
            yield Finding(("spec", "hostnames", index), message, "write a DNS name, or use a TCPRoute")
    yield from validate_l4_route(route)


def _backend_refs(rule: L4RouteRule, path: Path) -> Iterator[Finding]:
    for index, ref in enumerate(rule.backend_refs):
        at = (*path, "backendRefs", index)
        if (ref.group, ref.kind) == ("", "Service") and ref.port is None:
            yield Finding((*at, "port"), PORT_NEEDED, "give the port of the Service", at_key=True)
        if (ref.group, ref.kind) == (GROUP, "Service"):
            hint = 'write group: "" or leave it out'
            yield Finding((*at, "group"), "Service is in the core group", hint, severity="warning")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
