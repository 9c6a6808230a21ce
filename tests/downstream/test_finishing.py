"""How a connection ends when its client has not taken all of its answer yet."""

from collections.abc import AsyncIterator

import pytest

from tests.downstream.test_connection import ANSWER, GET, Client
from tests.e2e.gateway import Gateway, rule, to


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway(rule(to(1))) as gateway:
        yield gateway


def closing(gateway: Gateway, unsent: int) -> Client:
    """A connection that was closed for being idle, with octets left to send."""
    client = Client(gateway)
    client.sends(GET)
    client.endpoint_says(ANSWER)
    client.transport.unsent = unsent
    client.time.pass_(75.1)
    assert client.transport.end == "closed"
    return client


async def test_a_client_that_takes_nothing_more_is_cut_off(gateway: Gateway) -> None:
    client = closing(gateway, unsent=1000)
    client.time.pass_(29.8)
    assert client.transport.end == "closed"
    client.time.pass_(0.3)
    assert client.transport.end == "aborted"


async def test_a_client_that_takes_a_little_now_and_then_is_waited_for(gateway: Gateway) -> None:
    client = closing(gateway, unsent=1000)
    for left in (900, 500, 1):
        client.transport.unsent = left
        client.time.pass_(30.1)
        assert client.transport.end == "closed"
    client.time.pass_(30.1)
    assert client.transport.end == "aborted"


async def test_a_refusal_is_lingered_over_until_it_is_sent(gateway: Gateway) -> None:
    client = Client(gateway)
    client.transport.unsent = 500
    client.sends(b"nonsense\r\n\r\n")
    assert client.transport.end == "half-closed"
    client.time.pass_(3)
    assert client.transport.end == "half-closed"
    client.transport.unsent = 0
    client.time.pass_(28)
    assert client.transport.end == "aborted"
