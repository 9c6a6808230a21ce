"""Rolling restarts under load of HTTP/2: no request is lost, and none is answered twice.

Real processes, and a client that sends nothing again but what RFC 9113 lets it. So a request that a gateway gives back
and has passed on all the same is seen twice at the endpoint, and one that it loses is a fault.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.certificates import client_context, pair
from tests.e2e.strict.client import ANY_STREAM, StrictClient, StrictConnection, size_of
from tests.e2e.versions.conversation import Asked
from tests.e2e.versions.http1 import Http1Endpoint
from tests.patience import eventually
from tests.runtime.running import free_port, gateway, route, running, service
from tests.runtime.test_https import edge, secret

LOAD = 300
"""Requests before, and after, what happens."""
SOME = 5
"""Answers that are half out when the gateway is told to go."""
KEYS = pair("one.example")


class App:
    """Counts what it is asked, and answers with as many octets as are due."""

    def __init__(self, endpoint: Http1Endpoint) -> None:
        self.port = endpoint.port
        self.seen: Counter[int] = Counter()
        self.holding = False
        """Every other answer stops in the middle, until `goodbye`."""
        self.goodbye = asyncio.Event()
        self.held = 0
        self._endpoint = endpoint

    async def serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._answer(await self._endpoint.asked.get()))

    async def _answer(self, asked: Asked) -> None:
        number = int(asked.path[1:])
        self.seen[number] += 1
        assert await asked.body() == (b"halfwhole" if number % 2 else b"")
        body = bytes(size_of(number))
        await asked.head(200, [(b"content-length", b"%d" % len(body))])
        await asked.send(body[: len(body) // 2])
        if self.holding and number % 2:
            self.held += 1
            await self.goodbye.wait()
        await asked.send(body[len(body) // 2 :])
        await asked.end()


@asynccontextmanager
async def app() -> AsyncIterator[App]:
    async with Http1Endpoint() as endpoint:
        made = App(endpoint)
        serving = asyncio.create_task(made.serve())
        yield made
        assert not serving.done()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def site(folder: Path, app: App, ports: Sequence[int], secure: bool) -> Path:
    """The configuration of a gateway that sends everything to the app."""
    folder.mkdir(exist_ok=True)
    listeners = "".join(edge(port) for port in ports) + secret(KEYS) + "\n" if secure else gateway(*ports)
    file = folder / "new"
    file.write_text(listeners + service(app.port) + route())
    return file.rename(folder / "site.yaml")


def client_of(ports: Sequence[int], secure: bool) -> StrictClient:
    if not secure:
        return StrictClient(ports)
    context = client_context(KEYS)
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    return StrictClient(ports, secure=context)


async def leaves(client: StrictClient, app: App, port: int, leave: Callable[[], object]) -> Sequence[StrictConnection]:
    """Load before, while and after connections to `port` are told to go; those that were there when they were told."""
    await eventually(lambda: client.book.answered.total() >= LOAD and client.to(port))
    app.holding = True
    await eventually(lambda: app.held >= SOME)
    there = [each for each in client.to(port) if not each.going]
    leave()
    await eventually(lambda: all(each.goodbyes or each.reading.done() for each in client.to(port)))
    app.holding = False
    app.goodbye.set()
    before = client.book.answered.total()
    await eventually(lambda: client.book.answered.total() >= before + LOAD)
    return there


def check(client: StrictClient, app: App, there: Sequence[StrictConnection]) -> None:
    """Nothing was lost, nothing was done twice, and who was there heard of it in two words."""
    assert client.book.faults == []
    assert set(client.book.answered.values()) == {1}
    assert app.seen == client.book.answered
    assert there and {(each.goodbyes[0], len(each.goodbyes)) for each in there} == {(ANY_STREAM, 2)}
    assert all(each.goodbyes[1] == each.highest for each in there) or client.book.given_back
    assert sum(each.in_flight for each in there) > 0


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("options", [(), ("--drain-delay", "300ms")], ids=["at once", "delayed"])
async def test_one_of_two_gateways_is_terminated(tmp_path: Path, options: tuple[str, ...], secure: bool) -> None:
    ports = [free_port(), free_port()]
    async with app() as behind:
        with (
            running(site(tmp_path / "leaving", behind, ports[:1], secure), *options) as leaving,
            running(site(tmp_path / "staying", behind, ports[1:], secure)),
        ):
            client = client_of(ports, secure)
            there = await leaves(client, behind, ports[0], lambda: leaving.signal(signal.SIGTERM))
            assert await asyncio.to_thread(leaving.wait) == 0
            assert "were cut" not in leaving.said()
            await client.stop()
    check(client, behind, there)


async def test_a_listener_is_removed_while_others_serve_on(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    async with app() as behind:
        file = site(tmp_path / "edge", behind, ports, secure=False)
        with running(file):
            client = client_of(ports, secure=False)
            less = partial(site, tmp_path / "edge", behind, ports[1:], secure=False)
            there = await leaves(client, behind, ports[0], less)
            await client.stop()
    check(client, behind, there)
