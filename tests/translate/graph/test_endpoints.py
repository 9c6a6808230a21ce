"""Endpoints: readiness as a table, and slices of every family."""

import pytest

from proxy.resources.core import (
    EndpointConditions,
    EndpointSlice,
    Service,
    ServicePort,
    SliceEndpoint,
    SlicePort,
)
from proxy.resources.meta import ObjectMeta
from proxy.snapshot.snapshot import Endpoint
from proxy.translate.graph.endpoints import is_ready, port_names, ready_endpoints, serves_port

PORT = ServicePort(80, name="http")
SERVICE = Service("v1", "Service", ObjectMeta(name="app", namespace="default"))


def a_slice(family: str, *addresses: str, port: SlicePort | None = None) -> EndpointSlice:
    return EndpointSlice(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        ObjectMeta(name="app-1", namespace="default"),
        address_type=family,  # type: ignore[arg-type]
        endpoints=(SliceEndpoint(addresses),),
        ports=(port or SlicePort("http", 8000),),
    )


@pytest.mark.parametrize(
    ("ready", "serving", "terminating", "takes_requests", "when_unready_are_published"),
    [
        (None, None, None, True, True),
        (True, True, False, True, True),
        (True, None, None, True, True),
        (False, True, False, False, False),
        (False, True, True, False, False),
        (None, False, None, False, True),
        (None, True, True, False, True),
        (True, False, False, False, True),
        (None, None, True, False, True),
    ],
)
def test_readiness(
    ready: bool | None,
    serving: bool | None,
    terminating: bool | None,
    takes_requests: bool,
    when_unready_are_published: bool,
) -> None:
    state = EndpointConditions(ready=ready, serving=serving, terminating=terminating)
    assert is_ready(state) is takes_requests
    assert is_ready(state, even_unready=True) is when_unready_are_published


@pytest.mark.parametrize(
    ("family", "addresses", "found"),
    [
        ("IPv4", ("10.0.0.1", "10.0.0.2"), ["10.0.0.1"]),
        ("IPv6", ("2001:DB8:0::1",), ["2001:db8::1"]),
        ("FQDN", ("backend.example.com",), ["backend.example.com"]),
        ("IPv4", ("nowhere",), []),
        ("IPv4", (), []),
        ("FQDN", (), []),
    ],
)
def test_addresses(family: str, addresses: tuple[str, ...], found: list[str]) -> None:
    endpoints = ready_endpoints(SERVICE, PORT, [a_slice(family, *addresses)])
    assert endpoints == tuple(Endpoint(host, 8000) for host in found)


@pytest.mark.parametrize(
    ("port", "served"),
    [
        (SlicePort("http", 8000), True),
        (SlicePort("", 8000), False),
        (SlicePort("http", None), False),
        (SlicePort("http", 8000, protocol="UDP"), False),
    ],
)
def test_the_port_is_found_by_its_name(port: SlicePort, served: bool) -> None:
    one = a_slice("IPv4", "10.0.0.1", port=port)
    assert serves_port(one, PORT) is served
    assert bool(ready_endpoints(SERVICE, PORT, [one])) is served
    assert port_names([one]) == [repr(port.name)]
