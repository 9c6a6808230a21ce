"""Reflector: how long it waits, told by what it asks its observer to wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from proxy.resources.kinds import GATEWAY
from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.backoff import Pace
from proxy.sources.kubernetes.client import KubernetesClient
from proxy.sources.kubernetes.collection import Change, Collection
from proxy.sources.kubernetes.discovery import Discovery
from proxy.sources.kubernetes.reflector import Reflector, State
from proxy.sources.kubernetes.scope import Scope
from tests.patience import eventually
from tests.sources.kubernetes.api_server import ApiServer, api_server, status
from tests.sources.kubernetes.following import access_to

PACE = Pace(first=1.0, longest=3600.0)


class Waiter:
    """An Observer that writes down how long it is to wait, and waits until it is told to go on."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.states: list[tuple[State, str]] = []
        self.on = asyncio.Event()

    def noted(self, scope: Scope, state: State, why: str, verb: str, plural: str) -> None:
        self.states.append((state, plural))

    def changed(self, scope: Scope, key: ObjectKey, change: Change) -> None: ...
    def event(self, scope: Scope, type_: str) -> None: ...
    def relisted(self, scope: Scope, reason: str) -> None: ...
    def contact(self) -> None: ...

    async def pause(self, seconds: float) -> bool:
        self.waits.append(seconds)
        await self.on.wait()
        self.on.clear()
        return False

    async def next(self) -> float:
        """Lets it go on; the wait after that."""
        number = len(self.waits)
        self.on.set()
        await eventually(lambda: len(self.waits) > number)
        return self.waits[-1]


async def ended_at_once(request: web.Request) -> web.StreamResponse | None:
    """As an API server does with watches of custom resources while it starts."""
    return web.Response() if request.query.get("watch") else None


async def forbidden(request: web.Request) -> web.StreamResponse | None:
    """Everything, discovery included, as an API server does before it has read its roles."""
    return status(403, "Forbidden", "forbidden")


@asynccontextmanager
async def reflected(server: ApiServer, kind: str, group: str = "") -> AsyncIterator[Waiter]:
    client, waiter = KubernetesClient(access_to(server)), Waiter()
    reflector = Reflector(client, Discovery(client), Scope(group, kind), Collection(kind), waiter, PACE)
    running = asyncio.create_task(reflector.run())
    try:
        await eventually(lambda: waiter.waits)
        yield waiter
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await client.close()


async def test_a_refusal_right_after_an_outage_is_no_news() -> None:
    async with api_server() as server:
        server.refuse = forbidden
        await server.stop()
        async with reflected(server, "Service") as waiter:
            await server.start()
            await waiter.next()
            assert {state for state, _ in waiter.states} == {"away"}


async def test_a_refusal_by_an_api_server_that_was_there_is_named_with_the_right_plural() -> None:
    async with api_server() as server:
        server.refuse = forbidden
        async with reflected(server, "GatewayClass", GATEWAY) as waiter:
            assert waiter.states == [("forbidden", "gatewayclasses")]


async def test_a_long_outage_does_not_make_the_wait_after_a_brief_watch_long() -> None:
    async with api_server() as server:
        server.refuse = ended_at_once
        async with reflected(server, "Service") as waiter:
            await outage(server, waiter)
            assert await waiter.next() <= 2.0
            brief = [await waiter.next() for _ in range(12)]
            assert max(brief) > 60.0, "watches that always end at once are asked for less and less"


async def outage(server: ApiServer, waiter: Waiter) -> None:
    await server.stop()
    waits = [await waiter.next() for _ in range(14)]
    assert max(waits) > 60.0
    await server.start()
