"""The hello backend, over real HTTP."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from proxy.demo.hello import application


@pytest.fixture
async def hello() -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(application())) as client:
        yield client


@pytest.mark.parametrize("path", ["/hello", "/hello/", "/hello/a/b?c=d"])
async def test_get_greets_penstock(hello: TestClient, path: str) -> None:
    answer = await hello.get(path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert await answer.read() == b'{"from":"Penstock","message":"Hello, Penstock!","status":true}'


async def test_head_is_get_without_the_body(hello: TestClient) -> None:
    answer = await hello.head("/hello")
    assert answer.status == 200
    assert answer.headers["content-length"] == "62"
    assert await answer.read() == b""


@pytest.mark.parametrize(("sent", "greeted"), [(b'{"name":"Ada"}', "Ada"), ('{"name":"Zoë"}'.encode(), "Zoë")])
async def test_post_greets_by_name(hello: TestClient, sent: bytes, greeted: str) -> None:
    answer = await hello.post("/hello", data=sent, headers={"content-type": "application/json"})
    assert answer.status == 200
    assert (await answer.read()).decode() == f'{{"from":"Penstock","message":"Hello, {greeted}!","status":true}}'


@pytest.mark.parametrize("sent", [b"", b"{", b'"Ada"', b"[1]", b"{}", b"\xff"])
async def test_a_body_without_a_name_is_refused_in_json(hello: TestClient, sent: bytes) -> None:
    answer = await hello.post("/hello", data=sent)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert (await answer.json())["status"] is False


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/other", 404), ("DELETE", "/hello", 405)])
async def test_it_answers_nothing_else(hello: TestClient, method: str, path: str, status: int) -> None:
    assert (await hello.request(method, path)).status == status
