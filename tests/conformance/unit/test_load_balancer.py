"""The load balancer: which endpoints a Service's port has, and that connections go to them in turn."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.conformance.node.api import Change, Object
from tests.conformance.node.forwarder import Endpoint, Forwarder
from tests.conformance.node.loadbalancer import ready_endpoints, remember, served_ports, wants_address
from tests.conformance.node.udp_forwarder import UdpForwarder

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


def test_ports_of_tcp_and_udp_are_served() -> None:
    assert list(served_ports(SERVICE)) == [(80, "TCP"), (53, "UDP")]
    assert not served_ports({**SERVICE, "spec": {"ports": [{"port": 9, "protocol": "SCTP"}]}})


class Answering(asyncio.DatagramProtocol):
    """A Pod that says its name."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]  # it is one

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(self.name + data, addr)


class Asking(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.got.put_nowait(data)


async def test_datagrams_go_to_endpoints_by_who_sends_them() -> None:
    loop, forwarder = asyncio.get_running_loop(), UdpForwarder()
    port = await forwarder.listen("127.0.0.1", 0)
    pods = [
        await loop.create_datagram_endpoint(partial(Answering, name), local_addr=("127.0.0.1", 0))
        for name in (b"a", b"b")
    ]
    forwarder.endpoints = [Endpoint(*transport.get_extra_info("sockname")) for transport, _ in pods]
    clients = [await loop.create_datagram_endpoint(Asking, remote_addr=("127.0.0.1", port)) for _ in range(2)]
    answers = []
    for transport, asking in clients:
        for _ in range(2):
            transport.sendto(b"?")
            answers.append(await asyncio.wait_for(asking.got.get(), 20))
    assert answers == [b"a?", b"a?", b"b?", b"b?"]
    await forwarder.close()
    for transport, _ in (*pods, *clients):
        transport.close()


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
