"""DirectResponse on real sockets: framed as any answer of ours, for every method, at a rule and at a share of one."""

import pytest

from proxy.snapshot.route import Cors, DirectResponse
from tests.e2e.authorities import ALLOWS, DENIES, Asked, answering, logged, untouched
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend

CLOSED = DirectResponse("ns/closed", 503, ((b"retry-after", b"60"), (b"content-type", b"text/html")), b"<p>closed")
GET = b"GET /a HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example.com\r\n\r\n"


@pytest.mark.parametrize("at", ["rule", "backend"])
async def test_it_is_answered_and_the_backend_hears_nothing(at: str) -> None:
    async with Backend() as backend:
        target = to(backend.port, filters=() if at == "rule" else (CLOSED,))
        async with Gateway(rule(target, filters=(CLOSED,) if at == "rule" else ())) as gateway:
            client = await gateway.client()
            await client.send(GET * 2)
            for _ in range(2):
                answer = await client.response()
                assert (answer.status, answer.body) == (503, b"<p>closed")
                assert {(b"retry-after", b"60"), (b"content-type", b"text/html")} <= set(answer.fields)
            assert untouched(backend) and logged(gateway) == (503, "", "")


async def test_head_gets_the_head_and_a_body_is_not_waited_for() -> None:
    async with Gateway(rule(filters=(CLOSED,))) as gateway:
        client = await gateway.client()
        await client.send(GET.replace(b"GET", b"HEAD"))
        answer = await client.response(b"HEAD")
        assert (answer.status, answer.body) == (503, b"")
        await client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert (await client.response()).status == 503 and client.interim == []


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_an_answer_without_a_body_leaves_the_connection_in_step(status: int) -> None:
    async with Gateway(rule(filters=(DirectResponse("ns/empty", status),))) as gateway:
        client = await gateway.client()
        await client.send(GET * 3)
        assert [(await client.response()).status for _ in range(3)] == [status] * 3


@pytest.mark.parametrize(("answers", "status"), [(DENIES, 401), (ALLOWS, 503)])
async def test_what_stands_before_it_is_done_first(answers: bytes, status: int) -> None:
    async with Backend(answering(answers)) as authority:
        asked = Asked(authority.port)
        cors = Cors(origins=(b"https://shop.example.com",))
        async with Gateway(rule(asked.beside, filters=(cors, asked.filter, CLOSED))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            answer = await client.response()
            assert answer.status == status
            assert (b"access-control-allow-origin", b"https://shop.example.com") in answer.fields
