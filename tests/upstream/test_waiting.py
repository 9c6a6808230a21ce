"""Requests that wait for a connection while all are in use: in order, and not for ever."""

from proxy.errors import Overloaded
from tests.upstream.memory_loop import PoolUnderTest, Waiter


async def test_a_request_gives_up_when_no_connection_gets_free() -> None:
    it = PoolUnderTest(max_connections=1, wait_timeout=10.0)
    await it.connected()
    first, second = Waiter(), Waiter()
    it.pool.request(first)
    it.time.pass_(6)
    it.pool.request(second)
    it.time.pass_(3.9)
    assert (first.error, second.error) == (None, None)
    it.time.pass_(0.2)
    assert isinstance(first.error, Overloaded) and first.error.reason == "upstream_wait_timeout"
    assert second.error is None
    it.time.pass_(6)
    assert second.error is not None
    assert it.books == (1, 0, 1, 0.0, 1.0)


async def test_a_request_that_was_served_in_time_is_left_alone() -> None:
    it = PoolUnderTest(max_connections=1, wait_timeout=10.0)
    connection = await it.connected()
    waiter = Waiter()
    it.pool.request(waiter)
    connection.released(True)
    it.time.pass_(60)
    assert waiter.connection is connection and waiter.error is None


async def test_a_connection_that_is_full_carries_no_other_request() -> None:
    """The endpoint has answered without reading; that its connection is full is said once and was said already."""
    it = PoolUnderTest()
    connection = await it.connected()
    connection.pause_writing()
    connection.released(True)
    assert it.pool.take() is None
    await it.settled()
    assert it.pool.connections == 0
