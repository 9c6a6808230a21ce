"""Attempts to connect that nobody waits for any more, on a loop that is as taciturn as uvloop."""

import pytest

from proxy.errors import ConnectTimeout
from tests.upstream.memory_loop import PoolUnderTest, Waiter

NOTHING = (0, 0, 0, 0.0, 0.0)


@pytest.mark.parametrize("why", ["the client went", "it took too long"])
async def test_a_connection_closed_before_it_was_handed_out_holds_no_place(why: str) -> None:
    """uvloop closes a connection whose `create_connection` is cancelled, and never calls connection_lost."""
    it = PoolUnderTest(connect_timeout=2.0)
    waiter = Waiter()
    it.pool.request(waiter)
    await it.settled()
    it.loop.dials[-1].succeeds()
    await it.being_made()
    connection = it.loop.dials[-1].connection
    assert connection is not None and connection.transport is not None
    connection.transport.close = connection.transport.abort = lambda: None  # type: ignore[method-assign]
    if why == "the client went":
        it.pool.forget(waiter)
    else:
        it.time.pass_(2.1)
    await it.settled()
    assert it.books == NOTHING
    assert waiter.connection is None and isinstance(waiter.error, ConnectTimeout) == (why == "it took too long")
    connection.connection_lost(None)  # another loop may say so later
    assert it.books == NOTHING
