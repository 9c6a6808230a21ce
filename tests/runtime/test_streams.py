"""SIGTERM while answers are under way that last, as a user runs it: event streams, long polls and WebSockets."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.versions.conftest import CLIENTS
from tests.e2e.versions.conversation import Answered, Asked, Client, Cut, Endpoint, Talk
from tests.e2e.versions.http1 import Http1Endpoint
from tests.e2e.versions.test_events import arrives, subscribe
from tests.runtime.running import Gateway, free_port, gateway, route, running, service, until
from tests.runtime.test_l4 import _refused

UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


class Lasting(NamedTuple):
    """What is under way for clients of one version."""

    clients: tuple[Client, Client]
    events: tuple[Asked, Answered]
    poll: tuple[Asked, Talk]


async def lasting(version: str, port: int, endpoint: Endpoint) -> Lasting:
    """A stream of events and a long poll, each on a connection of its own."""
    client, other = await CLIENTS[version].connect(port), await CLIENTS[version].connect(port)
    _, asked, answer = await subscribe(client, endpoint)
    talk = await other.ask(b"GET", b"/poll")
    return Lasting((client, other), (asked, answer), (await endpoint.next(), talk))


@asynccontextmanager
async def site(tmp_path: Path, *options: str) -> AsyncIterator[tuple[Gateway, int, Endpoint]]:
    port, file = free_port(), tmp_path / "site.yaml"
    async with Http1Endpoint() as endpoint:
        file.write_text(gateway(port) + service(endpoint.port) + route())
        with running(file, *options, "--access-log", str(tmp_path / "access"), workers=2) as penstock:
            yield penstock, port, endpoint


async def over(under_way: list[Lasting]) -> None:
    for each in under_way:
        for client in each.clients:
            await client.close()


async def stops(penstock: Gateway, port: int) -> None:
    """It drains, and takes no new connection."""
    penstock.signal(signal.SIGTERM)
    await asyncio.to_thread(until, lambda: _refused(port), "new connections are refused")


async def test_what_lasts_goes_on_to_its_end(tmp_path: Path) -> None:
    async with site(tmp_path, "--drain-timeout", "1m") as (penstock, port, endpoint):
        under_way = [await lasting(version, port, endpoint) for version in CLIENTS]
        await stops(penstock, port)
        for each in under_way:
            asked, answer = each.events
            for event in (b"data: still\n\n", b"data: here\n\n"):
                await asked.send(event)
                await arrives(answer, event)
            await asked.end()
            assert await answer.piece() == b""
            asked, talk = each.poll
            await asked.reply(200, [], b"news")
            assert await (await talk.answer()).body() == b"news"
        await over(under_way)
        assert await asyncio.to_thread(penstock.wait) == 0
        assert "were cut" not in penstock.said()


async def test_the_end_of_the_time_ends_it_and_is_logged(tmp_path: Path) -> None:
    async with site(tmp_path, "--drain-timeout", "200ms") as (penstock, port, endpoint):
        under_way = [await lasting(version, port, endpoint) for version in CLIENTS]
        await stops(penstock, port)
        for each in under_way:
            with pytest.raises(Cut):
                await each.events[1].piece()
            assert (await each.poll[1].answer()).status == 503
            await each.events[0].gone()
            await each.poll[0].gone()
        await over(under_way)
        assert await asyncio.to_thread(penstock.wait) == 0
        assert "were cut" in penstock.said()
    lines = [json.loads(line) for line in (tmp_path / "access").read_text().splitlines()]
    assert sorted((line["protocol"], line["status"], line["flags"], line["reason"]) for line in lines) == [
        (protocol, status, "DR", "drained") for protocol in ("HTTP/1.1", "HTTP/2") for status in (200, 503)
    ]
