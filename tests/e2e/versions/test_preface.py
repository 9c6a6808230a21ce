"""HTTP/2 by its preface, on a port of HTTP/1.1: cut anywhere, and only where a connection begins."""

import asyncio

import pytest

from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend
from tests.protocol.http2 import frames as f

FLIGHT = f.opening() + f.headers(1, f.request(b"GET", b"/x"))


@pytest.mark.parametrize("size", [1, 3, 17, 19, 1000])
async def test_a_preface_in_pieces(size: int) -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        for at in range(0, len(FLIGHT), size):
            await client.send(FLIGHT[at : at + size])
            await asyncio.sleep(0)
        await client.until(b"path=/x")
        assert gateway.log.records[0].protocol == "HTTP/2"


async def test_no_preface_after_a_request() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port))) as gateway:
        client = await gateway.client()
        await client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.response()
        await client.send(FLIGHT)
        assert (await client.response()).status in (400, 501, 505)
        await client.to_the_end()
        assert len(backend.requests) == 1
