"""Shares of weighted backends and of endpoints, counted at the endpoints; what a reload may and may not change."""

import asyncio

from proxy.downstream.settings import DataPlaneSettings
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer, ok
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


async def ask(client: Peer, times: int) -> None:
    for _ in range(times):
        await client.send(GET)
        assert (await client.response()).status == 200


async def test_weights_to_within_one_request_even_across_reloads() -> None:
    async with Backend() as one, Backend() as two, Backend() as three, Backend() as none:
        weighted = rule(
            to(one.port, weight=70), to(two.port, weight=25), to(three.port, weight=5), to(none.port, weight=0)
        )
        async with Gateway(weighted) as gateway:
            client = await gateway.client()
            for asked in range(1, 121):
                await ask(client, 1)
                if asked % 7 == 0:
                    gateway.install(weighted)
                for backend, share in ((one, 0.70), (two, 0.25), (three, 0.05)):
                    assert abs(len(backend.requests) - asked * share) <= 1
            assert none.peers == []


async def test_an_invalid_share_is_500_and_the_rest_is_served() -> None:
    async with Backend() as backend:
        sound, upstream = to(backend.port)
        broken = type(sound)("default/none:80", 1, "", invalid="BackendNotFound")
        async with Gateway(rule((sound, upstream), (broken, upstream))) as gateway:
            client = await gateway.client()
            statuses = []
            for _ in range(20):
                await client.send(GET)
                statuses.append((await client.response()).status)
            assert sorted(statuses) == [200] * 10 + [500] * 10


async def test_the_endpoint_with_the_fewest_requests_in_flight_is_asked() -> None:
    hold = asyncio.Event()

    async def holds(peer: Peer) -> None:
        while True:
            await peer.request()
            await hold.wait()
            await peer.send(ok(b"held"))

    async with Backend(holds) as slow, Backend() as quick, Gateway(rule(to(slow.port, quick.port))) as gateway:
        client = await gateway.client()
        waiting = await gateway.client()
        while not slow.peers:
            waiting = await gateway.client()
            await waiting.send(GET)
            await asyncio.sleep(0.01)
        before = len(quick.requests)
        await ask(client, 20)
        assert len(quick.requests) - before == 20 and len(slow.requests) == 1
        hold.set()


async def test_idle_endpoints_take_turns() -> None:
    async with (
        Backend() as one,
        Backend() as two,
        Backend() as three,
        Gateway(rule(to(one.port, two.port, three.port))) as gateway,
    ):
        await ask(await gateway.client(), 30)
        assert [len(backend.requests) for backend in (one, two, three)] == [10, 10, 10]


async def test_a_removed_endpoint_gets_nothing_more_and_a_kept_one_keeps_its_connection() -> None:
    async with Backend() as stays, Backend() as goes:
        both, upstream = to(stays.port, goes.port)
        async with Gateway(rule((both, upstream))) as gateway:
            client = await gateway.client()
            await ask(client, 10)
            gone = len(goes.requests)
            left = type(upstream)(upstream.key, upstream.endpoints[:1])
            gateway.install(rule((both, left)))
            await ask(client, 10)
            assert len(goes.requests) == gone
            assert len(stays.peers) == 1
            await eventually(lambda: goes.peers[0].how)


async def test_connections_are_reused() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        for _ in range(5):
            client = await gateway.client()
            await ask(client, 5)
        assert len(backend.peers) == 1


async def test_no_more_connections_than_allowed() -> None:
    hold = asyncio.Event()

    async def holds(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await hold.wait()
            await peer.send(ok(request.path))

    settings = DataPlaneSettings(max_upstream_connections=2, max_upstream_waiting=3)
    async with Backend(holds) as backend, Gateway(rule(to(backend.port)), settings=settings) as gateway:
        clients = [await gateway.client() for _ in range(7)]
        for client in clients:
            await client.send(GET)
        answers = [asyncio.ensure_future(client.response()) for client in clients]
        refused = []
        while len(refused) < 2:
            await asyncio.sleep(0.005)
            refused = [answer for answer in answers if answer.done()]
        assert [answer.result().status for answer in refused] == [503, 503]
        assert len(backend.peers) == 2
        hold.set()
        statuses = [(await answer).status for answer in answers]
        assert sorted(statuses) == [200] * 5 + [503] * 2
        assert len(backend.peers) == 2
