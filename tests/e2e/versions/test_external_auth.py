"""ExternalAuth where client and authorization server speak either version: what is asked, held back and passed on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from proxy.downstream.settings import DataPlaneSettings
from tests.e2e.authorities import Asked as Filter
from tests.e2e.authorities import logged, untouched
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend
from tests.e2e.versions.conftest import CLIENTS, ENDPOINTS, spoken_to
from tests.e2e.versions.conversation import Asked, Client, Endpoint
from tests.patience import eventually


class Checked(NamedTuple):
    """A client, the gateway, the server that is asked, the backend, and the filter."""

    client: Client
    gateway: Gateway
    authority: Endpoint
    backend: Backend
    filter: Filter

    @property
    def silent(self) -> bool:
        return untouched(self.backend)


Check = Callable[..., Awaitable[Checked]]


@pytest_asyncio.fixture(params=["h1-h1", "h1-h2", "h2-h1", "h2-h2"])
async def check(request: pytest.FixtureRequest) -> AsyncIterator[Check]:
    """Makes a gateway whose filter has these settings."""
    down, up = request.param.split("-")
    stack: list[Any] = []

    async def make(patience: float = 20.0, **settings: Any) -> Checked:
        authority, backend = ENDPOINTS[up](), Backend()
        stack.extend((authority, backend))
        await authority.__aenter__()
        await backend.__aenter__()
        filter = Filter(authority.port, **settings)
        [upstream] = spoken_to(up, (filter.upstream,))
        asked = (filter.beside[0], upstream)
        gateway = Gateway(
            rule(to(backend.port), asked, filters=(filter.filter,)), settings=DataPlaneSettings(answer_timeout=patience)
        )
        stack.append(await gateway.__aenter__())
        client = await CLIENTS[down].connect(gateway.port)
        stack.append(client)
        return Checked(client, gateway, authority, backend, filter)

    yield make
    for each in reversed(stack):
        await (each.close() if isinstance(each, Client) else each.__aexit__(None, None, None))


async def allow(asked: Asked) -> None:
    await asked.reply(200, [(b"x-user", b"ada")], b"ok")


async def test_allowed_and_denied_on_the_same_connections(check: Check) -> None:
    it = await check(prefix=b"/check", copied=(b"x-user",))
    for allowed in (True, False, True):
        talk = await it.client.ask(b"GET", b"/a?b", [(b"authorization", b"x"), (b"x-user", b"root"), (b"cookie", b"c")])
        asked = await it.authority.next()
        assert (asked.method, asked.path, await asked.body()) == (b"GET", b"/check/a?b", b"")
        told = {name for name, _ in asked.fields if name[:1] != b":"} - {b"host"}
        assert told == {b"authorization", b"via", b"content-length"} and asked.field(b"content-length") == b"0"
        if allowed:
            await allow(asked)
            assert (await talk.answer()).status == 200
        else:
            await asked.reply(401, [(b"www-authenticate", b"Basic")], b"no")
            answer = await talk.answer()
            assert (answer.status, answer.field(b"www-authenticate"), await answer.body()) == (401, b"Basic", b"no")
    assert [value for each in it.backend.requests for name, value in each.fields if name == b"x-user"] == [b"ada"] * 2
    assert it.authority.connections == 1
    assert it.filter.counts(it.gateway) == {"allowed": 2, "denied": 1}


@pytest.mark.parametrize("sized", [True, False])
async def test_a_body_is_shown_whole_and_sent_on(check: Check, sized: bool) -> None:
    it = await check(body_at_most=300_000)
    body = bytes(i % 251 for i in range(300_000))
    talk = await it.client.ask(b"POST", b"/", [(b"content-length", b"300000")] if sized else [], end=False)
    await talk.send(body[:200_000])
    assert it.authority.asked.empty() and it.silent
    await talk.send(body[200_000:])
    await talk.end()
    asked = await it.authority.next()
    assert asked.field(b"content-length") == b"300000" and await asked.body() == body
    await allow(asked)
    assert (await talk.answer()).status == 200
    assert it.backend.requests[0].body == body


async def test_a_longer_body_is_refused_and_nobody_is_asked(check: Check) -> None:
    it = await check(body_at_most=5)
    talk = await it.client.ask(b"POST", b"/", end=False)
    await talk.send(b"hello!")
    assert (await talk.answer()).status == 413
    assert it.authority.asked.empty() and it.silent
    assert logged(it.gateway) == (413, "TL", "filter_body_too_large")


async def test_while_the_server_thinks_the_client_is_held_back(check: Check) -> None:
    it = await check()
    talk = await it.client.ask(b"POST", b"/", end=False)
    sending = asyncio.create_task(talk.send(b"x" * 300_000))
    asked = await it.authority.next()
    assert await asked.body() == b"" and it.silent
    await allow(asked)
    await sending
    await talk.end()
    assert (await talk.answer()).status == 200
    assert len(it.backend.requests[0].body) == 300_000


@pytest.mark.parametrize("check", ["h2-h1", "h2-h2"], indirect=True)
async def test_a_client_that_takes_its_request_back_takes_the_question_along(check: Check) -> None:
    it = await check()
    talk = await it.client.ask(b"GET", b"/")
    await it.authority.next()
    await talk.leave()
    await eventually(lambda: it.filter.counts(it.gateway))
    assert it.filter.counts(it.gateway) == {"aborted": 1} and it.silent


async def test_a_server_that_says_nothing(check: Check) -> None:
    it = await check(patience=0.1)
    talk = await it.client.ask(b"GET", b"/")
    assert (await talk.answer()).status == 504
    assert it.silent and logged(it.gateway) == (504, "AF", "auth_answer_timeout")


async def test_a_server_that_gives_up(check: Check) -> None:
    it = await check()
    talk = await it.client.ask(b"GET", b"/")
    asked = await it.authority.next()
    await asked.head(401, [(b"content-length", b"5")])
    await asked.cut()
    assert (await talk.answer()).status in (502, 503)
    assert it.silent and it.filter.counts(it.gateway) == {"failed": 1}


async def test_a_200_is_enough(check: Check) -> None:
    """Its body may never come."""
    it = await check()
    talk = await it.client.ask(b"GET", b"/")
    asked = await it.authority.next()
    await asked.head(200, [(b"content-length", b"5")])
    assert (await talk.answer()).status == 200


@pytest.mark.parametrize("settings", [{"copied": (b"x-user",)}, {}, {"copied": (b"x-user",), "body_at_most": 10}])
async def test_trailers_do_not_say_what_is_the_servers_to_say(check: Check, settings: dict[str, Any]) -> None:
    it = await check(**settings)
    talk = await it.client.ask(b"POST", b"/", end=False)
    await talk.send(b"x")
    trailers = [(b"x-user", b"root"), (b"x_user", b"root"), (b"sum", b"1")]
    if settings.get("body_at_most"):
        await talk.end(trailers)
    await allow(await it.authority.next())
    if not settings.get("body_at_most"):
        await eventually(lambda: bool(it.backend.peers))
        await talk.end(trailers)
    assert (await talk.answer()).status == 200
    assert it.backend.requests[0].trailers == [(b"sum", b"1")]
