"""Long polls over all four pairs: what a rule gives a request is its time, and no other ends it before.

Time passes as other requests and connections see it, that have none of their own.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.route import Timeouts
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.versions.conftest import CLIENTS, ENDPOINTS, Pair, spoken_to
from tests.e2e.versions.test_events import PAIRS
from tests.patience import PATIENCE

SHORT = 1.0
"""Seconds. The requests of these tests are on their way sooner, on a machine that is busy, too."""
EVERYTHING_ELSE = DataPlaneSettings(
    header_timeout=SHORT,
    idle_timeout=SHORT,
    body_timeout=SHORT,
    response_head_timeout=SHORT,
    exchange_idle_timeout=SHORT,
    tunnel_timeout=SHORT,
    upstream_idle_timeout=SHORT,
    answer_timeout=SHORT,
    filter_timeout=SHORT,
)
"""All that the gateway has of its own."""
PATIENT = [(b"GET", Timeouts()), (b"POST", Timeouts(request=PATIENCE, backend_request=PATIENCE))]
"""A request of either kind, and what its rule says: no limit, or a long one."""


@pytest_asyncio.fixture(params=[f"{down}-{up}" for down, up in PAIRS])
async def polling(request: pytest.FixtureRequest, timeouts: Timeouts) -> AsyncIterator[Pair]:
    """The rule for /poll has its time, that for /plain only what the gateway has."""
    down, up = request.param.split("-")
    async with ENDPOINTS[up]() as endpoint:
        rules = [rule(to(endpoint.port), path=b"/poll", timeouts=timeouts), rule(to(endpoint.port), path=b"/plain")]
        parts = [(match, made, spoken_to(up, upstreams)) for match, made, upstreams in rules]
        async with Gateway(*parts, settings=EVERYTHING_ELSE) as gateway:
            client = await CLIENTS[down].connect(gateway.port)
            yield Pair(down, up, client, gateway, endpoint)
            await client.close()


async def all_other_times_pass(pair: Pair) -> None:
    """A connection that says nothing is closed, a request without an answer given up, an idle connection closed."""
    silent = await pair.gateway.client()
    await silent.to_the_end()
    plain = await pair.gateway.client()
    await plain.send(b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    asked = await pair.endpoint.next()
    assert (await plain.response()).status == 504
    await asked.gone()
    await plain.to_the_end()


@pytest.mark.parametrize(("method", "timeouts"), PATIENT, ids=["GET-no-limit", "POST-long"])
async def test_only_the_time_of_its_rule_counts(polling: Pair, method: bytes) -> None:
    talk = await polling.client.ask(method, b"/poll", end=method == b"GET")
    asked = await polling.endpoint.next()
    if method == b"POST":
        await talk.send(b"since=7")
        await talk.end()
    await all_other_times_pass(polling)
    await asked.reply(200, [], b"news")
    answer = await talk.answer()
    assert (answer.status, await answer.body()) == (200, b"news")


@pytest.mark.parametrize("timeouts", [Timeouts(request=0.2), Timeouts(backend_request=0.2)], ids=["request", "attempt"])
async def test_when_it_is_over_the_client_is_told_and_the_endpoint_left(polling: Pair) -> None:
    talk = await polling.client.ask(b"GET", b"/poll")
    asked = await polling.endpoint.next()
    assert (await talk.answer()).status == 504
    await asked.gone()


@pytest.mark.parametrize("timeouts", [Timeouts()], ids=["no limit"])
async def test_one_poll_after_the_other_on_one_connection(polling: Pair) -> None:
    for number in range(3):
        talk = await polling.client.ask(b"GET", b"/poll/%d" % number)
        asked = await polling.endpoint.next()
        assert asked.path == b"/poll/%d" % number
        await asked.reply(200, [], b"%d" % number)
        assert await (await talk.answer()).body() == b"%d" % number
