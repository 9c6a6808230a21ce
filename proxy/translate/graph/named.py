"""Endpoints that are DNS names, and addresses that stand where names do: what may be followed."""

from collections.abc import Iterable

from proxy.resources.core import Service, ServicePort
from proxy.resources.own import Backend
from proxy.resources.validate_xbackend import CLUSTER_DOMAIN
from proxy.snapshot.guard import Guard
from proxy.snapshot.snapshot import Endpoint, Transport
from proxy.translate.graph import name_conditions as n
from proxy.translate.graph.addresses import is_ip
from proxy.translate.graph.conditions import Broken, Findings
from proxy.translate.settings import TranslateSettings

Endpoints = tuple[Endpoint, ...]


def split(endpoints: Iterable[Endpoint]) -> tuple[Endpoints, Endpoints]:
    """IP addresses and DNS names, each sorted and without repeats."""
    found = sorted(set(endpoints))
    return tuple(at for at in found if is_ip(at.host)), tuple(at for at in found if not is_ip(at.host))


def permitted(backend: Backend, endpoints: Endpoints, guard: Guard) -> tuple[Endpoints, Findings]:
    """Without those that are forbidden, and which these are: an address is no better than a name that leads there."""
    refused = {at: why for at in endpoints if (why := guard.refusal(at.host))}
    findings = tuple(
        n.forbidden_address(f"spec.endpoints[{i}].host", item.host, refused[at])
        for i, item in enumerate(backend.spec.endpoints)
        if (at := Endpoint(item.host, item.port)) in refused
    )
    return tuple(at for at in endpoints if at not in refused), findings


def outside(backend: Backend, names: Endpoints) -> tuple[Endpoints, Findings]:
    """Without names of Services, and which these are: a ReferenceGrant, not DNS, says who may lead there."""
    findings = tuple(
        n.cluster_name(f"spec.endpoints[{i}].host", item.host)
        for i, item in enumerate(backend.spec.endpoints)
        if is_of_the_cluster(item.host)
    )
    return tuple(at for at in names if not is_of_the_cluster(at.host)), findings


def is_of_the_cluster(host: str) -> bool:
    return f".{host.removesuffix('.').lower()}".endswith(CLUSTER_DOMAIN)


# --- Services of type ExternalName ------------------------------------------------------------


def is_external(service: Service) -> bool:
    return service.spec.type == "ExternalName"


def external_host(service: Service) -> str:
    return (service.spec.external_name or "").removesuffix(".").lower()


def refused_name(service: Service, settings: TranslateSettings) -> Broken | None:
    """Why a Service is not followed on account of its type; None where nothing speaks against it."""
    if not is_external(service):
        return None
    what, host = f"Service {service.key}", external_host(service)
    if not settings.external_name:
        return n.external_name(str(service.key))
    if is_ip(host) or not host:
        return n.not_a_name(what, host)
    return n.of_the_cluster(what, host) if is_of_the_cluster(host) else None


def port_of(service: Service, number: int, transport: Transport) -> ServicePort | None:
    """The port of a Service that a reference names. A name has all ports: what its Service lists, if anything, only
    says how they are spoken to."""
    listed = [port for port in service.spec.ports if port.port == number]
    found = next((port for port in listed if port.protocol == transport), None)
    return ServicePort(number, protocol=transport) if found is None and is_external(service) and not listed else found
