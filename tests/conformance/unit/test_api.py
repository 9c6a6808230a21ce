"""Watching a collection: a list first, then changes, and a new list after a watch that broke."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.conformance.node import api as module
from tests.conformance.node.api import Api, Change, Object, RefusedError


def pod(name: str, version: str = "1") -> Object:
    return {"metadata": {"name": name, "resourceVersion": version}}


class Server:
    """Answers lists with `items`, and each watch with the next of `watches`, then with silence."""

    def __init__(self) -> None:
        self.items: list[Object] = []
        self.watches: list[list[Object]] = []
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response({"items": self.items, "metadata": {"resourceVersion": "7"}})
        self.asked.append(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        if self.watches:
            text = b"".join(json.dumps(event).encode() + b"\n" for event in self.watches.pop(0))
            for at in range(0, len(text), 10):  # lines may come in any pieces
                await response.write(text[at : at + 10])
        else:
            await asyncio.Event().wait()
        return response


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Api]:
    monkeypatch.setattr(module, "_AGAIN", 0)
    monkeypatch.setattr(ssl, "create_default_context", lambda cafile: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    app = web.Application()
    app.router.add_get("/pods", server.answer)
    app.router.add_get("/refused/{status}", refuse)
    app.router.add_get("/convalescent", Convalescent().answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Api(f"http://127.0.0.1:{runner.addresses[0][1]}", "token", tmp_path) as found:
        yield found
    await runner.cleanup()


class Convalescent:
    """Answers 503 and 429, cuts a connection, and is then well."""

    def __init__(self) -> None:
        self.ailments = [503, 429, 0]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not self.ailments:
            return web.json_response({"kind": "Pod"})
        if status := self.ailments.pop(0):
            return web.Response(status=status, text="not now")
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


async def refuse(request: web.Request) -> web.Response:
    return web.json_response({"message": "no"}, status=int(request.match_info["status"]))


async def take(api: Api, number: int) -> list[Change]:
    found: list[Change] = []
    async for change in api.watch("/pods"):
        found.append(change)
        if len(found) == number:
            break
    return found


async def test_a_list_comes_first_then_its_changes(api: Api, server: Server) -> None:
    server.items = [pod("a")]
    server.watches = [
        [
            {"type": "ADDED", "object": pod("b", "8")},
            {"type": "BOOKMARK", "object": pod("", "9")},
            {"type": "DELETED", "object": pod("a", "10")},
        ]
    ]
    changes = await take(api, 3)
    assert [change.kind for change in changes] == ["SYNC", "ADDED", "DELETED"]
    assert changes[0].objects == [pod("a")]
    assert server.asked == ["7"]


async def test_a_watch_that_ends_goes_on_where_it_was(api: Api, server: Server) -> None:
    server.watches = [[{"type": "ADDED", "object": pod("a", "8")}], [{"type": "ADDED", "object": pod("b", "9")}]]
    assert [change.kind for change in await take(api, 3)] == ["SYNC", "ADDED", "ADDED"]
    assert server.asked == ["7", "8"]


async def test_an_expired_version_begins_again_with_a_list(api: Api, server: Server) -> None:
    server.watches = [[{"type": "ERROR", "object": {"code": 410, "message": "too old"}}]]
    assert [change.kind for change in await take(api, 2)] == ["SYNC", "SYNC"]


@pytest.mark.parametrize("status", [404, 409])
async def test_what_is_gone_or_was_made_by_others_is_no_error(api: Api, status: int) -> None:
    assert await api.get(f"/refused/{status}") is None


async def test_a_refusal_says_what_the_server_says(api: Api) -> None:
    with pytest.raises(RefusedError, match="GET /refused/403: 403 no"):
        await api.get("/refused/403")


async def test_a_server_that_is_not_well_is_asked_again(api: Api) -> None:
    assert await api.get("/convalescent") == {"kind": "Pod"}
