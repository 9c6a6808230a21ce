"""What can be found about backends known by a DNS name: ExternalName, XBackend, and names and addresses of Backends."""

from proxy.resources.validate_xbackend import CLUSTER_DOMAIN
from proxy.translate.graph.conditions import Broken, Finding, advice


def external_name(service: str) -> Broken:
    """As the Gateway API advises (BackendObjectReference: "SHOULD NOT support ExternalName Services")."""
    return Broken(
        "InvalidKind",
        "name",
        f"Service {service} is of type ExternalName, which could lead anywhere",
        "use an XBackend or a Backend with the DNS name, or allow these Services with --allow-external-name",
    )


def not_a_name(what: str, host: str) -> Broken:
    return Broken(
        "BackendNotFound",
        "name",
        f"{what} leads to {host!r}, which is no DNS name",
        "an IP address has no entry in DNS; use a Service with an EndpointSlice, or a Backend",
    )


def of_the_cluster(what: str, host: str) -> Broken:
    return Broken(
        "RefNotPermitted",
        "name",
        f"{what} leads to {host}, and Services are never referred to by a name in {CLUSTER_DOMAIN}",
        "refer to the Service itself, with a ReferenceGrant where it is in another namespace",
    )


def another_port(what: str, asked: int, port: int) -> Broken:
    return Broken(
        "BackendNotFound", "port", f"{what} has no port {asked}", f"its port is {port}, which needs no naming"
    )


def for_requests_alone() -> Broken:
    return Broken(
        "InvalidKind",
        "kind",
        "XBackends are served to HTTPRoutes and GRPCRoutes alone",
        "use a Backend of group penstock.dev with the DNS name, or a Service",
    )


def clear_text(field: str) -> Finding:
    return advice(field, "what is outside is spoken to in clear text", "use tls.mode ServerOnly")


def forbidden_address(field: str, address: str, why: str) -> Finding:
    return Finding(
        "",
        "",
        field,
        f"{address} is {why}, so nothing is sent there",
        "in a cluster, Backends lead out of the gateway's own surroundings; --allow-external-ranges makes exceptions",
    )


def cluster_name(field: str, host: str) -> Finding:
    return Finding(
        "",
        "",
        field,
        f"{host} is in {CLUSTER_DOMAIN}, and Services are never referred to by name there, so nothing is sent there",
        "refer to the Service itself, with a ReferenceGrant where it is in another namespace",
    )
