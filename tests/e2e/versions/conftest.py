"""Every test here runs over all four pairs of versions."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from msgspec.structs import replace

from proxy.snapshot.route import Rule
from proxy.snapshot.snapshot import Upstream
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.versions.conversation import Client, Endpoint
from tests.e2e.versions.http1 import Http1Client, Http1Endpoint
from tests.e2e.versions.http2 import Http2Client, Http2Endpoint

CLIENTS = {"h1": Http1Client, "h2": Http2Client}
ENDPOINTS = {"h1": Http1Endpoint, "h2": Http2Endpoint}


class Pair(NamedTuple):
    """A client, the gateway, an endpoint."""

    down: str
    up: str
    client: Client
    gateway: Gateway
    endpoint: Endpoint

    async def another(self) -> Client:
        """A second client of the same version."""
        return await CLIENTS[self.down].connect(self.gateway.port)


def spoken_to(up: str, upstreams: tuple[Upstream, ...]) -> tuple[Upstream, ...]:
    return tuple(replace(one, protocol="h2" if up == "h2" else "http") for one in upstreams)


def with_rule(**parts: Any) -> pytest.MarkDecorator:
    """The rule of a test: its timeouts, retry, filters."""
    return pytest.mark.parametrize("parts", [parts], ids=["-".join(parts)])


@pytest.fixture
def parts() -> dict[str, Any]:
    return {}


@pytest_asyncio.fixture(params=["h1-h1", "h1-h2", "h2-h1", "h2-h2"])
async def pair(request: pytest.FixtureRequest, parts: dict[str, Any]) -> AsyncIterator[Pair]:
    down, up = request.param.split("-")
    async with ENDPOINTS[up]() as endpoint:
        match, made, upstreams = rule(to(endpoint.port), **parts)
        assert isinstance(made, Rule)
        async with Gateway((match, made, spoken_to(up, upstreams))) as gateway:
            client = await CLIENTS[down].connect(gateway.port)
            try:
                yield Pair(down, up, client, gateway, endpoint)
            finally:
                await client.close()
