"""ExternalAuth and the body of a request: passed by and held back, or read whole, shown and sent on."""

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.route import Mirror, Retry, Timeouts
from tests.e2e.authorities import ALLOWS, DENIES, Asked, answering, logged, named, untouched
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer, ok
from tests.patience import eventually

MIB = 1 << 20
EXPECTING = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(body: bytes) -> bytes:
    return b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def chunked(*chunks: bytes) -> bytes:
    return CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nx-sum: 1\r\n\r\n"


def holding(gateway: Gateway) -> bool:
    """A question is under way."""
    return any(pool.active for pool in gateway.plane._registry._pools.values())


# --- a body that the server is not sent -----------------------------------------------------


@pytest.mark.parametrize("request_", [post(b"hello"), post(b"x" * 300_000), chunked(b"hel", b"lo"), post(b"")])
async def test_a_body_that_is_not_forwarded_goes_to_the_backend_alone_as_it_came(request_: bytes) -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(request_ * 2)
            assert [(await client.response()).status for _ in range(2)] == [200, 200]
            for question in authority.requests:
                assert (question.method, question.body) == (b"POST", b"") and named(question, b"content-length") == [
                    b"0"
                ]
            one, other = backend.requests
            assert one.body == other.body and one.trailers == other.trailers and len(one.body) in (5, 300_000, 0)


async def test_while_the_server_thinks_the_client_is_held_back_and_nothing_piles_up() -> None:
    async def thinks(peer: Peer) -> None:
        await peer.request()
        await eventually(lambda: done)
        await peer.send(ALLOWS)
        await peer.to_the_end()

    async def swallows(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        swallowed = len(peer.received)
        while swallowed < len(body):
            swallowed += len(await peer._reader.read(1 << 18))
        await peer.send(ok())
        await peer.to_the_end()

    done: list[bool] = []
    body = b"x" * (64 * MIB)
    async with Backend(swallows) as backend, Backend(thinks) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            client._writer.write(post(body))
            await eventually(lambda: authority.requests)
            await eventually(lambda: client._writer.transport.get_write_buffer_size() < len(body))
            left = client._writer.transport.get_write_buffer_size()
            assert left > 32 * MIB, "the kernel's buffers and one read, no more"
            assert untouched(backend)
            done.append(True)
            assert (await client.response()).status == 200


async def test_a_denied_body_is_not_read_and_the_refusal_is_seen() -> None:
    async with Backend() as backend, Backend(answering(DENIES)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(post(b"x" * 5 * MIB)[: 2 * MIB])
            answer = await client.response()
            assert answer.status == 401 and (b"connection", b"close") in answer.fields
            assert untouched(backend)


async def test_who_waits_for_100_hears_it_from_the_backend_once_it_is_allowed() -> None:
    async def continues(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.until(b"hello")
        await peer.send(ok(b"done"))
        await peer.to_the_end()

    async with Backend(continues) as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(EXPECTING)
            await client.until(b"HTTP/1.1 100 Continue\r\n\r\n")
            await client.send(b"hello")
            assert (await client.response()).body == b"done"
            assert named(authority.requests[0], b"expect") == []


@pytest.mark.parametrize("at_most", [0, 100])
async def test_who_waits_for_100_and_is_denied_sends_no_body(at_most: int) -> None:
    """Where the server is to see the body, it must be asked for first."""
    async with Backend() as backend, Backend(answering(DENIES)) as authority:
        asked = Asked(authority.port, body_at_most=at_most)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(EXPECTING)
            if at_most:
                await client.until(b"HTTP/1.1 100 Continue\r\n\r\n")
                await client.send(b"hello")
            assert (await client.response()).status == 401
            assert untouched(backend)


# --- a body that it is sent -----------------------------------------------------------------


@pytest.mark.parametrize(
    "request_", [post(b"hello"), chunked(b"hel", b"lo"), chunked(b"h", b"e", b"l", b"l", b"o"), post(b""), chunked()]
)
async def test_the_body_is_shown_with_its_length_and_then_sent_on(request_: bytes) -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, body_at_most=5)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(request_ * 2)
            assert [(await client.response()).status for _ in range(2)] == [200, 200]
            body = b"hello" if b"h" in request_.partition(b"\r\n\r\n")[2] else b""
            for question, request in zip(authority.requests, backend.requests, strict=True):
                assert (question.body, request.body) == (body, body)
                assert question.framing == "length" and named(question, b"content-length") == [b"%d" % len(body)]
                assert request.trailers == ([(b"x-sum", b"1")] if CHUNKED in request_ else [])


async def test_a_body_is_shown_when_it_is_whole_and_no_sooner() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, body_at_most=MIB)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            body = b"x" * MIB
            await client.send(post(body)[:-1])
            assert untouched(authority) and untouched(backend)
            await client.send(b"x")
            assert (await client.response()).status == 200
            assert authority.requests[0].body == body and backend.requests[0].body == body


@pytest.mark.parametrize(
    ("request_", "read"),
    [
        (post(b"toolong"), 0),
        (post(b"toolong")[:-7], 0),
        (chunked(b"toolong"), 7),
        (chunked(b"too", b"lo", b"ng"), 7),
        (CHUNKED + b"6\r\ntoolon", 6),
        (EXPECTING.replace(b": 5", b": 6"), 0),
    ],
)
async def test_a_longer_body_is_refused_before_anybody_is_asked(request_: bytes, read: int) -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, body_at_most=5)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(request_)
            assert (await client.response()).status == 413
            assert client.interim == [] and untouched(backend) and untouched(authority)
            assert logged(gateway) == (413, "TL", "filter_body_too_large")
            assert gateway.log.records[-1].bytes_in <= read
            assert asked.counts(gateway) == {}


