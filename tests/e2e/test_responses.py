"""What an endpoint says, and what the client gets of it: a clean relay, a 502, or a cut that cannot be mistaken."""

import asyncio

import pytest

from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Ended, Peer, Script, answers_everything, ok
from tests.oracle import grammar
from tests.patience import eventually
from tests.protocol.http1.vectors import RESPONSES, answer

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


def says(data: bytes, *, then: str = "close") -> Script:
    """Whatever is asked, the endpoint sends these octets; then it closes, resets, or stays."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        if then == "reset":
            await asyncio.sleep(0.01)
            peer.reset()
        elif then == "stay":
            await peer.to_the_end()

    return script


async def test_sound_responses_are_relayed_and_the_others_are_502() -> None:
    for vector in RESPONSES:
        meant = grammar.read_response(vector.data, b"GET", ended=True)
        async with (
            Backend(says(vector.data), answers_everything) as backend,
            Gateway(rule(to(backend.port))) as gateway,
        ):
            client = await gateway.client()
            await client.send(GET)
            if vector.verdict:
                got = await client.response()
                sent = meant.messages[-1]
                assert isinstance(sent, grammar.Response)
                assert (got.status, got.body, got.trailers) == (sent.status, sent.body, sent.trailers), vector.name
                assert [interim.status for interim in client.interim] == _relayed(meant.messages[:-1]), vector.name
            elif b"\r\n\r\n" in vector.data and b" 200 OK" in vector.data and meant.refusal is not None:
                await _never_whole(client, vector.name)
            else:
                assert (await client.response()).status in (502, 503), vector.name
            # Whatever it was, the next one is not touched by it.
            other = await gateway.client()
            await other.send(b"GET /nonce HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await other.response()).body == b"path=/nonce", vector.name
            assert len(backend.peers) == 2 or vector.verdict, vector.name


def _relayed(interim: list[grammar.Message]) -> list[int]:
    """A 100 that the client did not ask for stays with us (RFC 9110 section 15.2.1)."""
    return [message.status for message in interim if isinstance(message, grammar.Response) and message.status != 100]


async def _never_whole(client: Peer, name: str) -> None:
    """Either a 502 by itself, or a head and a body that is cut off."""
    try:
        got = await client.response()
    except (Ended, AssertionError):
        assert client.received.count(b"HTTP/1.1 ") <= 1, name
        return
    assert got.status == 502, (name, client.received)


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize(
    "data",
    [
        answer(b"Content-Length: 10") + b"hello",
        answer(b"Content-Length: 10"),
        answer(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n",
        answer(b"Transfer-Encoding: chunked") + b"5\r\nhel",
        answer(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n",
        answer(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\nXX\r\n",
        answer(b"Transfer-Encoding: chunked"),
    ],
)  # fmt: skip
async def test_a_body_that_breaks_off_aborts_the_client(data: bytes, then: str) -> None:
    async with Backend(says(data, then=then)) as backend, Gateway(rule(to(backend.port))) as gateway:
        for request in (GET, GET.replace(b"HTTP/1.1", b"HTTP/1.0")):
            client = await gateway.client()
            await client.send(request)
            got = await client.to_the_end()
            assert got.count(b"HTTP/1.1 ") <= 1, "a late second head inside the body"
            whole = grammar.read_response(got, b"GET", ended=True).refusal is None
            assert client.how == "reset" or not whole, "an end that can be taken for a whole body"


async def test_a_body_that_ends_with_the_connection_is_cut_by_a_reset_and_whole_by_a_close() -> None:
    for then in ("close", "reset"):
        async with Backend(says(answer() + b"hello", then=then)) as backend, Gateway(rule(to(backend.port))) as gateway:
            client = await gateway.client()
            await client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            got = await client.to_the_end()
            assert got.endswith(b"\r\n0\r\n\r\n") == (then == "close")


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize(
    "data", [b"", b"HTT", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\n", answer(line=b"HTTP/1.1 103 x")]
)
async def test_no_response_head_is_503(data: bytes, then: str) -> None:
    async with Backend(says(data, then=then)) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET + GET)
        assert (await client.response()).status == 503
        assert (await client.response()).status == 503


async def test_octets_behind_a_response_are_not_for_the_next_client() -> None:
    poisoned = ok(b"hello") + ok(b"poison")
    async with (
        Backend(says(poisoned, then="stay"), answers_everything) as backend,
        Gateway(rule(to(backend.port))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).body == b"hello"
        await client.send(GET)
        assert (await client.response()).body == b"path=/a"
        assert len(backend.peers) == 2


async def test_octets_that_come_while_idle_are_not_for_the_next_client() -> None:
    async def late(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok(b"hello"))
        await asyncio.sleep(0.02)
        await peer.send(ok(b"poison"))
        await peer.to_the_end()

    async with Backend(late, answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).body == b"hello"
        await eventually(lambda: backend.peers[0].how)
        await client.send(GET)
        assert (await client.response()).body == b"path=/a"


async def test_connection_fields_of_a_response_stay_behind() -> None:
    fields = [
        b"Connection: x-hop, keep-alive",
        b"X-Hop: 1",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: x",
        b"X-End: 2",
    ]
    async with (
        Backend(says(ok(b"", b"GET", *fields), then="stay")) as backend,
        Gateway(rule(to(backend.port))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        got = await client.response()
        assert got.all(b"x-end") == [b"2"]
        for name in (b"x-hop", b"keep-alive", b"proxy-connection", b"connection"):
            assert got.all(name) == []


async def test_repeated_fields_stay_apart_and_in_order() -> None:
    fields = [b"Set-Cookie: a=1", b"Vary: x", b"Set-Cookie: b=2", b"X: \xe4"]
    async with (
        Backend(says(ok(b"", b"GET", *fields), then="stay")) as backend,
        Gateway(rule(to(backend.port))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        got = await client.response()
        assert got.all(b"set-cookie") == [b"a=1", b"b=2"]
        assert got.all(b"x") == [b"\xe4"]


async def test_trailers_of_a_response_are_relayed() -> None:
    data = answer(b"Transfer-Encoding: chunked", b"Trailer: X-Sum") + b"5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"
    async with Backend(says(data, then="stay")) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(GET)
        got = await client.response()
        assert (got.body, got.trailers, got.all(b"trailer")) == (b"hello", [(b"x-sum", b"7")], [b"X-Sum"])


@pytest.mark.parametrize("fields", [(b"Content-Length: 5",), (b"Transfer-Encoding: chunked",), ()])
async def test_head(fields: tuple[bytes, ...]) -> None:
    async with Backend(says(answer(*fields), then="stay")) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /none HTTP/1.1\r\nHost: a\r\n\r\n")
        got = await client.response(b"HEAD")
        assert got.all(b"content-length") == [field[16:] for field in fields if field.startswith(b"Content-Length")]
        backend.peers[0].close()
        assert (await client.response(b"HEAD")).status in (200, 503)


async def test_interim_responses_are_relayed_and_counted() -> None:
    hints = answer(b"Link: <a>", line=b"HTTP/1.1 103 Early Hints")
    async with (
        Backend(says(hints * 3 + ok(b"x"), then="stay"), says(hints * 1000, then="stay")) as backend,
        Gateway(rule(to(backend.port))) as gateway,
    ):
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).body == b"x"
        assert [interim.all(b"link") for interim in client.interim] == [[b"<a>"]] * 3
        backend.peers[0].close()
        while len(backend.peers) < 2:
            stormed = await gateway.client()
            await stormed.send(GET)
            final = await stormed.response()
        assert final.status == 502 and len(stormed.interim) <= 16


async def test_http_1_0_gets_its_answer_in_its_own_way() -> None:
    chunked = answer(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n"
    async with (
        Backend(says(answer(line=b"HTTP/1.1 103 x") + chunked, then="stay")) as backend,
        Gateway(rule(to(backend.port))) as gateway,
    ):
        client = await gateway.client()
        await client.send(b"GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        got = await client.to_the_end()
        assert got.startswith(b"HTTP/1.1 200 OK\r\n") and got.endswith(b"\r\n\r\nhello")
        assert b"transfer-encoding" not in got and client.how == "fin"
