"""Filters in the life of an exchange: at once, after a while, in trouble, and when the client has left meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.errors import ClientGone, RequestHeadersTooLarge
from proxy.filters.base import FilterChain, FilterContext, RequestStep, ResponseStep, WholeBody
from proxy.protocol.message import Reply, Request, Response
from tests.e2e.gateway import LISTENER, Gateway, rule, to
from tests.forward.memory import MemoryConnection, MemoryPool, asking, origin_over
from tests.patience import eventually

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway(rule(to(1))) as gateway:
        yield gateway


class Filtered:
    """One request through these filters of its rule, or of its backend."""

    def __init__(
        self,
        gateway: Gateway,
        *steps: RequestStep,
        after: tuple[ResponseStep, ...] = (),
        at: str = "rule",
        length: int = 0,
        request: Request | None = None,
    ) -> None:
        hit = gateway.plane._listeners[LISTENER].table.match(b"a", b"/a", b"GET", [], None)
        assert hit is not None
        holder = hit.rule if at == "rule" else hit.rule.backends[0]
        holder.chain = FilterChain(steps, after)
        self.pool = MemoryPool()
        self.memory = MemoryConnection(origin_over(gateway.plane, self.pool, 80))
        self.stream = self.memory.head(1, request or asking(length=length), end=not length)

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


# --- limits of what waits ---------------------------------------------------------------------


async def for_ever(request: Request, context: FilterContext) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("at", ["rule", "backend"])
async def test_a_filter_that_waits_for_ever_is_504(at: str) -> None:
    async with Gateway(rule(to(1)), settings=DataPlaneSettings(filter_timeout=0.05)) as gateway:
        it = Filtered(gateway, for_ever, names, at=at)
        await eventually(lambda: it.memory.sent)
        assert it.status == 504 and it.pool.made == []
        assert gateway.log.records[-1].reason == "filter_timeout"
        assert gateway.log.records[-1].overhead_ms < gateway.log.records[-1].duration_ms


async def test_a_filter_that_gives_itself_up_is_500(gateway: Gateway) -> None:
    async def gives_up(request: Request, context: FilterContext) -> None:
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    it = Filtered(gateway, gives_up)
    await settle()
    assert it.status == 500 and it.pool.made == []


async def test_what_a_filter_says_after_it_was_given_up_is_heard_by_nobody(gateway: Gateway) -> None:
    async def complains(request: Request, context: FilterContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("too late")

    it = Filtered(gateway, complains)
    await settle()
    it.memory.reset(1, ClientGone("stream_reset"))
    await settle()
    assert it.memory.sent == [] and it.pool.made == []


# --- the whole body ---------------------------------------------------------------------------


class Gathered(Filtered):
    """A request with a body of unknown length; what a step after `WholeBody` saw of it is in `seen`."""

    def __init__(self, gateway: Gateway, *before: RequestStep, at_most: int = 5, at: str = "rule") -> None:
        self.seen: list[bytes] = []

        def sees(request: Request, context: FilterContext) -> None:
            self.seen.append(context.body)

        super().__init__(gateway, *before, WholeBody(at_most).on_request, sees, at=at, length=-1)


@pytest.mark.parametrize("at", ["rule", "backend"])
async def test_steps_after_it_run_when_the_body_is_whole(gateway: Gateway, at: str) -> None:
    it = Gathered(gateway, at=at)
    it.memory.data(1, b"he")
    it.memory.data(1, b"llo")
    assert it.seen == [] and it.pool.made == [] and not it.stream.paused
    it.memory.end(1, [(b"x-sum", b"1")])
    assert it.seen == [b"hello"]
    assert it.pool.made[0].wire.written.endswith(b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n")


async def test_a_body_of_nothing_is_whole_as_well(gateway: Gateway) -> None:
    it = Gathered(gateway)
    it.memory.end(1)
    assert it.seen == [b""] and it.pool.made[0].wire.written.endswith(b"\r\n\r\n0\r\n\r\n")


async def test_one_octet_too_many_is_413(gateway: Gateway) -> None:
    it = Gathered(gateway)
    it.memory.data(1, b"hello")
    assert it.memory.sent == []
    it.memory.data(1, b"!")
    assert it.status == 413 and it.seen == [] and it.pool.made == []
    it.memory.data(1, b"more")
    it.memory.end(1)
    assert it.seen == [] and it.pool.made == [] and len(it.memory.frames(1)) == 3


async def test_a_client_that_was_held_back_by_a_filter_before_goes_on(gateway: Gateway) -> None:
    ready = asyncio.Event()

    async def waits(request: Request, context: FilterContext) -> None:
        await ready.wait()

    it = Gathered(gateway, waits)
    await settle()
    it.memory.data(1, b"he")
    assert it.stream.paused
    ready.set()
    await settle()
    assert not it.stream.paused and it.seen == []
    it.memory.data(1, b"llo")
    it.memory.end(1)
    assert it.seen == [b"hello"] and len(it.pool.made) == 1


async def test_a_client_that_leaves_with_half_a_body(gateway: Gateway) -> None:
    it = Gathered(gateway)
    it.memory.data(1, b"he")
    it.memory.reset(1, ClientGone("stream_reset"))
    assert it.memory.sent == [] and it.seen == [] and it.pool.made == []


async def test_no_limit_of_ours_runs_while_the_client_sends() -> None:
    async with Gateway(rule(to(1)), settings=DataPlaneSettings(filter_timeout=0.02)) as gateway:
        it = Gathered(gateway)
        it.memory.data(1, b"he")
        clock = gateway.plane._plane.clock
        later = clock() + 0.1
        await eventually(lambda: clock() > later)
        it.memory.data(1, b"llo")
        it.memory.end(1)
        assert it.seen == [b"hello"] and it.memory.sent == []


def passes(head: Request | Response, context: FilterContext) -> None:
    """A filter that might have done anything."""


async def test_what_filters_have_seen_is_looked_at_again_before_it_goes_out(gateway: Gateway) -> None:
    """HTTP/2 sends the fields that it has brought without another look (Request.as_read)."""
    request = asking()
    request.as_read = True
    filtered = Filtered(gateway, passes, after=(passes,), request=request)
    assert not request.as_read
    response = Response(200)
    response.as_read = True
    sink = filtered.pool.made[0].codec._sink
    assert sink is not None
    sink.on_response_head(response, False)
    assert filtered.status == 200 and not response.as_read
