"""retry: what is tried again, how often, with which body, and what the client gets when it is over."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.forward.tries import REPLAY_AT_MOST
from proxy.snapshot.route import Retry, Timeouts
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Ended, Peer, Script, answers_everything, ok
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
SOON = 0.001


def post(body: bytes) -> bytes:
    return b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def answer(status: int, body: bytes = b"no") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def sequence(*answers: bytes) -> Script:
    """The n-th request, on whatever connection, gets the n-th answer; all further ones the last. b"" is a reset."""
    turn: Iterator[bytes] = iter(answers)

    async def script(peer: Peer) -> None:
        while True:
            try:
                await peer.request()
            except Ended:
                return
            data = next(turn, answers[-1])
            if not data:
                peer.reset()
                return
            await peer.send(data)

    return script


def retries(gateway: Gateway, backend: Backend, reason: str) -> float:
    return gateway.metrics.value("penstock_upstream_retries_total", (f"default/{backend.port}:80", reason))


@pytest.mark.parametrize(
    ("answers", "attempts", "status", "asked"),
    [
        ([500, 500, 200], 3, 200, 3),
        ([500, 500, 200], 2, 200, 3),
        ([500, 500, 500, 200], 2, 500, 3),
        ([500, 503, 502, 504], 3, 504, 4),
        ([404, 200], 3, 404, 1),
        ([501, 200], 3, 501, 1),
        ([200], 3, 200, 1),
    ],
)
async def test_listed_codes_are_tried_again_and_the_last_answer_counts(
    answers: list[int], attempts: int, status: int, asked: int
) -> None:
    script = sequence(*(answer(code) for code in answers))
    policy = Retry((500, 502, 503, 504), attempts, SOON)
    async with Backend(script) as backend, Gateway(rule(to(backend.port), retry=policy)) as gateway:
        client = await gateway.client()
        await client.send(GET)
        got = await client.response()
        assert (got.status, got.body) == (status, b"no")
        assert len(backend.requests) == asked
        assert gateway.log.records[-1].retries == asked - 1
        assert sum(retries(gateway, backend, f"status_{code}") for code in set(answers)) == asked - 1
        assert len(backend.peers) == 1, "a short answer is read, so its connection is kept"


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        answer(503, b"x" * 100_000),
        b"HTTP/1.1 503 X\r\nContent-Length: 10\r\n\r\nno",
        b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early\r\n\r\n" + answer(503),
    ],
    ids=["chunked", "long", "cut", "empty", "after an interim one"],
)
async def test_no_octet_of_a_refused_answer_reaches_the_client(refusal: bytes) -> None:
    policy = Retry((503,), 1, SOON)
    async with (
        Backend(sequence(refusal, ok(b"yes"))) as backend,
        Gateway(rule(to(backend.port), retry=policy)) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET + GET)
        for _ in range(2):
            got = await client.response()
            assert (got.status, got.body) == (200, b"yes")
        assert b"503" not in client.received


@pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE"])
async def test_connection_errors_are_retried_without_any_code(method: bytes) -> None:
    policy = Retry((), 2, SOON)
    async with Backend(sequence(b"", b"", ok())) as backend, Gateway(rule(to(backend.port), retry=policy)) as gateway:
        client = await gateway.client()
        await client.send(GET.replace(b"GET", method))
        assert (await client.response()).status == 200
        assert len(backend.peers) == 3


async def test_connection_errors_to_the_end_are_503() -> None:
    policy = Retry((), 2, SOON)
    async with Backend(sequence(b"")) as backend, Gateway(rule(to(backend.port), retry=policy)) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 503
        assert len(backend.peers) == 3 and gateway.log.records[-1].retries == 2


async def test_an_endpoint_that_refuses_connections_is_asked_again() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with Gateway(rule(to(closed.getsockname()[1]), retry=Retry((), 3, SOON))) as gateway:
            client = await gateway.client()
            await client.send(GET + post(b"hello"))
            assert [(await client.response()).status for _ in range(2)] == [503, 503]
            assert [record.retries for record in gateway.log.records] == [3, 3]


async def test_the_retry_asks_another_endpoint() -> None:
    async with (
        Backend(sequence(answer(503))) as bad,
        Backend() as good,
        Gateway(rule(to(bad.port, good.port), retry=Retry((503,), 1, SOON))) as gateway,
    ):
        client = await gateway.client()
        for _ in range(6):
            await client.send(GET)
            assert (await client.response()).status == 200


# --- bodies -----------------------------------------------------------------------------------------

CHUNKED = (
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nhe\r\n3\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n"
)  # fmt: skip


@pytest.mark.parametrize("request_", [post(b"hello"), CHUNKED], ids=["counted", "chunked"])
@pytest.mark.parametrize("first", [answer(503), b""], ids=["status", "reset"])
async def test_the_body_is_sent_again_whole(request_: bytes, first: bytes) -> None:
    async with (
        Backend(sequence(first, first, ok())) as backend,
        Gateway(rule(to(backend.port), retry=Retry((503,), 2, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(request_)
        assert (await client.response()).status == 200
        assert [got.body for got in backend.requests] == [b"hello"] * 3
        assert gateway.log.records[-1].bytes_in == 5


async def test_a_body_that_is_still_coming_goes_on_where_it_was() -> None:
    async def hasty(peer: Peer) -> None:
        await peer.until(b"he")
        await peer.send(answer(503))
        await peer.to_the_end()

    async with (
        Backend(hasty, answers_everything) as backend,
        Gateway(rule(to(backend.port), retry=Retry((503,), 1, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
        await eventually(lambda: retries(gateway, backend, "status_503"))
        await client.send(b"l")
        await eventually(lambda: len(backend.peers) == 2)
        await client.send(b"lo")
        assert (await client.response()).status == 200
        assert backend.peers[1].received.endswith(b"\r\n\r\nhello")


async def test_the_head_of_a_retry_on_a_kept_connection_does_not_wait_for_the_body() -> None:
    """Else a client that waits for 100 before it sends its body would wait in vain."""
    two = asyncio.Barrier(2)
    asked = iter((False, True))

    async def endpoint(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await two.wait()
        await peer.send(ok())
        await peer.until(b"\r\n\r\n")
        if next(asked):
            await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await peer.until(b"hello")
            await peer.send(ok(b"yes"))
        else:
            await peer.send(answer(503))
        await peer.to_the_end()

    async with (
        Backend(endpoint) as backend,
        Gateway(rule(to(backend.port), retry=Retry((503,), 1, SOON))) as gateway,
    ):
        clients = [await gateway.client() for _ in range(2)]
        for client in clients:
            await client.send(GET)
        for client in clients:
            await client.response()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        await client.until(b"HTTP/1.1 100 Continue\r\n\r\n")
        await client.send(b"hello")
        assert (await client.response()).body == b"yes"
        assert len(backend.peers) == 2


@pytest.mark.parametrize(("size", "status", "asked"), [(REPLAY_AT_MOST, 200, 2), (REPLAY_AT_MOST + 1, 503, 1)])
async def test_a_body_is_kept_up_to_a_bound(size: int, status: int, asked: int) -> None:
    async with (
        Backend(sequence(answer(503), ok())) as backend,
        Gateway(rule(to(backend.port), retry=Retry((503,), 1, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(post(b"x" * size))
        assert (await client.response()).status == status
        assert [len(got.body) for got in backend.requests] == [size] * asked


async def test_a_long_body_is_retried_as_long_as_nothing_of_it_was_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with Gateway(rule(to(closed.getsockname()[1]), retry=Retry((), 1, SOON))) as gateway:
            client = await gateway.client()
            await client.send(post(b"x" * 200_000))
            assert (await client.response()).status == 503
            assert gateway.log.records[-1].retries == 1


# --- time -------------------------------------------------------------------------------------------


async def silent(peer: Peer) -> None:
    await peer.to_the_end()


async def test_an_attempt_that_takes_too_long_is_retried_without_any_code() -> None:
    timeouts = Timeouts(backend_request=0.1)
    async with (
        Backend(silent, silent, answers_everything) as backend,
        Gateway(rule(to(backend.port), timeouts=timeouts, retry=Retry((), 2, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(post(b"hello"))
        assert (await client.response()).status == 200
        assert retries(gateway, backend, "backend_request_timeout") == 2


async def test_attempts_that_all_take_too_long_are_504() -> None:
    timeouts = Timeouts(backend_request=0.05)
    async with (
        Backend(silent) as backend,
        Gateway(rule(to(backend.port), timeouts=timeouts, retry=Retry((500,), 2, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 504
        assert len(backend.peers) == 3
        assert gateway.log.records[-1].reason == "backend_request_timeout"


async def test_the_gateways_own_time_for_a_head_counts_for_each_attempt() -> None:
    async with (
        Backend(silent, answers_everything) as backend,
        Gateway(
            rule(to(backend.port), retry=Retry((), 1, SOON)), settings=DataPlaneSettings(response_head_timeout=0.05)
        ) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 200


@pytest.mark.parametrize("script", [sequence(answer(503)), silent], ids=["in a pause", "in an attempt"])
async def test_the_request_timeout_bounds_all_attempts_and_pauses(script: Script) -> None:
    timeouts = Timeouts(request=0.2, backend_request=0.15)
    async with (
        Backend(script) as backend,
        Gateway(rule(to(backend.port), timeouts=timeouts, retry=Retry((503,), 100, 0.02))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 504
        assert gateway.log.records[-1].reason == "request_timeout"
        assert 1 <= gateway.log.records[-1].retries < 20


async def test_no_retry_comes_before_its_backoff() -> None:
    came: list[float] = []

    async def notes(peer: Peer) -> None:
        while True:
            try:
                await peer.request()
            except Ended:
                return
            came.append(asyncio.get_running_loop().time())
            await peer.send(answer(503))

    async with Backend(notes) as backend, Gateway(rule(to(backend.port), retry=Retry((503,), 2, 0.05))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 503
        first, second, third = came
        assert second - first >= 0.05 and third - second >= 0.1


async def test_a_client_that_leaves_in_a_pause_ends_it() -> None:
    async with (
        Backend(sequence(answer(503))) as backend,
        Gateway(rule(to(backend.port), retry=Retry((503,), 5, 3600.0))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        await eventually(lambda: retries(gateway, backend, "status_503"))
        client.reset()
        await eventually(lambda: gateway.log.records)
        assert gateway.log.records[-1].status == 499
        assert len(backend.requests) == 1


# --- what is never retried --------------------------------------------------------------------------


async def test_nothing_is_retried_once_the_head_has_gone_out() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"

    async def dies(peer: Peer) -> None:
        await peer.request()
        await peer.send(cut)

    async with (
        Backend(dies, answers_everything) as backend,
        Gateway(rule(to(backend.port), retry=Retry((503,), 3, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.to_the_end()).endswith(b"hello") and client.how
        assert len(backend.peers) == 1


async def test_an_upgrade_is_not_retried() -> None:
    async with (
        Backend(sequence(answer(503))) as backend,
        Gateway(rule(to(backend.port), retry=Retry((503,), 3, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
        assert (await client.response()).status == 503
        assert len(backend.requests) == 1


@pytest.mark.parametrize("data", [b"SMTP ready\r\n\r\n", b"HTTP/1.1 2xx\r\n\r\n"])
async def test_an_answer_that_is_not_http_is_not_asked_for_again(data: bytes) -> None:
    async with (
        Backend(sequence(data)) as backend,
        Gateway(rule(to(backend.port), retry=Retry((502, 503), 3, SOON))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 502
        assert len(backend.peers) == 1


async def test_a_rule_without_endpoints_is_not_waited_for() -> None:
    async with Gateway(rule(to(), retry=Retry((503,), 3, 60.0))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 503
