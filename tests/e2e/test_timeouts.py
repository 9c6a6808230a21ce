"""timeouts.request and timeouts.backendRequest: what they cover, what they cut, and what is left when they are off."""

import asyncio

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.route import Timeouts
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer, answers_everything, ok
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
REQUEST = Timeouts(request=0.1)
ATTEMPT = Timeouts(backend_request=0.1)


async def silent(peer: Peer) -> None:
    await peer.to_the_end()


async def stalls_in_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    await peer.to_the_end()


def reason(gateway: Gateway) -> tuple[int, str, str]:
    record = gateway.log.records[-1]
    return record.status, record.flags, record.reason


@pytest.mark.parametrize(("timeouts", "why"), [(REQUEST, "request_timeout"), (ATTEMPT, "backend_request_timeout")])
async def test_an_endpoint_that_does_not_answer_in_time_is_504(timeouts: Timeouts, why: str) -> None:
    async with (
        Backend(silent, answers_everything) as backend,
        Gateway(rule(to(backend.port), timeouts=timeouts)) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 504
        assert reason(gateway) == (504, "UT", why)
        await eventually(lambda: backend.peers[0].how)
        await client.send(GET)
        assert (await client.response()).status == 200


@pytest.mark.parametrize("timeouts", [REQUEST, ATTEMPT])
async def test_after_the_head_the_answer_is_cut(timeouts: Timeouts) -> None:
    async with Backend(stalls_in_body) as backend, Gateway(rule(to(backend.port), timeouts=timeouts)) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.to_the_end()).endswith(b"\r\n\r\nhello") and client.how == "reset"
        await eventually(lambda: backend.peers[0].how)


@pytest.mark.parametrize("timeouts", [REQUEST, ATTEMPT])
async def test_octets_that_keep_coming_do_not_move_the_end(timeouts: Timeouts) -> None:
    async def never_ends(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not peer.how:
            await peer.send(b"1\r\nx\r\n")
            await asyncio.sleep(0.002)

    async with Backend(never_ends) as backend, Gateway(rule(to(backend.port), timeouts=timeouts)) as gateway:
        client = await gateway.client()
        await client.send(GET)
        got = await client.to_the_end()
        assert got.count(b"x") > 1 and not got.endswith(b"0\r\n\r\n") and client.how


@pytest.mark.parametrize("timeouts", [REQUEST, Timeouts(request=0.1, backend_request=0.1)])
async def test_the_request_covers_its_own_body(timeouts: Timeouts) -> None:
    async with Backend(silent) as backend, Gateway(rule(to(backend.port), timeouts=timeouts)) as gateway:
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
        assert (await client.response()).status == 504
        await eventually(lambda: backend.peers[0].how)
        assert backend.requests == []


@pytest.mark.parametrize("timeouts", [Timeouts(), Timeouts(request=30.0), Timeouts(backend_request=30.0)])
async def test_a_rule_with_timeouts_is_free_of_the_gateways_own(timeouts: Timeouts) -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        # Until the deadline of the other rule, set later and just as long, has passed.
        await eventually(lambda: len(gateway.log.records) == 1)
        await peer.send(ok(b"late"))
        await peer.to_the_end()

    settings = DataPlaneSettings(response_head_timeout=0.1)
    async with (
        Backend(slow, silent) as backend,
        Gateway(
            rule(to(backend.port), path=b"/", timeouts=timeouts),
            rule(to(backend.port), path=b"/plain"),
            settings=settings,
        ) as gateway,
    ):
        patient, other = await gateway.client(), await gateway.client()
        await patient.send(GET)
        await eventually(lambda: backend.peers and backend.peers[0].received)
        await other.send(GET.replace(b"/a", b"/plain"))
        assert (await other.response()).status == 504
        assert (await patient.response()).body == b"late"


async def test_what_is_in_time_leaves_nothing_behind() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port), timeouts=Timeouts(3600.0, 1800.0))) as gateway:
        client = await gateway.client()
        for _ in range(100):
            await client.send(GET)
            assert (await client.response()).status == 200
        wheel = gateway.plane._wheel
        assert sum(map(len, wheel._slots.values())) < 20


async def test_a_tunnel_outlives_the_timeouts_of_its_request() -> None:
    async def upgrades(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
        await peer.until(b"ping")
        await peer.send(b"pong")
        await peer.to_the_end()

    timeouts = Timeouts(request=0.1, backend_request=0.1)
    async with (
        Backend(upgrades, silent) as backend,
        Gateway(rule(to(backend.port), timeouts=timeouts)) as gateway,
    ):
        client, other = await gateway.client(), await gateway.client()
        await client.send(b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
        assert (await client.response()).status == 101
        await other.send(GET)  # set later and just as long: when it is over, the tunnel's would be
        assert (await other.response()).status == 504
        await client.send(b"ping")
        assert await client.until(b"pong")


async def test_a_client_that_leaves_takes_its_deadlines_along() -> None:
    async with Backend(silent) as backend, Gateway(rule(to(backend.port), timeouts=REQUEST)) as gateway:
        gone, other = await gateway.client(), await gateway.client()
        await gone.send(GET)
        await eventually(lambda: backend.peers and backend.peers[0].received)
        gone.reset()
        await eventually(lambda: gateway.log.records)
        await other.send(GET)
        assert (await other.response()).status == 504
        assert [record.status for record in gateway.log.records] == [499, 504]
