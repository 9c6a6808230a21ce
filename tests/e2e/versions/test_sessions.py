"""Session persistence between all versions: HTTP/2 clients send a field for each cookie (RFC 9113 section 8.2.3)."""

import asyncio

import pytest

from proxy.snapshot.session import Session
from tests.e2e.gateway import Gateway, rule
from tests.e2e.test_session_persistence import to
from tests.e2e.versions.conftest import CLIENTS, ENDPOINTS, spoken_to
from tests.e2e.versions.conversation import Answered, Client, Endpoint, Fields


async def asked(client: Client, fields: Fields, *endpoints: Endpoint) -> tuple[int, Answered]:
    """Which of the endpoints a request reaches, and its answer."""
    talk = await client.ask(b"GET", b"/", fields)
    waiting = [asyncio.create_task(endpoint.next()) for endpoint in endpoints]
    [reached], others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await reached.result().reply(200, [], b"x")
    return waiting.index(reached), await talk.answer()


@pytest.mark.parametrize("up", ENDPOINTS)
@pytest.mark.parametrize("down", CLIENTS)
@pytest.mark.parametrize("kind", ["cookie", "header"])
async def test_a_client_of_any_version_comes_back(down: str, up: str, kind: str) -> None:
    session = Session("cookie", b"cart", b"scopeONE") if kind == "cookie" else Session("header", b"x-s", b"scopeONE")
    async with ENDPOINTS[up]() as one, ENDPOINTS[up]() as two:
        match, made, upstreams = rule(to(one.port, two.port), session=session)
        async with Gateway((match, made, spoken_to(up, upstreams))) as gateway:
            client = await CLIENTS[down].connect(gateway.port)
            home, answer = await asked(client, [], one, two)
            told = answer.field(b"set-cookie") or answer.field(b"x-s") or b""
            shows = [(b"cookie", told.partition(b";")[0])] if kind == "cookie" else [(b"x-s", told)]
            for _ in range(4):
                again, answer = await asked(client, [(b"cookie", b"a=1"), *shows, (b"cookie", b"b=2")], one, two)
                assert again == home
                assert answer.field(b"set-cookie") is None and answer.field(b"x-s") is None
            await client.close()
