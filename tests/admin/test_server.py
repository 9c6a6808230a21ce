"""The addresses over HTTP."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.admin.server import AdminServer
from tests.admin.view import FakeView

HOST = "127.0.0.1"


@pytest.fixture
def view() -> FakeView:
    return FakeView()


class Client:
    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.port = port
        self.session = session
        self.headers: dict[str, str] = {}

    async def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        url = f"http://{HOST}:{self.port}{path}"
        async with self.session.request(method, url, headers=headers) as response:
            self.headers = dict(response.headers)
            return response.status, await response.text()

    async def json(self, path: str) -> object:
        return json.loads((await self.ask(path))[1])


async def client_of(view: FakeView, everything: bool) -> AsyncIterator[Client]:
    server = AdminServer(view, HOST, 0, everything)
    await server.start()
    async with aiohttp.ClientSession() as session:
        yield Client(server.port, session)
    await server.stop()


@pytest.fixture
async def admin(view: FakeView) -> AsyncIterator[Client]:
    async for client in client_of(view, everything=True):
        yield client


@pytest.fixture
async def metrics(view: FakeView) -> AsyncIterator[Client]:
    async for client in client_of(view, everything=False):
        yield client


async def test_metrics_come_in_the_format_that_is_asked_for(admin: Client) -> None:
    assert await admin.ask("/metrics") == (200, "text\n")
    assert admin.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    accept = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    assert await admin.ask("/metrics", Accept=accept) == (200, "openmetrics\n")
    assert admin.headers["Content-Type"].startswith("application/openmetrics-text")


async def test_health_is_that_it_answers(admin: Client, view: FakeView) -> None:
    view.draining = True
    assert await admin.ask("/healthz") == (200, "ok\n")


async def test_readiness_is_a_status_and_says_why(admin: Client, view: FakeView) -> None:
    assert (await admin.ask("/readyz"))[0] == 200
    view.draining = True
    status, body = await admin.ask("/readyz")
    assert (status, json.loads(body)["draining"]) == (503, True)


@pytest.mark.parametrize("name", ["overview", "listeners", "routes", "backends", "status", "config"])
async def test_everything_is_there_as_json(admin: Client, name: str) -> None:
    assert await admin.json(f"/api/v1/{name}")
    assert admin.headers["Content-Type"].startswith("application/json")


async def test_what_is_not_there_says_what_is(admin: Client) -> None:
    status, text = await admin.ask("/api/v1/secrets")
    assert status == 404
    assert "overview" in text
    assert (await admin.ask("/nothing"))[0] == 404


async def test_the_page_asks_nobody_for_anything(admin: Client) -> None:
    status, text = await admin.ask("/")
    assert status == 200
    assert "Penstock is ready" in text
    assert "default-src 'none'" in admin.headers["Content-Security-Policy"]
    assert admin.headers["X-Content-Type-Options"] == "nosniff"
    assert admin.headers["Cache-Control"] == "no-store"


async def test_names_that_are_not_ours_are_refused(admin: Client) -> None:
    assert (await admin.ask("/metrics", Host="evil.example"))[0] == 421
    assert (await admin.ask("/metrics", Host="localhost:1"))[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_nothing_can_be_changed(admin: Client, method: str) -> None:
    for path in ("/", "/metrics", "/api/v1/config", "/nothing"):
        status, _ = await admin.ask(path, method)
        assert (status, admin.headers["Allow"]) == (405, "GET, HEAD")


async def test_head_is_get_without_a_body(admin: Client) -> None:
    assert await admin.ask("/readyz", "HEAD") == (200, "")


async def test_a_request_can_be_explained(admin: Client, view: FakeView) -> None:
    told = await admin.json("/api/v1/explain?url=http://a.example.com/app&header=x-a:%20b&method=GET")
    assert told["winner"]["route"] == "ns/r"
    assert (await admin.ask("/api/v1/explain"))[0] == 400
    status, text = await admin.ask("/api/v1/explain?url=ftp://a/")
    assert status == 400
    assert "scheme" in text
    view.explained = None
    assert (await admin.ask("/api/v1/explain?url=http://a/"))[0] == 400


async def test_the_metrics_address_has_metrics_and_health_under_any_name(metrics: Client) -> None:
    for path, status in (("/metrics", 200), ("/healthz", 200), ("/readyz", 200), ("/", 404), ("/api/v1/config", 404)):
        assert (await metrics.ask(path, Host="10-0-0-1.pod.cluster.local"))[0] == status
    assert (await metrics.ask("/metrics", "POST"))[0] == 405


async def test_a_port_in_use_is_an_error_and_leaves_nothing_behind(view: FakeView) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        with pytest.raises(OSError, match="address already in use"):
            await AdminServer(view, HOST, other.getsockname()[1], everything=True).start()
    await asyncio.sleep(0)
