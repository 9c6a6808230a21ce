"""Readiness: which probe a container has, and which answers to it count."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.conformance.node.api import Object
from tests.conformance.node.probes import HttpProbe, answers, port_number, probe_of

PORTS = [{"name": "metrics", "containerPort": 9901}]


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ({"httpGet": {"path": "/readyz", "port": 9901}}, HttpProbe("http://10.244.0.10:9901/readyz", 10, 1, 3)),
        ({"httpGet": {"port": "metrics", "scheme": "HTTPS"}}, HttpProbe("https://10.244.0.10:9901/", 10, 1, 3)),
        (
            {
                "httpGet": {"port": 1, "host": "127.0.0.1"},
                "periodSeconds": 2,
                "timeoutSeconds": 5,
                "failureThreshold": 1,
            },
            HttpProbe("http://127.0.0.1:1/", 2, 5, 1),
        ),
        ({"exec": {"command": ["true"]}}, None),
        (None, None),
    ],
)
def test_the_fields_of_a_probe_and_their_defaults(probe: Object | None, expected: HttpProbe | None) -> None:
    assert probe_of({"name": "c", "ports": PORTS, "readinessProbe": probe}, "10.244.0.10") == expected


def test_a_port_that_is_not_declared_is_an_error() -> None:
    assert port_number("80", {}) == 80
    with pytest.raises(LookupError, match="container web has no port named admin"):
        port_number("admin", {"name": "web", "ports": PORTS})


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A server that answers `/NNN` with that status."""
    app = web.Application()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    app.router.add_get("/{status}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (204, True), (302, True), (404, False), (503, False)])
async def test_a_status_below_400_is_ready(url: str, status: int, ready: bool) -> None:
    async with aiohttp.ClientSession() as http:
        assert await answers(HttpProbe(f"{url}/{status}", 10, 5, 3), http) is ready


async def test_nobody_there_is_not_ready(unused_tcp_port: int) -> None:
    async with aiohttp.ClientSession() as http:
        assert not await answers(HttpProbe(f"http://127.0.0.1:{unused_tcp_port}/", 10, 5, 3), http)
