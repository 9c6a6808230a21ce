"""The load balancer: which endpoints a Service's port has, and that connections go to them in turn."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conformance.node.api import Change, Object
from tests.conformance.node.forwarder import Endpoint, Forwarder
from tests.conformance.node.loadbalancer import ready_endpoints, remember, tcp_ports, wants_address

SERVICE: Object = {
    "metadata": {"name": "web", "namespace": "shop", "uid": "s-1"},
    "spec": {
        "type": "LoadBalancer",
        "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}],
    },
}


def slice_of(name: str, ip: str, ready: bool | None, namespace: str = "shop", port: str | None = "http") -> Object:
    conditions = {} if ready is None else {"ready": ready}
    return {
        "metadata": {"name": f"{name}-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"name": port, "port": 8080}],
        "endpoints": [{"addresses": [ip], "conditions": conditions}],
    }


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (slice_of("web", "10.244.0.10", True), True),
        (slice_of("web", "10.244.0.10", None), True),
        (slice_of("web", "10.244.0.10", False), False),
        (slice_of("api", "10.244.0.10", True), False),
        (slice_of("web", "10.244.0.10", True, namespace="other"), False),
        (slice_of("web", "10.244.0.10", True, port="https"), False),
        ({**slice_of("web", "10.244.0.10", True), "endpoints": None, "ports": None}, False),
    ],
)
def test_an_endpoint_counts_that_is_ready_and_the_services_own(found: Object, counts: bool) -> None:
    assert ready_endpoints(SERVICE, "http", [found]) == ([Endpoint("10.244.0.10", 8080)] if counts else [])


def test_a_port_without_a_name_is_the_slices_port_without_one() -> None:
    assert ready_endpoints(SERVICE, "", [slice_of("web", "10.244.0.10", True, port=None)])


def test_only_tcp_ports_are_served() -> None:
    assert list(tcp_ports(SERVICE)) == [80]


@pytest.mark.parametrize(
    ("spec", "metadata", "wanted"),
    [
        ({"type": "LoadBalancer"}, {}, True),
        ({"type": "ClusterIP"}, {}, False),
        ({}, {}, False),
        ({"type": "LoadBalancer"}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_a_service_wants_an_address_while_it_is_a_load_balancer(spec: Object, metadata: Object, wanted: bool) -> None:
    assert wants_address({"spec": spec, "metadata": metadata}) is wanted


def test_a_new_list_replaces_what_was_known() -> None:
    known: dict[str, Object] = {}
    one, two = ({"metadata": {"uid": uid}} for uid in ("1", "2"))
    remember(known, Change("ADDED", [one]))
    remember(known, Change("SYNC", [two]))
    assert list(known) == ["2"]
    remember(known, Change("DELETED", [two]))
    assert known == {}


@pytest.fixture
async def endpoints() -> AsyncIterator[list[Endpoint]]:
    """Two servers that say their number, then send back what they get until it ends."""
    servers = []
    for number in (b"0", b"1"):

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: bytes = number) -> None:
            writer.write(number + await reader.read())
            writer.close()
            await writer.wait_closed()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
    yield [Endpoint(*server.sockets[0].getsockname()) for server in servers]
    for server in servers:
        server.close()


async def exchange(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_connections_go_to_endpoints_in_turn_and_follow_changes(endpoints: list[Endpoint]) -> None:
    forwarder = Forwarder()
    port = await forwarder.listen("127.0.0.1", 0)
    assert await exchange(port, b"x") == b""
    forwarder.endpoints = endpoints
    assert [await exchange(port, b"x") for _ in range(4)] == [b"0x", b"1x", b"0x", b"1x"]
    forwarder.endpoints = endpoints[1:]
    large = bytes(1_000_000)
    assert await exchange(port, large) == b"1" + large
    await forwarder.close()


async def test_a_closed_forwarder_drops_its_connections(endpoints: list[Endpoint]) -> None:
    forwarder = Forwarder()
    forwarder.endpoints = endpoints
    reader, writer = await asyncio.open_connection("127.0.0.1", await forwarder.listen("127.0.0.1", 0))
    writer.write(b"x")
    await writer.drain()
    await forwarder.close()
    with pytest.raises(ConnectionError):
        writer.write(b"y")
        await writer.drain()
        await reader.readexactly(10)
    writer.close()
