"""Back-pressure that was said before there was anybody to pass it on to."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.gateway import Gateway, rule, to
from tests.forward.memory import MemoryConnection, MemoryPool, MemoryUpstream, asking, origin_over


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway(rule(to(1))) as gateway:
        yield gateway


def reading(upstream: MemoryUpstream) -> bool:
    return upstream.wire.reading


@pytest.mark.parametrize("writable_again", [False, True])
async def test_a_connection_made_after_the_client_stopped_reading_is_paused(
    gateway: Gateway, writable_again: bool
) -> None:
    pool = MemoryPool(at_once=False)
    memory = MemoryConnection(origin_over(gateway.plane, pool, 80))
    memory.head(1, asking(), end=True)
    exchange = pool.waiting[0]
    exchange.on_downstream_blocked()
    if writable_again:
        exchange.on_downstream_writable()
    pool.at_once = True
    upstream = pool.take()
    assert upstream is not None
    exchange.on_connected(upstream)  # type: ignore[arg-type]
    assert reading(upstream) is writable_again
    exchange.on_downstream_writable()
    assert reading(upstream)
