"""Whole exchanges on real sockets: early answers, expectations, upgrades, order, and reloads in between."""

import asyncio

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.route import HeaderModifier, Redirect
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Ended, Peer, answers_everything, ok
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_bodies_of_every_size_arrive_whole() -> None:
    async def echoes(peer: Peer) -> None:
        while True:
            try:
                request = await peer.request()
            except Ended:
                return
            await peer.send(ok(request.body))

    async with Backend(echoes) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        for size in (0, 1, 1000, 16_383, 16_384, 65_536, 300_000):
            body = bytes(i % 251 for i in range(size))
            await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + body)
            assert (await client.response()).body == body
            await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, size, 50_000):
                piece = body[at : at + 50_000]
                await client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await client.send(b"0\r\n\r\n")
            assert (await client.response()).body == body
        assert len(backend.peers) == 1


async def test_octet_by_octet() -> None:
    async def drips(peer: Peer) -> None:
        await peer.request()
        for octet in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n":
            await peer.send(bytes((octet,)))
            await asyncio.sleep(0)
        await peer.to_the_end()

    async with Backend(drips) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        for (
            octet
        ) in b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n":
            await client.send(bytes((octet,)))
            await asyncio.sleep(0)
        got = await client.response()
        assert (got.body, got.trailers) == (b"hello", [(b"x-sum", b"1")])
        assert (backend.requests[0].body, backend.requests[0].trailers) == (b"hi", [(b"x-sum", b"2")])


async def test_data_is_passed_on_as_it_comes_in_both_directions() -> None:
    async def converses(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        assert await peer.until(b"ping")
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n")
        await peer.until(b"0\r\n\r\n")
        await peer.send(b"0\r\n\r\n")
        await peer.to_the_end()

    async with Backend(converses) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n")
        await client.until(b"pong")
        await client.send(b"0\r\n\r\n")
        await client.until(b"0\r\n\r\n")


async def test_pipelined_requests_are_answered_in_order_whatever_they_are() -> None:
    async def slow_first(peer: Peer) -> None:
        while True:
            try:
                request = await peer.request()
            except Ended:
                return
            if request.path == b"/slow":
                await asyncio.sleep(0.05)
            await peer.send(ok(request.path))

    async with Backend(slow_first) as backend:
        rules = (rule(to(backend.port)), rule(path=b"/moved", filters=(Redirect(hostname="b"),)))
        async with Gateway(*rules) as gateway:
            client = await gateway.client()
            paths = [b"/slow", b"/moved", b"/1", b"/moved", b"/slow", b"/moved", b"/moved", b"/2"]
            await client.send(b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths))
            for path in paths:
                got = await client.response()
                assert (got.status, got.body) == ((200, path) if path != b"/moved" else (302, got.body))


async def test_many_pipelined_requests() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(300)))
        client.finish()
        got = await client.to_the_end()
        assert [int(part.split(b"\r\n")[0].split(b"HTTP")[0]) for part in got.split(b"path=/")[1:]] == list(range(300))


