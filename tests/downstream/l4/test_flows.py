"""Flows of UDP over real sockets, by a clock that stands still."""

import socket
from collections.abc import AsyncIterator

import pytest

from proxy.downstream.l4.udp import UdpPort
from proxy.downstream.settings import DataPlaneSettings
from proxy.forward.ongoing import EVERY, Ongoing
from tests.clock import ManualTime
from tests.e2e.test_l4 import (
    L4Gateway,
    UdpPeer,
    no_socket_is_left,  # noqa: F401 - for all tests of this file, too
    to,
    udp,
    udp_client,
    udp_server,
)
from tests.patience import eventually


class Stage:
    """A UDP port, a client of it, and the endpoint behind, which says nothing by itself."""

    def __init__(self, gateway: L4Gateway, endpoint: UdpPeer) -> None:
        self.gateway = gateway
        self.endpoint = endpoint
        self.time = ManualTime()
        [served] = gateway.plane._ports.values()
        plane = gateway.plane._plane
        plane.clock = self.time.clock
        self.port = UdpPort(served.bind, served.port, plane, self.time.wheel, DataPlaneSettings())

    async def open(self) -> None:
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        await self.port.serve(sock)
        self.client = await udp_client(sock.getsockname()[1])

    async def play(self, script: str) -> None:
        """Datagrams in order: `>` the client asks, `<` the endpoint answers."""
        for each in script:
            if each == ">":
                self.client.transport.sendto(b"question")
                assert await self.endpoint.next() == b"question"
            else:
                [address] = self.endpoint.senders
                self.endpoint.transport.sendto(b"answer", address)
                assert await self.client.next() == b"answer"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    endpoint = await udp_server(None)
    async with L4Gateway(udp(to(endpoint.port, protocol="udp")), protocol="UDP") as gateway:
        stage = Stage(gateway, endpoint)
        await stage.open()
        yield stage
        stage.port.close()


@pytest.mark.parametrize(
    ("passed", "seconds"),
    [
        (">", 5.0),  # an answer is owed
        ("><", 1.0),  # DNS
        (">><", 5.0),  # two questions through one socket, as resolvers ask for A and AAAA
        (">><<", 1.0),
        ("><<", 1.0),  # an answer in several datagrams
        ("><>", 5.0),  # a conversation
        ("><><", 5.0),
    ],
)
async def test_what_has_passed_tells_how_long_a_flow_is_worth_waiting_for(
    stage: Stage, passed: str, seconds: float
) -> None:
    await stage.play(passed)
    stage.time.pass_(seconds - 0.01)
    assert stage.port.under_way == 1
    stage.time.pass_(0.02)
    assert (stage.port.under_way, stage.port.flows) == (0, 1)


async def test_silent_flows_are_still_served_when_no_new_one_begins(stage: Stage) -> None:
    await stage.play("><")
    stage.port.stop_accepting()
    stage.time.pass_(30.0)
    assert stage.port.under_way == 0
    await stage.play("><")
    assert stage.port.under_way == 1 and stage.gateway.reasons() == []


async def test_flows_that_are_not_waited_for_end_well_and_the_others_are_cut(stage: Stage) -> None:
    await stage.play("><")
    stage.time.pass_(2.0)
    stage.client = await udp_client(stage.client.transport.get_extra_info("peername")[1])
    stage.client.transport.sendto(b"question")
    await stage.endpoint.next()
    assert (stage.port.under_way, stage.port.flows) == (1, 2)
    stage.port.close()
    assert stage.gateway.reasons() == ["", "drained"]


async def test_what_has_come_before_is_served_and_what_comes_after_is_counted(stage: Stage) -> None:
    stage.client.transport.sendto(b"before")
    stage.port.stop_accepting()
    assert await stage.endpoint.next() == b"before"
    strangers = [await udp_client(stage.client.transport.get_extra_info("peername")[1]) for _ in range(3)]
    for stranger in strangers:
        stranger.transport.sendto(b"after")
    await eventually(lambda: stage.gateway.counted("", "draining") == 3.0)
    assert stage.port.flows == 1 and stage.gateway.reasons() == ["draining"]


async def test_a_client_whose_endpoint_is_gone_is_still_known(stage: Stage) -> None:
    await stage.play("><")
    other = await udp_server()
    stage.gateway.install(udp(to(other.port, protocol="udp")))
    [served] = stage.gateway.plane._ports.values()
    stage.port.port.table = served.port.table
    stage.port.stop_accepting()
    stage.client.transport.sendto(b"x")
    assert await stage.client.next() == b"X"
    assert stage.gateway.reasons() == ["endpoint_gone"]


async def test_octets_are_counted_while_a_flow_goes_on_and_none_of_them_twice(stage: Stage) -> None:
    def counted() -> list[float]:
        metrics, backend = stage.gateway.metrics, f"default/{stage.endpoint.port}:80"
        names = ("default/gateway", "l4", "default/r", backend)
        return [metrics.values[metrics.counter("penstock_l4_bytes_total", (*names, way))] for way in ("in", "out")]

    stage.gateway.plane._plane.ongoing = Ongoing(stage.time.wheel)
    await stage.play("><>")
    assert counted() == [0.0, 0.0]
    stage.time.pass_(EVERY + 0.1)
    assert counted() == [2.0 * len(b"question"), 1.0 * len(b"answer")]
    await stage.play("<>")
    stage.time.pass_(EVERY)
    assert counted() == [3.0 * len(b"question"), 2.0 * len(b"answer")]
    await stage.play("<")
    stage.port.close()
    stage.time.pass_(EVERY)
    assert counted() == [3.0 * len(b"question"), 3.0 * len(b"answer")]
    assert len(stage.gateway.plane._plane.ongoing) == 0