async def test_a_body_that_ends_too_early_is_shown_to_nobody() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, body_at_most=100)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(post(b"hello")[:-2])
            client.finish()
            await eventually(lambda: gateway.log.records)
            assert logged(gateway) == (499, "DC", "client_closed_in_body")
            assert untouched(backend) and untouched(authority)


async def test_a_body_that_is_malformed_is_shown_to_nobody() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, body_at_most=100)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(CHUNKED + b"5\r\nhello\r\nxyz\r\n")
            assert (await client.response()).status == 400
            assert untouched(backend) and untouched(authority)


async def test_a_body_that_never_comes_is_the_clients_doing() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, body_at_most=100)
        settings = DataPlaneSettings(body_timeout=0.1)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,)), settings=settings) as gateway:
            client = await gateway.client()
            await client.send(post(b"hello")[:-2])
            assert (await client.response()).status == 408
            assert untouched(backend) and untouched(authority)


async def test_the_request_timeout_covers_a_body_that_is_waited_for() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, body_at_most=100)
        rules = rule(to(backend.port), asked.beside, filters=(asked.filter,), timeouts=Timeouts(request=0.1))
        async with Gateway(rules) as gateway:
            client = await gateway.client()
            await client.send(post(b"hello")[:-2])
            assert (await client.response()).status == 504
            assert logged(gateway) == (504, "UT", "request_timeout")
            await client.send(b"lo")
            assert untouched(backend) and untouched(authority)


async def test_a_second_filter_may_want_more_than_the_first() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as one, Backend(answering(ALLOWS)) as two:
        first, second = Asked(one.port), Asked(two.port, body_at_most=MIB)
        rules = rule(to(backend.port, filters=(second.filter,)), first.beside, second.beside, filters=(first.filter,))
        async with Gateway(rules) as gateway:
            client = await gateway.client()
            body = b"x" * MIB
            await client.send(post(body) + chunked(body, b"x"))
            assert [(await client.response()).status for _ in range(2)] == [200, 413]
            assert [each.body for each in one.requests] == [b"", b""]
            assert [each.body for each in two.requests] == [body] == [each.body for each in backend.requests]


async def test_what_was_shown_can_still_be_tried_again_and_copied() -> None:
    async def refuses_once(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
        await peer.request()
        await peer.send(ok(b"done"))
        await peer.to_the_end()

    async with Backend(refuses_once) as backend, Backend(answering(ALLOWS)) as authority, Backend() as mirror:
        asked, copy = Asked(authority.port, body_at_most=100), Asked(mirror.port)
        filters = (Mirror(copy.name, copy.upstream.key), asked.filter)
        rules = rule(to(backend.port), asked.beside, copy.beside, filters=filters, retry=Retry((503,), 1, 0.001))
        async with Gateway(rules) as gateway:
            client = await gateway.client()
            await client.send(chunked(b"hel", b"lo"))
            assert (await client.response()).body == b"done"
            assert [each.body for each in backend.requests] == [b"hello"] * 2
            await eventually(lambda: mirror.requests)
            assert [each.body for each in mirror.requests] == [b"hello"] and len(authority.requests) == 1


async def test_a_request_that_is_denied_is_not_copied_either() -> None:
    async with Backend() as backend, Backend(answering(DENIES)) as authority, Backend() as mirror:
        asked, copy = Asked(authority.port), Asked(mirror.port)
        filters = (Mirror(copy.name, copy.upstream.key), asked.filter)
        async with Gateway(rule(to(backend.port), asked.beside, copy.beside, filters=filters)) as gateway:
            client = await gateway.client()
            await client.send(post(b"hello"))
            assert (await client.response()).status == 401
            assert untouched(backend) and untouched(mirror) and not holding(gateway)