async def test_an_early_answer_reaches_a_client_that_is_still_sending() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")

    async with Backend(refuses, answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nfirst")
        got = await client.response()
        assert (got.status, got.body, got.persistent) == (413, b"big", False)
        await client.send(b"z" * 99_995 + GET)
        await client.to_the_end()
        other = await gateway.client()
        await other.send(GET)
        assert (await other.response()).body == b"path=/a"


async def test_an_early_answer_that_keeps_the_connection_is_not_reused_with_half_a_body() -> None:
    async def answers_early(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(ok(b"early"))
        await peer.to_the_end()

    async with Backend(answers_early, answers_everything) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst")
        assert (await client.response()).body == b"early"
        other = await gateway.client()
        await other.send(GET)
        assert (await other.response()).body == b"path=/a"
        assert len(backend.peers) == 2


# --- Expect: 100-continue -----------------------------------------------------------------------------

EXPECT = b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"


async def test_continue_comes_from_the_endpoint_before_the_body_is_sent() -> None:
    async def continues(peer: Peer) -> None:
        head = await peer.until(b"\r\n\r\n")
        assert b"\r\nexpect: 100-continue" in head.lower()
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await peer.until(b"hello") == b"hello"
        await peer.send(ok(b"done"))
        await peer.to_the_end()

    async with Backend(continues) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(EXPECT)
        await client.until(b"HTTP/1.1 100 Continue\r\n\r\n")
        await client.send(b"hello")
        assert (await client.response()).body == b"done"


async def test_an_expectation_that_is_refused_sends_no_body() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        await peer.to_the_end()

    async with Backend(refuses) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(EXPECT)
        got = await client.response()
        assert (got.status, got.persistent, client.interim) == (417, False, [])
        client.close()
        await asyncio.sleep(0.01)
        assert b"hello" not in backend.peers[0].received


async def test_a_client_that_expects_and_does_not_wait() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(EXPECT + b"hello" + GET)
        assert (await client.response()).body == b"path=/a"
        assert (await client.response()).body == b"path=/a"
        assert backend.requests[0].body == b"hello"


async def test_a_refusal_of_ours_answers_an_expectation_at_once() -> None:
    async with Gateway() as gateway:
        client = await gateway.client()
        await client.send(EXPECT)
        assert (await client.response()).status == 404


# --- Upgrade ------------------------------------------------------------------------------------------

UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\n"
)


async def test_an_upgrade_is_a_tunnel_for_any_octets() -> None:
    async def switches(peer: Peer) -> None:
        head = await peer.until(b"\r\n\r\n")
        assert (
            b"\r\nupgrade: websocket" in head and b"\r\nconnection: upgrade" in head and b"sec-websocket-key: x" in head
        )
        await peer.send(SWITCH + b"\x81\x05early")
        assert await peer.until(b"late") == b"\x00\r\n\r\nlate"
        await peer.send(b"z" * 200_000 + b"end")
        await peer.to_the_end()
        await peer.send(b"after your end")

    async with Backend(switches) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(UPGRADE)
        head = await client.until(b"\r\n\r\n")
        assert b"101" in head and b"upgrade: websocket" in head and b"sec-websocket-accept: y" in head
        await client.until(b"early")
        await client.send(b"\x00\r\n\r\nlate")
        assert len(await client.until(b"end")) == 200_003
        client.finish()
        assert await client.to_the_end() == b"after your end"


@pytest.mark.parametrize("side", ["client", "endpoint"])
async def test_a_tunnel_ends_when_either_side_resets(side: str) -> None:
    async def switches(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(SWITCH)
        if side == "endpoint":
            await peer.until(b"go")
            peer.reset()
        else:
            await peer.to_the_end()

    async with Backend(switches) as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(UPGRADE)
        await client.until(b"\r\n\r\n")
        if side == "client":
            client.reset()
            await eventually(lambda: backend.peers[0].how)
        else:
            await client.send(b"go")
            await client.to_the_end()


async def test_a_declined_upgrade_leaves_an_ordinary_connection() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(UPGRADE + GET)
        assert (await client.response()).body == b"path=/chat"
        assert (await client.response()).body == b"path=/a"


async def test_h2c_is_not_passed_on() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(
            GET.replace(
                b"\r\n\r\n",
                b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n",
            )
        )
        assert (await client.response()).status == 200
        [request] = backend.requests
        assert not request.all(b"upgrade") and not request.all(b"http2-settings")


async def test_a_silent_tunnel_is_closed_in_the_end() -> None:
    async def switches(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(SWITCH)
        await peer.to_the_end()

    settings = DataPlaneSettings(tunnel_timeout=0.1)
    async with Backend(switches) as backend, Gateway(rule(to(backend.port)), settings=settings) as gateway:
        client = await gateway.client()
        await client.send(UPGRADE)
        await client.until(b"\r\n\r\n")
        await client.to_the_end()


# --- reloads and drain ----------------------------------------------------------------------------------


async def test_a_request_under_way_ends_by_the_old_snapshot_and_the_next_follows_the_new() -> None:
    released = asyncio.Event()

    async def waits(peer: Peer) -> None:
        await peer.request()
        await released.wait()
        await peer.send(ok(b"old"))
        await peer.to_the_end()

    async with Backend(waits) as old, Backend() as new, Gateway(rule(to(old.port))) as gateway:
        client = await gateway.client()
        await client.send(GET + GET)
        await eventually(lambda: old.peers)
        gateway.install(rule(to(new.port)))
        assert gateway.plane.generation == 2
        released.set()
        assert (await client.response()).body == b"old"
        assert (await client.response()).body == b"path=/a"
        await eventually(lambda: old.peers[0].how)


async def test_draining_answers_everything_and_says_so() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        idle, busy = await gateway.client(), await gateway.client()
        for client in (idle, busy):
            await client.send(GET)
            await client.response()
        gateway.plane.begin_drain()
        late = await gateway.client()
        for client in (busy, late):
            await client.send(GET)
            got = await client.response()
            assert got.status == 200 and not got.persistent
            assert await client.to_the_end() == b"" and client.how == "fin"
        await gateway.plane.close_listeners()
        gateway.plane.close_idle()
        assert await idle.to_the_end() == b"" and idle.how == "fin"


async def test_filters_see_request_and_response() -> None:
    filters = (
        HeaderModifier("request", set=((b"x-seen", b"1"),)),
        HeaderModifier("response", add=((b"x-done", b"2"),)),
    )
    async with Backend() as backend, Gateway(rule(to(backend.port), filters=filters)) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).all(b"x-done") == [b"2"]
        assert backend.requests[0].all(b"x-seen") == [b"1"]


async def test_ipv6_both_ways() -> None:
    async with Backend(host="::1") as backend, Gateway(rule(to(backend.port, host="::1")), host="::1") as gateway:
        client = await gateway.client()
        await client.send(b"GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")
        assert (await client.response()).status == 200
        [request] = backend.requests
        assert (request.all(b"host"), request.all(b"x-forwarded-for")) == ([b"[::1]:80"], [b"::1"])
