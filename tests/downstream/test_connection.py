"""One client connection on a transport in memory and a clock that the test moves: what it waits for, and how long."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.downstream.connection import ClientConnection
from proxy.downstream.listeners import BoundPort
from proxy.downstream.settings import DataPlaneSettings
from proxy.protocol.limits import Limits
from proxy.snapshot.snapshot import Bind
from tests.clock import ManualTime
from tests.e2e.gateway import LISTENER, Gateway, rule, to
from tests.forward.memory import MemoryPool, origin_over

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Transport(asyncio.Transport):
    """A socket that is a list."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 5000)})
        self.written = b""
        self.end = ""
        self.reading = True
        self.unsent = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: Any) -> None:
        assert not self.end
        self.written += data

    def write_eof(self) -> None:
        self.end = "half-closed"

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        self.end = "aborted"

    def is_closing(self) -> bool:
        return self.end in ("closed", "aborted")

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Client:
    """A connection of a client, and the endpoint behind the gateway."""

    def __init__(self, gateway: Gateway, **settings: Any) -> None:
        self.time = ManualTime()
        self.pool = MemoryPool()
        origin = origin_over(gateway.plane, self.pool, 80)
        listeners = (LISTENER,)
        self.port = BoundPort(
            Bind("", 80, listeners), origin.port, origin.plane, self.time.wheel, Limits(), DataPlaneSettings(**settings)
        )
        self.transport = Transport()
        self.connection = ClientConnection(self.port)
        self.connection.connection_made(self.transport)

    def sends(self, data: bytes) -> None:
        self.connection.data_received(data)

    def endpoint_says(self, data: bytes) -> None:
        self.pool.made[-1].codec.feed(data)

    @property
    def got(self) -> bytes:
        self.port.plane.batch.flush()
        written, self.transport.written = self.transport.written, b""
        return written


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway(rule(to(1))) as gateway:
        yield gateway


async def test_a_connection_that_says_nothing_is_closed_after_the_header_time(gateway: Gateway) -> None:
    client = Client(gateway)
    client.time.pass_(9.9)
    assert client.transport.end == ""
    client.time.pass_(0.2)
    assert (client.transport.end, client.got) == ("closed", b"")


async def test_a_head_must_be_whole_in_time_however_it_drips(gateway: Gateway) -> None:
    client = Client(gateway)
    for octet in GET[:9]:
        client.sends(bytes((octet,)))
        client.time.pass_(1.0)
    client.time.pass_(1.1)
    assert client.got.startswith(b"HTTP/1.1 408 ") and client.transport.end


