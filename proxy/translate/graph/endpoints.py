"""Endpoints of a Service port: what its EndpointSlices say is ready."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from proxy.resources.core import EndpointConditions, EndpointSlice, Service, ServicePort, SliceEndpoint
from proxy.snapshot.snapshot import Endpoint
from proxy.translate.graph import conditions as c
from proxy.translate.graph.conditions import Broken, Finding


def ready_endpoints(service: Service, port: ServicePort, slices: Iterable[EndpointSlice]) -> tuple[Endpoint, ...]:
    """Sorted and without repeats."""
    return tuple(ready_pods(service, port, slices))


def ready_pods(service: Service, port: ServicePort, slices: Iterable[EndpointSlice]) -> dict[Endpoint, str]:
    """Ready endpoints, sorted, to the uid of what stands behind each ("" where nobody says).

    Without repeats: an endpoint may stand in two slices while it moves between them. The slice's port of the
    same *name* gives the number; headless Services and those without a selector are no exception.
    """
    even_unready = service.spec.publish_not_ready_addresses
    found = sorted(
        (Endpoint(address, number), endpoint.target_ref.uid if endpoint.target_ref is not None else "")
        for item in slices
        for number in _numbers(item, port)
        for endpoint in item.endpoints
        if is_ready(endpoint.conditions, even_unready=even_unready)
        for address in _address(item, endpoint)
    )
    return dict(found)


def is_ready(state: EndpointConditions, *, even_unready: bool = False) -> bool:
    """Serving and not terminating. What is unknown counts as good (EndpointConditions).

    With Service.spec.publishNotReadyAddresses `ready` alone counts, which is then always true.
    """
    if even_unready:
        return state.ready is not False
    return state.ready is not False and state.serving is not False and not state.terminating


def serves_port(item: EndpointSlice, port: ServicePort) -> bool:
    """The slice names the Service port, whether or not anything is ready there."""
    return any(True for _ in _numbers(item, port))


def port_names(slices: Sequence[EndpointSlice]) -> list[str]:
    """As messages show them."""
    return sorted({repr(port.name) for item in slices for port in item.ports})


def _numbers(item: EndpointSlice, port: ServicePort) -> Iterator[int]:
    for candidate in item.ports:
        if candidate.name == (port.name or "") and candidate.protocol == port.protocol and candidate.port:
            yield candidate.port


def _address(item: EndpointSlice, endpoint: SliceEndpoint) -> Iterator[str]:
    """The first address: all of one endpoint are fungible (EndpointSlice). Nothing when it is no address."""
    first = endpoint.addresses[0] if endpoint.addresses else ""
    if item.address_type == "FQDN":
        if first:
            yield first
        return
    try:
        yield str(ip_address(first))
    except ValueError:
        return


# --- where there are none ---------------------------------------------------------------------


_LOST = {
    "tcp": "connections to it are reset",
    "raw": "connections to it are reset",
    "udp": "datagrams to it are dropped",
}
"""What becomes of what is meant for a backend without endpoints, by how it is spoken to; of requests otherwise."""


def no_such_port(service: Service, number: int, transport: str) -> Broken:
    other = next((port for port in service.spec.ports if port.port == number), None)
    if other is not None:
        return c.transport_protocol(str(service.key), number, other.protocol, transport)
    ports = ", ".join(f"{port.port} ({port.name})" if port.name else str(port.port) for port in service.spec.ports)
    return c.no_such_port(str(service.key), number, ports)


def why_no_endpoints(key: str, port: ServicePort, slices: Sequence[EndpointSlice]) -> Finding:
    if not slices:
        return no_endpoints(
            key, "", f"no EndpointSlice belongs to it (--backend {key.rpartition('://')[2]}=HOST:PORT can stand in)"
        )
    if not any(serves_port(item, port) for item in slices):
        names = ", ".join(port_names(slices)) or "none"
        return no_endpoints(key, "", f"no EndpointSlice has a port named {port.name or ''!r}; they have {names}")
    return no_endpoints(key, "", f"none of its endpoints is ready on port {port.port}")


def no_endpoints(key: str, field: str, why: str) -> Finding:
    """`key`: of the upstream."""
    return c.advice(field, f"{_LOST.get(key.rpartition('://')[0], 'requests to it get 503')}: {why}")
