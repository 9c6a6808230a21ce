"""Load: a constant rate of requests with a body each way, whatever the answers do, and what failed of them."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.cluster.inside import Inside

RATE = 200
"""Requests a second."""
NEW_CONNECTION = 4
"""One of so many requests comes on a connection of its own."""
_BODIES = (b"", b"x" * 10, b"y" * 3_000, b"z" * 70_000)
_DEADLINE = 15.0


class Place(NamedTuple):
    """Where to send: an address, and the name that is asked for there."""

    address: str
    port: int
    host: str
    tls: ssl.SSLContext | None = None

    def url(self, path: str) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{path}"


class Fixed(AbstractResolver):
    """Every name is at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            {"hostname": host, "host": self._address, "port": port, "family": family, "proto": 0, "flags": 0},
        ]

    async def close(self) -> None:
        pass


def connector(address: str, force_close: bool = False) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=0, resolver=Fixed(address), family=socket.AF_INET, force_close=force_close)


@dataclass
class Load:
    """What has come of it so far."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """What went wrong: how often."""
    ending: bool = False

    async def send(self, places: Sequence[Place]) -> None:
        """Until `ending`; then what is in flight is awaited."""
        kept = {place: aiohttp.ClientSession(connector=connector(place.address)) for place in places}
        fresh = {place: aiohttp.ClientSession(connector=connector(place.address, force_close=True)) for place in places}
        sessions = (*kept.values(), *fresh.values())
        running: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number, place in enumerate(cycle(places)):
            await asyncio.sleep(max(0.0, begun + number / RATE - loop.time()))
            if self.ending:
                break
            turn = number // len(places)
            session = (kept if turn % NEW_CONNECTION else fresh)[place]
            task = asyncio.create_task(self._ask(session, place, _BODIES[turn // NEW_CONNECTION % len(_BODIES)]))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        await asyncio.gather(*(session.close() for session in sessions))

    async def _ask(self, session: aiohttp.ClientSession, place: Place, body: bytes) -> None:
        try:
            async with (
                asyncio.timeout(_DEADLINE),
                session.post(place.url("/load"), data=body, ssl=place.tls or True) as answer,
            ):
                whole = await answer.read()
                wrong = "" if (answer.status, whole) == (200, body) else f"{answer.status} {whole[:80]!r}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            wrong = repr(error)
        self.answered += not wrong
        if wrong:
            self.failed[wrong] += 1


@contextmanager
def load(where: Inside, *places: Place) -> Iterator[Load]:
    """Under load for the block; after it everything that was sent has been answered or has failed."""
    found = Load()
    sending = where.start(found.send(places))
    try:
        yield found
    finally:
        found.ending = True
        sending.result()