async def test_the_header_time_starts_with_the_first_octet_of_the_next_head(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.endpoint_says(ANSWER)
    assert client.got == ANSWER
    client.time.pass_(60)
    client.sends(GET[:5])
    client.time.pass_(9.9)
    assert client.transport.end == ""
    client.time.pass_(0.2)
    assert client.got.startswith(b"HTTP/1.1 408 ")


async def test_an_idle_connection_is_closed_after_the_idle_time(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.endpoint_says(ANSWER)
    client.time.pass_(74.9)
    assert client.transport.end == ""
    client.time.pass_(0.2)
    assert (client.transport.end, client.got) == ("closed", ANSWER)


async def test_no_time_of_the_client_runs_while_it_waits_for_its_answer(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.time.pass_(1000)
    assert client.transport.end == ""
    client.endpoint_says(ANSWER)
    client.sends(POST + b"hello")
    client.time.pass_(1000)
    assert (client.transport.end, client.got) == ("", ANSWER)


async def test_a_body_may_take_its_time_as_long_as_it_moves(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(10):
        client.time.pass_(29)
        client.sends(b"z" * 10_000)
        assert client.transport.end == ""
    client.time.pass_(30.1)
    assert client.got.startswith(b"HTTP/1.1 408 ")
    assert client.pool.made[0].wire.signals == ["aborted"]


async def test_a_body_that_drips_is_too_slow_however_often_it_moves(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(35):
        client.time.pass_(1)
        client.sends(b"z")
        if client.transport.end:
            break
    assert client.got.startswith(b"HTTP/1.1 408 ")
    assert client.pool.made[0].wire.signals == ["aborted"]


async def test_a_client_that_takes_its_last_answer_slowly_gets_it_and_one_that_does_not_is_cut(
    gateway: Gateway,
) -> None:
    client = Client(gateway)
    client.sends(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    client.transport.unsent = 1000
    client.endpoint_says(ANSWER)
    assert client.transport.end == "closed"
    for left in (900, 500, 100):
        client.transport.unsent = left
        client.time.pass_(30.1)
        assert client.transport.end == "closed"
    client.time.pass_(30.1)
    assert client.transport.end == "aborted"


async def test_more_clients_than_allowed_are_refused(gateway: Gateway) -> None:
    client = Client(gateway, max_connections=1)
    other = ClientConnection(client.port)
    transport = Transport()
    other.connection_made(transport)
    assert (client.transport.end, transport.end) == ("", "aborted")
    other.connection_lost(None)
    client.connection.connection_lost(None)
    again = ClientConnection(client.port)
    transport = Transport()
    again.connection_made(transport)
    assert transport.end == ""


async def test_a_body_that_we_hold_back_is_not_the_client_s_fault(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(POST)
    client.pool.made[0].codec.blocked()
    assert not client.transport.reading
    client.time.pass_(100)
    assert client.transport.end == ""
    client.pool.made[0].codec.writable()
    assert client.transport.reading
    client.time.pass_(29)
    assert client.transport.end == ""
    client.time.pass_(1.1)
    assert client.got.startswith(b"HTTP/1.1 408 ")


async def test_a_refused_client_is_read_on_for_a_while_so_that_it_sees_why(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(b"GET /" + b"a" * 9000)
    assert client.got.startswith(b"HTTP/1.1 414 ")
    assert (client.transport.end, client.transport.reading) == ("half-closed", True)
    client.sends(b"a" * 9000)
    client.time.pass_(2.1)
    assert client.transport.end == "aborted"


async def test_a_refused_client_that_is_done_is_done(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(b"GET /" + b"a" * 9000)
    assert client.connection.eof_received() is False


@pytest.mark.parametrize("moved", [False, True])
async def test_a_client_that_half_closes_is_waited_for_a_little(gateway: Gateway, moved: bool) -> None:
    client = Client(gateway)
    client.sends(GET)
    assert client.connection.eof_received() is True
    client.time.pass_(1.9)
    assert client.transport.end == ""
    if moved:
        client.endpoint_says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.time.pass_(1000)
    assert client.transport.end == ("" if moved else "aborted")
    assert client.pool.made[0].wire.signals == ([] if moved else ["aborted"])


async def test_draining_closes_the_idle_and_lets_the_others_finish(gateway: Gateway) -> None:
    client = Client(gateway)
    other = ClientConnection(client.port)
    transport = Transport()
    other.connection_made(transport)
    client.sends(GET)
    client.port.begin_drain()
    client.port.close_idle()
    assert (transport.end, client.transport.end) == ("closed", "")
    client.endpoint_says(ANSWER)
    assert client.got == b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n" and client.transport.end == "closed"


async def test_who_could_not_know_of_the_drain_may_ask_once_more(gateway: Gateway) -> None:
    """Its head was out before: it does not say that it is the last."""
    client = Client(gateway)
    client.sends(GET)
    client.endpoint_says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.port.begin_drain()
    client.time.pass_(1000)
    client.endpoint_says(b"0\r\n\r\n")
    client.port.close_idle(1.0)
    client.time.pass_(0.9)
    client.port.close_idle(1.0)
    assert client.transport.end == ""
    client.sends(GET)
    client.endpoint_says(ANSWER)
    assert client.got.endswith(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
    assert client.transport.end == "closed"


async def test_who_asks_for_nothing_more_within_that_time_is_closed(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.endpoint_says(ANSWER)
    client.port.begin_drain()
    client.time.pass_(1.0)
    client.port.close_idle(1.0)
    assert client.transport.end == "closed"


async def test_what_has_no_head_at_the_end_is_told_so(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.port.begin_drain()
    client.port.cut()
    got = client.got
    assert got.startswith(b"HTTP/1.1 503 ") and b"\r\nconnection: close\r\n" in got
    assert (client.transport.end, client.pool.made[0].wire.signals) == ("closed", ["aborted"])


async def test_what_has_one_is_cut(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.endpoint_says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    client.port.begin_drain()
    client.port.cut()
    assert (client.transport.end, client.pool.made[0].wire.signals) == ("aborted", ["aborted"])


async def test_connections_are_counted_while_they_are_open(gateway: Gateway) -> None:
    client = Client(gateway)
    slot = gateway.metrics.gauge("penstock_open_connections", (LISTENER, "http/1.1"))
    assert (len(client.port.connections), gateway.metrics.values[slot]) == (1, 1.0)
    client.connection.connection_lost(None)
    assert (len(client.port.connections), gateway.metrics.values[slot]) == (0, 0.0)


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_a_lost_client_frees_its_endpoint(gateway: Gateway, error: Exception | None) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.connection.connection_lost(error)
    assert client.pool.made[0].wire.signals == ["aborted"]
    client.time.pass_(1000)


async def test_back_pressure_passes_through(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    client.connection.pause_writing()
    assert not client.pool.made[0].wire.reading
    client.connection.resume_writing()
    assert client.pool.made[0].wire.reading


async def test_the_client_s_address_is_known_to_the_endpoint(gateway: Gateway) -> None:
    client = Client(gateway)
    client.sends(GET)
    assert b"\r\nx-forwarded-for: 192.0.2.7\r\n" in client.pool.made[0].wire.written
