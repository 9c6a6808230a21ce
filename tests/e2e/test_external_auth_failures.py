"""ExternalAuth when the server is dead, slow, strange or gone: nobody is let in, and nothing is left behind."""

import gc
import socket
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.route import BackendRef, Timeouts
from proxy.snapshot.snapshot import Endpoint, Upstream
from tests.e2e.authorities import ALLOWS, DENIES, Asked, answering, logged, untouched
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer
from tests.patience import eventually

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
Script = Callable[[Peer], Awaitable[None]]


async def silent(peer: Peer) -> None:
    await peer.to_the_end()


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def babbles(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"SMTP ready\r\n\r\n")


async def stops_in_its_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nX-User: ro")


async def stops_in_its_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nno")


async def dawdles_in_its_body(peer: Peer) -> None:
    await stops_in_its_body(peer)
    await peer.to_the_end()


async def has_two_lengths(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n")


async def only_ever_continues(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 17)


async def switches(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")


async def talks_too_much(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 65537\r\n\r\n" + b"x" * 65537)
    await peer.to_the_end()


async def never_stops(peer: Peer) -> None:
    await peer.request()
    await peer.send(
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4000\r\n%b\r\n" % (b"x" * 16384) * 5
    )
    await peer.to_the_end()


async def is_overloaded(peer: Peer) -> None:
    await answering(b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 4\r\n\r\nbusy")(peer)


FAILURES: list[tuple[Script, int, str, str]] = [
    (silent, 504, "auth_answer_timeout", "timeout"),
    (dawdles_in_its_body, 504, "auth_answer_timeout", "timeout"),
    (resets, 503, "auth_upstream_reset", "failed"),
    (stops_in_its_head, 503, "auth_upstream_closed_in_head", "failed"),
    (stops_in_its_body, 502, "auth_upstream_closed_in_body", "failed"),
    (babbles, 502, "auth_bad_status_line", "failed"),
    (has_two_lengths, 502, "auth_bad_response_head", "failed"),
    (only_ever_continues, 502, "auth_too_many_interim_responses", "failed"),
    (switches, 502, "auth_unasked_upgrade", "failed"),
    (talks_too_much, 502, "auth_answer_too_long", "failed"),
    (never_stops, 502, "auth_answer_too_long", "failed"),
    (is_overloaded, 503, "auth_server_error", "failed"),
]


@pytest.mark.parametrize(("script", "status", "why", "result"), FAILURES, ids=lambda it: getattr(it, "__name__", None))
async def test_whatever_is_no_answer_lets_nobody_in(script: Script, status: int, why: str, result: str) -> None:
    async with Backend() as backend, Backend(script) as authority:
        asked = Asked(authority.port)
        settings = DataPlaneSettings(answer_timeout=0.1 if result == "timeout" else 20.0)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,)), settings=settings) as gateway:
            client = await gateway.client()
            for _ in range(2):
                await client.send(GET)
                assert (await client.response()).status == status
            assert untouched(backend) and logged(gateway) == (status, "AF", why)
            assert asked.counts(gateway) == {result: 2}


async def test_a_failure_that_the_server_tells_of_is_told_to_the_client() -> None:
    async with Backend() as backend, Backend(is_overloaded) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            answer = await client.response()
            assert (answer.body, dict(answer.fields)[b"retry-after"]) == (b"busy", b"5")


async def test_a_server_that_is_not_there_is_503() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with Backend() as backend:
            asked = Asked(closed.getsockname()[1])
            async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
                client = await gateway.client()
                await client.send(GET)
                assert (await client.response()).status == 503
                assert untouched(backend) and logged(gateway) == (503, "AF", "auth_connection_refused")
                assert asked.counts(gateway) == {"failed": 1}


async def test_another_endpoint_of_the_server_is_asked() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
            asked = Asked(closed.getsockname()[1], authority.port)
            async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
                client = await gateway.client()
                for _ in range(4):
                    await client.send(GET)
                    assert (await client.response()).status == 200


NOBODY: list[tuple[Upstream, int, str]] = [
    (Upstream("default/auth:80"), 503, "auth_no_ready_endpoint"),
    (Upstream("default/auth:80", invalid="backend_tls_invalid"), 500, "auth_backend_tls_invalid"),
]


@pytest.mark.parametrize(("upstream", "status", "why"), NOBODY)
async def test_where_there_is_nobody_to_ask(upstream: Upstream, status: int, why: str) -> None:
    async with Backend() as backend:
        asked = Asked(target=(BackendRef("default/auth:80"), upstream))
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == status
            assert untouched(backend) and logged(gateway) == (status, "AF", why)


async def test_a_kept_connection_that_the_server_has_closed_costs_no_request() -> None:
    async def answers_once(peer: Peer) -> None:
        await peer.request()
        await peer.send(ALLOWS)
        await peer.request()

    async with Backend() as backend, Backend(answers_once) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            for _ in range(4):
                await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                assert (await client.response()).status == 200
            assert asked.counts(gateway) == {"allowed": 4} and len(authority.peers) == 4


async def test_questions_wait_for_a_connection_no_longer_than_for_an_answer() -> None:
    async with Backend() as backend, Backend(silent) as authority:
        asked = Asked(authority.port)
        settings = DataPlaneSettings(max_upstream_connections=1, answer_timeout=0.2)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,)), settings=settings) as gateway:
            clients = [await gateway.client() for _ in range(5)]
            for client in clients:
                await client.send(GET)
            assert [(await client.response()).status for client in clients] == [504] * 5
            assert asked.counts(gateway) == {"timeout": 5}
            assert all(not pool.active for pool in gateway.plane._registry._pools.values())


