"""Filters in the life of an exchange: at once, after a while, in trouble, and when the client has left meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.errors import ClientGone, RequestHeadersTooLarge
from proxy.filters.base import FilterChain, FilterContext, RequestStep, ResponseStep
from proxy.protocol.message import Reply, Request, Response
from tests.e2e.gateway import LISTENER, Gateway, rule, to
from tests.forward.memory import MemoryConnection, MemoryPool, asking, origin_over

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway(rule(to(1))) as gateway:
        yield gateway


class Filtered:
    """One request through these filters of its rule, or of its backend."""

    def __init__(
        self, gateway: Gateway, *steps: RequestStep, after: tuple[ResponseStep, ...] = (), at: str = "rule"
    ) -> None:
        hit = gateway.plane._listeners[LISTENER].table.match(b"a", b"/a", b"GET", [], None)
        assert hit is not None
        holder = hit.rule if at == "rule" else hit.rule.backends[0]
        holder.chain = FilterChain(steps, after)
        self.pool = MemoryPool()
        self.memory = MemoryConnection(origin_over(gateway.plane, self.pool, 80))
        self.stream = self.memory.head(1, asking(), end=True)

    @property
    def status(self) -> object:
        return self.memory.frames(1)[0][1]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def names(request: Request, context: FilterContext) -> None:
    request.headers.append((b"x-client", context.client.encode()))


def answers(request: Request, context: FilterContext) -> Reply:
    return Reply(418, [], b"tea")


def breaks(request: Request, context: FilterContext) -> None:
    raise ValueError("broken")


def refuses(request: Request, context: FilterContext) -> None:
    raise RequestHeadersTooLarge("too_much")


@pytest.mark.parametrize("at", ["rule", "backend"])
async def test_a_filter_that_changes_the_request(gateway: Gateway, at: str) -> None:
    it = Filtered(gateway, names, at=at)
    assert b"\r\nx-client: 192.0.2.1\r\n" in it.pool.made[0].wire.written


@pytest.mark.parametrize("at", ["rule", "backend"])
@pytest.mark.parametrize(("step", "status"), [(answers, 418), (breaks, 500), (refuses, 431)])
async def test_a_filter_that_ends_the_exchange(gateway: Gateway, step: RequestStep, status: int, at: str) -> None:
    it = Filtered(gateway, step, names, at=at)
    assert it.status == status and it.pool.made == []


@pytest.mark.parametrize("at", ["rule", "backend"])
async def test_a_filter_that_waits_lets_the_next_ones_wait(gateway: Gateway, at: str) -> None:
    ready = asyncio.Event()

    async def waits(request: Request, context: FilterContext) -> None:
        await ready.wait()

    it = Filtered(gateway, waits, names, at=at)
    await settle()
    assert it.pool.made == []
    ready.set()
    await settle()
    assert b"\r\nx-client: " in it.pool.made[0].wire.written


async def test_a_coroutine_that_does_not_wait(gateway: Gateway) -> None:
    async def passes(request: Request, context: FilterContext) -> Reply | None:
        return None

    it = Filtered(gateway, passes, names)
    await settle()
    assert b"\r\nx-client: " in it.pool.made[0].wire.written


@pytest.mark.parametrize(("outcome", "status"), [(Reply(418), 418), (ValueError("late"), 500), (refuses, 431)])
async def test_a_filter_that_waits_and_then_ends_the_exchange(gateway: Gateway, outcome: object, status: int) -> None:
    async def waits(request: Request, context: FilterContext) -> Reply | None:
        await asyncio.sleep(0)
        if isinstance(outcome, Reply):
            return outcome
        if isinstance(outcome, Exception):
            raise outcome
        return refuses(request, context)  # type: ignore[func-returns-value]

    it = Filtered(gateway, waits)
    await settle()
    assert it.status == status and it.pool.made == []


async def test_a_client_that_leaves_takes_its_waiting_filter_with_it(gateway: Gateway) -> None:
    ended: list[str] = []

    async def waits(request: Request, context: FilterContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    it = Filtered(gateway, waits)
    await settle()
    it.memory.reset(1, ClientGone("stream_reset"))
    await settle()
    assert ended == ["cancelled"] and it.memory.sent == [] and it.pool.made == []


@pytest.mark.parametrize("at", ["rule", "backend"])
async def test_a_response_filter(gateway: Gateway, at: str) -> None:
    seen: list[int] = []
    it = Filtered(gateway, after=(lambda response, context: seen.append(response.status),), at=at)
    it.pool.made[0].codec.feed(ANSWER)
    assert (seen, it.status) == ([200], 200)


async def test_a_response_filter_that_breaks_hides_the_response(gateway: Gateway) -> None:
    def broken(response: Response, context: FilterContext) -> None:
        raise ValueError("broken")

    it = Filtered(gateway, after=(broken,))
    it.pool.made[0].codec.feed(ANSWER)
    assert it.status == 500 and it.pool.made[0].wire.signals == ["aborted"]
