"""Services that were made for Gateways, as they are now: found by name and label, and what they give."""

from collections.abc import Iterable, Iterator

from proxy.resources.core import EndpointSlice, Service
from proxy.resources.gateway import Gateway
from proxy.resources.meta import ObjectKey
from proxy.resources.own import MANAGED_BY, MANAGER
from proxy.resources.store import ResourceSet
from proxy.translate.graph import address_conditions as c
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.names import owner_labels
from proxy.translate.graph.nodes import Published
from proxy.translate.graph.pool import canonical


def made_service(resources: ResourceSet, key: ObjectKey, gateway: ObjectKey) -> Service | None:
    """The Service of that name if it is made for this Gateway: a stranger's counts for nothing."""
    found = resources.by_kind(Service).get(key)
    if found is None or not owner_labels(gateway).items() <= found.metadata.labels.items():
        return None
    return found


def is_taken(resources: ResourceSet, key: ObjectKey, gateway: ObjectKey) -> bool:
    """By a Service that is not made for this Gateway."""
    return key in resources.by_kind(Service) and made_service(resources, key, gateway) is None


def leading_elsewhere(resources: ResourceSet, namespace: str, known: frozenset[ObjectKey]) -> frozenset[int]:
    """Target ports of made Services but the `known`: of Gateways that are refused for now, or that have just gone."""
    return frozenset(
        port.target_port
        for key, service in resources.by_kind(Service).items()
        if key.namespace == namespace and key not in known and service.metadata.labels.get(MANAGED_BY) == MANAGER
        for port in service.spec.ports
        if isinstance(port.target_port, int)
    )


def published(service: Service | None) -> tuple[Published, ...]:
    """Where clients find it: what a load balancer gave it, or its own addresses within the cluster."""
    if service is None:
        return ()
    if service.spec.type == "LoadBalancer":
        return tuple(_ingress(service))
    addresses = service.spec.cluster_ips or (service.spec.cluster_ip or "",)
    return tuple(Published("IPAddress", address) for address in addresses if canonical(address))


def _ingress(service: Service) -> Iterator[Published]:
    for each in service.status.load_balancer.ingress:
        if each.ip:
            yield Published("IPAddress", each.ip)
        elif each.hostname:
            yield Published("Hostname", each.hostname)


def service_findings(gateway: Gateway, key: ObjectKey, service: Service | None, kind: str) -> Iterator[Finding]:
    """What keeps a Gateway from being reached through its Service. `kind` is the type that was asked for."""
    wanted = static_addresses(gateway)
    if len(wanted) > (1 if kind == "LoadBalancer" else 0):
        yield c.one_static_address("spec.addresses")
    elif service is None:
        yield c.no_service_yet(str(key))
    elif not (given := published(service)):
        yield c.no_address_yet(str(key))
    elif wanted and Published("IPAddress", wanted[0]) not in given:
        yield c.address_not_given("spec.addresses", wanted[0], str(key))


def static_addresses(gateway: Gateway) -> list[str]:
    """The IP addresses that the Gateway asks for by value, in canonical spelling."""
    values = (canonical(each.value or "") for each in gateway.spec.addresses if each.type == "IPAddress")
    return list(dict.fromkeys(filter(None, values)))


def ready_services(slices: Iterable[EndpointSlice]) -> frozenset[ObjectKey]:
    """Services that a ready Pod stands behind."""
    return frozenset(
        ObjectKey(each.metadata.namespace, each.service_name)
        for each in slices
        if any(endpoint.conditions.ready is not False for endpoint in each.endpoints)
    )
