"""The books of one endpoint: every connection and every exchange is counted once, whatever happens to it."""

import pytest

from proxy.errors import Overloaded
from tests.upstream.memory_loop import PoolUnderTest, Waiter

NOTHING = (0, 0, 0, 0.0, 0.0)
ONE_IDLE = (1, 1, 0, 1.0, 0.0)
ONE_ACTIVE = (1, 0, 1, 0.0, 1.0)


async def test_a_connection_is_made_used_kept_and_used_again() -> None:
    it = PoolUnderTest()
    assert it.pool.take() is None
    connection = await it.connected()
    assert it.books == ONE_ACTIVE and not connection.reused
    connection.released(True)
    assert it.books == ONE_IDLE
    assert it.pool.take() is connection and connection.reused
    assert it.books == ONE_ACTIVE


async def test_a_connection_that_cannot_be_reused_is_closed() -> None:
    it = PoolUnderTest()
    connection = await it.connected()
    connection.released(False)
    await it.settled()
    assert it.books == NOTHING


async def test_the_connection_used_last_is_used_first() -> None:
    it = PoolUnderTest()
    one, two = await it.connected(), await it.connected()
    one.released(True)
    two.released(True)
    assert it.pool.take() is two and it.pool.take() is one


async def test_idle_connections_grow_old_and_are_closed() -> None:
    it = PoolUnderTest(idle_timeout=60.0)
    one, two = await it.connected(), await it.connected()
    one.released(True)
    it.time.pass_(30)
    two.released(True)
    it.time.pass_(30.1)
    await it.settled()
    assert it.books == ONE_IDLE
    it.time.pass_(30)
    await it.settled()
    assert it.books == NOTHING


async def test_a_connection_that_is_just_being_closed_is_not_handed_out() -> None:
    it = PoolUnderTest(idle_timeout=60.0)
    (await it.connected()).released(True)
    it.time.pass_(60.1)
    assert it.pool.take() is None
    await it.settled()
    assert it.books == NOTHING


async def test_an_idle_connection_that_the_endpoint_closes_is_not_handed_out() -> None:
    it = PoolUnderTest()
    connection = await it.connected()
    connection.released(True)
    connection.eof_received()
    assert it.pool.take() is None
    await it.settled()
    assert it.books == NOTHING


async def test_a_connection_closed_by_a_reload_is_not_handed_out_after_the_next() -> None:
    it = PoolUnderTest()
    (await it.connected()).released(True)
    it.pool.retire()
    it.pool.revive()
    assert it.pool.take() is None
    await it.settled()
    assert it.books == NOTHING


async def test_idle_connections_are_closed_even_when_one_was_just_released() -> None:
    it = PoolUnderTest(idle_timeout=60.0)
    one, two = await it.connected(), await it.connected()
    one.released(True)
    it.time.pass_(60.1)
    two.released(True)
    await it.settled()
    assert it.books == ONE_IDLE
    it.time.pass_(60.1)
    await it.settled()
    assert it.books == NOTHING


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(), "connection_refused"),
        (OSError("no route"), "unreachable"),
    ],
)
async def test_a_failed_attempt(error: Exception, reason: str) -> None:
    it = PoolUnderTest()
    waiter = Waiter()
    it.pool.request(waiter)
    await it.settled()
    assert it.books[:3] == (1, 0, 1)
    it.loop.dials[0].fails(error)
    await it.settled()
    assert waiter.error is not None and (waiter.error.reason, waiter.error.retryable) == (reason, True)
    assert (it.books, it.failures) == (NOTHING, [reason])


async def test_an_attempt_that_takes_too_long() -> None:
    it = PoolUnderTest(connect_timeout=2.0)
    waiter = Waiter()
    it.pool.request(waiter)
    await it.settled()
    it.time.pass_(2.1)
    await it.settled()
    assert waiter.error is not None and waiter.error.status == 504
    assert (it.books, it.failures) == (NOTHING, ["connect_timeout"])


async def test_a_connection_that_is_lost_while_it_is_made() -> None:
    it = PoolUnderTest()
    waiter = Waiter()
    it.pool.request(waiter)
    await it.settled()
    it.loop.dials[0].succeeds()
    await it.being_made()
    it.loop.dials[0].connection.connection_lost(None)
    await it.settled()
    assert waiter.error is not None
    assert it.books == NOTHING


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("moment", ["dialing", "connected", "waiting"])
async def test_a_waiter_that_is_forgotten_at_any_moment_leaves_the_books_right(moment: str, silent: bool) -> None:
    it = PoolUnderTest(max_connections=1)
    it.loop.silent = silent
    waiter = Waiter()
    if moment == "waiting":
        connection = await it.connected()
        it.pool.request(waiter)
        it.pool.forget(waiter)
        assert it.books == ONE_ACTIVE
        connection.released(False)
    else:
        it.pool.request(waiter)
        await it.settled()
        if moment == "connected":
            it.loop.dials[0].succeeds()
            await it.being_made()
        it.pool.forget(waiter)
    await it.settled()
    assert (waiter.connection, waiter.error) == (None, None)
    assert it.books == NOTHING


async def test_at_the_limit_requests_wait_for_a_connection_in_their_order() -> None:
    it = PoolUnderTest(max_connections=1, max_waiting=2)
    connection = await it.connected()
    first, second, third = Waiter(), Waiter(), Waiter()
    it.pool.request(first)
    it.pool.request(second)
    with pytest.raises(Overloaded):
        it.pool.request(third)
    assert it.books == (1, 0, 3, 0.0, 1.0)
    connection.released(True)
    assert (first.connection, second.connection) == (connection, None)
    connection.released(False)
    await it.settled()
    it.loop.dials[-1].succeeds()
    await it.settled()
    assert second.connection is not None and second.connection is not connection
    assert it.books == ONE_ACTIVE


async def test_a_failed_attempt_lets_the_next_waiter_try() -> None:
    it = PoolUnderTest(max_connections=1)
    first, second = Waiter(), Waiter()
    it.pool.request(first)
    it.pool.request(second)
    await it.settled()
    it.loop.dials[0].fails(ConnectionRefusedError())
    await it.settled()
    it.loop.dials[1].succeeds()
    await it.settled()
    assert first.error is not None and second.connection is not None
    assert it.books == ONE_ACTIVE


async def test_a_fresh_connection_at_the_limit_takes_the_place_of_an_idle_one() -> None:
    it = PoolUnderTest(max_connections=1)
    (await it.connected()).released(True)
    waiter = Waiter()
    it.pool.request(waiter, fresh=True)
    await it.settled()
    it.loop.dials[-1].succeeds()
    await it.settled()
    assert waiter.connection is not None and not waiter.connection.reused
    assert it.books == ONE_ACTIVE


async def test_a_retired_pool_ends_its_connections_as_they_come_back() -> None:
    it = PoolUnderTest()
    idle, busy = await it.connected(), await it.connected()
    idle.released(True)
    it.pool.retire()
    await it.settled()
    assert it.books == ONE_ACTIVE
    busy.released(True)
    await it.settled()
    assert it.books == NOTHING


async def test_labels_say_host_and_port() -> None:
    assert PoolUnderTest().pool.label == "192.0.2.1:80"