async def test_a_client_that_leaves_takes_its_question_with_it() -> None:
    async with Backend() as backend, Backend(silent) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            await eventually(lambda: authority.peers and authority.peers[0].received)
            client.reset()
            await eventually(lambda: authority.peers[0].how)
            await eventually(lambda: asked.counts(gateway))
            assert asked.counts(gateway) == {"aborted": 1} and logged(gateway) == (499, "DC", "client_reset")
            assert untouched(backend)


async def test_the_request_timeout_covers_the_question() -> None:
    async with Backend() as backend, Backend(silent) as authority:
        asked = Asked(authority.port)
        rules = rule(to(backend.port), asked.beside, filters=(asked.filter,), timeouts=Timeouts(request=0.1))
        async with Gateway(rules) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 504
            assert logged(gateway) == (504, "UT", "request_timeout")
            await eventually(lambda: authority.peers[0].how)
            await eventually(lambda: asked.counts(gateway))
            assert untouched(backend) and asked.counts(gateway) == {"aborted": 1}


async def test_an_answer_that_comes_too_late_is_nobody_s() -> None:
    async def is_late(peer: Peer) -> None:
        await peer.request()
        await eventually(lambda: gateway.log.records)
        await peer.send(ALLOWS)
        await peer.to_the_end()

    async with Backend() as backend, Backend(is_late, answering(DENIES)) as authority:
        asked = Asked(authority.port)
        settings = DataPlaneSettings(answer_timeout=0.1)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,)), settings=settings) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 504
            await eventually(lambda: authority.peers[0].how)
            gateway.plane._plane.answer_time.seconds = 20.0
            await client.send(GET)
            assert (await client.response()).status == 401
            assert untouched(backend)


async def test_a_body_of_a_200_is_not_waited_for_and_its_connection_is_kept_if_it_is_short() -> None:
    async def answers_in_two_pieces(peer: Peer) -> None:
        await peer.request()
        await peer.send(ALLOWS[:-1])
        await eventually(lambda: len(gateway.log.records) == 1)
        await peer.send(ALLOWS[-1:])
        await peer.request()
        await peer.send(ALLOWS)
        await peer.to_the_end()

    async with Backend() as backend, Backend(answers_in_two_pieces) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            await eventually(lambda: all(not pool.active for pool in gateway.plane._registry._pools.values()))
            await client.send(GET)
            assert (await client.response()).status == 200
            assert len(authority.peers) == 1


async def test_a_200_with_an_endless_body_allows_all_the_same() -> None:
    async def pours(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await peer.to_the_end()

    async with Backend() as backend, Backend(pours) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            await eventually(lambda: authority.peers[0].how)


async def test_endpoints_that_are_replaced_while_a_question_is_open_change_the_next_one() -> None:
    async def thinks(peer: Peer) -> None:
        await peer.request()
        await eventually(lambda: moved)
        await peer.send(ALLOWS)
        await peer.to_the_end()

    moved: list[bool] = []
    async with Backend() as backend, Backend(thinks) as old, Backend(answering(DENIES)) as new:
        asked = Asked(old.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            await eventually(lambda: old.requests)
            there = replace(asked.upstream, endpoints=(Endpoint("127.0.0.1", new.port),))
            gateway.install(rule(to(backend.port), (asked.beside[0], there), filters=(asked.filter,)))
            moved.append(True)
            assert (await client.response()).status == 200
            await client.send(GET)
            assert (await client.response()).status == 401


@pytest.mark.parametrize("script", [answering(ALLOWS), answering(DENIES), silent, babbles])
@pytest.mark.parametrize("body", [b"hello", b"too long"])
async def test_what_is_over_is_freed_without_the_garbage_collector(script: Script, body: bytes) -> None:
    """What exists when a snapshot is committed is frozen: the collector never looks at it again."""

    def alive() -> list[str]:
        names = ("Exchange", "FilterContext", "RuleOutside", "Asking", "Wait", "BodyWait", "UpstreamConnection")
        return [name for thing in gc.get_objects() if (name := type(thing).__name__) in names]

    gc.collect()
    async with Backend() as backend, Backend(script) as authority:
        asked = Asked(authority.port, body_at_most=5)
        settings = DataPlaneSettings(answer_timeout=0.1)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,)), settings=settings) as gateway:
            before = len(alive())
            gc.disable()
            try:
                for _ in range(3):
                    client = await gateway.client()
                    await client.send(
                        b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
                    )
                    await client.response()
                    client.close()
                await eventually(lambda: not gateway.plane.connections)
                for pool in gateway.plane._registry._pools.values():
                    pool.retire()
                await eventually(lambda: len(alive()) == before)
            finally:
                gc.enable()
