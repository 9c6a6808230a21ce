"""One table of behaviour for HTTP/1 and HTTP/2 on either side: there is one exchange, and it does not know."""

import asyncio

import pytest

from proxy.snapshot.route import HeaderModifier, Redirect, Retry, Timeouts
from tests.e2e.versions.conftest import Pair, with_rule
from tests.e2e.versions.conversation import Cut
from tests.patience import eventually

HOPS = {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-host", b"x-real-ip",
        b"x-request-id", b"via"}  # fmt: skip


async def test_a_request_and_its_answer(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/a?b=c", [(b"accept", b"*/*"), (b"cookie", b"a=1")])
    asked = await pair.endpoint.next()
    assert (asked.method, asked.path, await asked.body()) == (b"GET", b"/a?b=c", b"")
    assert asked.field(b"host" if pair.up == "h1" else b":authority") == b"a.example"
    fields = {name for name, _ in asked.fields if name[:1] != b":"} - HOPS - {b"host"}
    assert fields == {b"accept", b"cookie"}
    assert asked.field(b"via") == (b"1.1 penstock" if pair.down == "h1" else b"2 penstock")
    await asked.reply(200, [(b"x", b"y")], b"hello")
    answer = await talk.answer()
    assert (answer.status, answer.field(b"x"), await answer.body()) == (200, b"y", b"hello")
    record = pair.gateway.log.records[0]
    assert record.protocol == ("HTTP/1.1" if pair.down == "h1" else "HTTP/2")
    assert (record.status, record.bytes_out) == (200, 5)


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_535, 65_536, 300_000, 2_000_000])
async def test_bodies_of_every_size_arrive_whole_both_ways(pair: Pair, size: int) -> None:
    body = bytes(i % 251 for i in range(size))
    for fields in ([(b"content-length", b"%d" % size)], []):
        talk = await pair.client.ask(b"POST", b"/", fields, end=False)
        asked = await pair.endpoint.next()
        echo = asyncio.create_task(asked.body())
        await talk.send(body)
        await talk.end()
        assert await echo == body
        replying = asyncio.create_task(asked.reply(200, [], body))
        answer = await talk.answer()
        assert await answer.body() == body
        await replying


async def test_trailers_pass_both_ways(pair: Pair) -> None:
    talk = await pair.client.ask(b"POST", b"/", end=False)
    asked = await pair.endpoint.next()
    await talk.send(b"x")
    await talk.end([(b"checksum", b"1")])
    assert await asked.body() == b"x" and asked.trailers == [(b"checksum", b"1")]
    await asked.reply(200, [] if pair.up == "h2" else [(b"transfer-encoding", b"chunked")], b"y", [(b"sum", b"2")])
    answer = await talk.answer()
    assert await answer.body() == b"y" and answer.trailers == [(b"sum", b"2")]


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304), (b"DELETE", 204)])
async def test_answers_without_a_body(pair: Pair, method: bytes, status: int) -> None:
    for _ in range(2):
        talk = await pair.client.ask(method, b"/")
        asked = await pair.endpoint.next()
        await asked.reply(status, [(b"etag", b'"x"')])
        answer = await talk.answer()
        assert (answer.status, answer.field(b"etag"), await answer.body()) == (status, b'"x"', b"")


async def test_pieces_pass_as_they_come(pair: Pair) -> None:
    talk = await pair.client.ask(b"POST", b"/", end=False)
    asked = await pair.endpoint.next()
    await asked.head(200, [] if pair.up == "h2" else [(b"transfer-encoding", b"chunked")])
    answer = await talk.answer()
    for piece in (b"one", b"two", b"three"):
        await talk.send(piece)
        assert await asked.piece() == piece
        await asked.send(piece.upper())
        assert await answer.piece() == piece.upper()
    await talk.end()
    assert await asked.piece() == b""
    await asked.end()
    assert await answer.piece() == b""


async def test_interim_answers_come_through(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/")
    asked = await pair.endpoint.next()
    await asked.interim(103, [(b"link", b"</a>; rel=preload")])
    await asked.reply(204)
    assert (await talk.answer()).status == 204 and talk.interim == [103]


async def test_an_answer_before_the_request_is_whole(pair: Pair) -> None:
    talk = await pair.client.ask(b"POST", b"/", [(b"content-length", b"1000000")], end=False)
    await talk.send(b"part")
    asked = await pair.endpoint.next()
    assert await asked.piece() == b"part"
    await asked.reply(413, [], b"too long")
    answer = await talk.answer()
    assert (answer.status, await answer.body()) == (413, b"too long")


async def test_a_cut_answer_does_not_look_whole(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/")
    asked = await pair.endpoint.next()
    await asked.head(200, [(b"content-length", b"10")])
    await asked.send(b"half")
    answer = await talk.answer()
    assert await answer.piece() == b"half"
    await asked.cut()
    with pytest.raises(Cut):
        await answer.body()


async def test_an_endpoint_that_cuts_before_it_answers(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/")
    await (await pair.endpoint.next()).cut()
    assert (await talk.answer()).status == 503


async def test_a_client_that_leaves_takes_its_request_with_it(pair: Pair) -> None:
    talk = await pair.client.ask(b"POST", b"/", end=False)
    asked = await pair.endpoint.next()
    await talk.send(b"part")
    assert await asked.piece() == b"part"
    await talk.leave()
    with pytest.raises(Cut):
        await asked.body()
    await eventually(lambda: [record.status for record in pair.gateway.log.records] == [499])


@with_rule(filters=(Redirect(hostname="b.example"),))
async def test_a_redirect_is_the_gateways_own_answer(pair: Pair) -> None:
    answer = await pair.client.get(b"/a")
    assert (answer.status, answer.field(b"location")) == (302, b"http://b.example/a")


@with_rule(filters=(HeaderModifier("request", set=((b"x", b"1"),)), HeaderModifier("response", add=((b"y", b"2"),))))
async def test_filters_see_messages_and_not_versions(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/", [(b"x", b"0")])
    asked = await pair.endpoint.next()
    assert asked.field(b"x") == b"1"
    await asked.reply(204)
    assert (await talk.answer()).field(b"y") == b"2"


@with_rule(timeouts=Timeouts(request=0.05))
async def test_a_rule_that_gives_up_in_time(pair: Pair) -> None:
    talk = await pair.client.ask(b"GET", b"/")
    asked = await pair.endpoint.next()
    assert (await talk.answer()).status == 504
    assert await asked.body() == b""


@with_rule(retry=Retry((503,), 2, 0.0))
async def test_a_retry_sends_the_body_again(pair: Pair) -> None:
    talk = await pair.client.ask(b"PUT", b"/", [(b"content-length", b"3")], end=False)
    await talk.send(b"abc")
    await talk.end()
    for status in (503, 503, 200):
        asked = await pair.endpoint.next()
        assert await asked.body() == b"abc"
        await asked.reply(status)
    assert (await talk.answer()).status == 200
    assert pair.gateway.log.records[0].retries == 2


async def test_one_connection_carries_request_after_request(pair: Pair) -> None:
    for _ in range(20):
        talk = await pair.client.ask(b"GET", b"/")
        await (await pair.endpoint.next()).reply(200, [], b"x")
        assert await (await talk.answer()).body() == b"x"
    assert pair.endpoint.connections == 1


async def test_a_slow_client_slows_the_endpoint_and_not_its_neighbours(pair: Pair) -> None:
    slow = await pair.client.ask(b"GET", b"/slow")
    asked = await pair.endpoint.next()
    other = await pair.another()
    sending = asyncio.create_task(asked.reply(200, [], b"x" * 3_000_000))
    talk = await other.ask(b"GET", b"/other")
    await (await pair.endpoint.next()).reply(204)
    assert (await talk.answer()).status == 204
    assert len(await (await slow.answer()).body()) == 3_000_000
    await sending
    await other.close()
