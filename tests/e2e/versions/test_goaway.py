"""An endpoint that says goodbye (RFC 9113 section 6.8) with requests on their way, octet by octet.

What its GOAWAY names is finished where it was begun, bodies half sent included. What is above was not looked at and is
sent again as long as all of it is still there; else the client is told. Nothing that may have been done is done twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.snapshot.route import Retry
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer
from tests.e2e.versions.conftest import CLIENTS, spoken_to
from tests.e2e.versions.conversation import Client, Cut
from tests.e2e.versions.scripted import ANY_STREAM, Cue, Script, answer, data, goodbye, head
from tests.patience import eventually

Act = Callable[[Script], Awaitable[None]]
both = pytest.mark.parametrize("down", CLIENTS)
LENGTH = (b"content-length", b"9")
CALL = [(b"content-type", b"application/grpc"), (b"te", b"trailers")]


class Stage:
    """A client, the gateway, and what became of the scripts."""

    def __init__(self, client: Client, gateway: Gateway, backend: Backend, down: str) -> None:
        self.client = client
        self.gateway = gateway
        self.backend = backend
        self.clients = [client]
        self._down = down

    async def another(self) -> Client:
        """For one more request at a time: over HTTP/2 the same connection will do."""
        if self._down == "h2":
            return self.client
        self.clients.append(await CLIENTS[self._down].connect(self.gateway.port))
        return self.clients[-1]

    @property
    def told(self) -> tuple[int, str, int]:
        """(status, reason, times sent again) of the last request that is over."""
        record = self.gateway.log.records[-1]
        return record.status, record.reason, record.retries


@asynccontextmanager
async def stage(down: str, *acts: Act, kind: str = "HTTPRoute", **parts: Any) -> AsyncIterator[Stage]:
    """The n-th connection to the endpoint plays the n-th act, and every act is played to its end."""
    played: list[int] = []

    def scripted(number: int, act: Act) -> Callable[[Peer], Awaitable[None]]:
        async def script(peer: Peer) -> None:
            await act(Script(peer))
            played.append(number)

        return script

    async with Backend(*(scripted(number, act) for number, act in enumerate(acts))) as backend:
        match, made, upstreams = rule(to(backend.port), **parts)
        async with Gateway((match, replace(made, kind=kind), spoken_to("h2", upstreams))) as gateway:
            it = Stage(await CLIENTS[down].connect(gateway.port), gateway, backend, down)
            yield it
            for client in it.clients:
                await client.close()
            await eventually(lambda: set(played) == set(range(len(acts))))
    assert len(backend.peers) == len(acts)


async def answers_next(script: Script) -> None:
    """The connection that comes in the place of one that goes."""
    await script.hears_request(1)
    await script.says(answer(1, b"elsewhere"))


# --- what it has looked at --------------------------------------------------------------------


@both
async def test_it_finishes_what_it_has_and_all_that_is_new_goes_elsewhere(down: str) -> None:
    new_one_is_answered = Cue()

    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.hears_request(3)
        await script.says(head(1), data(1, b"one, "), head(3))
        await script.says(goodbye(ANY_STREAM), goodbye(3), data(3, b"two, "))
        await new_one_is_answered.come()
        await script.says(data(3, b"whole", end=True))
        await script.says(data(1, b"whole", end=True))
        await script.hears_end()

    async with stage(down, leaves, answers_next) as it:
        one = await it.client.ask(b"GET", b"/1")
        two = await (await it.another()).ask(b"GET", b"/2")
        first, second = await one.answer(), await two.answer()
        assert (await first.piece(), await second.piece()) == (b"one, ", b"two, ")  # the goodbye came before
        assert await (await (await it.another()).get(b"/3")).body() == b"elsewhere"
        new_one_is_answered.give()
        assert (await first.body(), await second.body()) == (b"whole", b"whole")
        assert [record.retries for record in it.gateway.log.records] == [0, 0, 0]


@both
async def test_a_body_half_sent_is_sent_to_its_end(down: str) -> None:
    """Also when the answer has begun, which tells the test that the goodbye has come."""

    async def leaves(script: Script) -> None:
        await script.hears_request(1, end=False)
        await script.hears_body(1, b"half", end=False)
        await script.says(goodbye(ANY_STREAM), goodbye(1), head(1))
        await script.hears_body(1, b"whole", end=True)
        await script.says(data(1, b"got it", end=True))
        await script.hears_end()

    async with stage(down, leaves) as it:
        talk = await it.client.ask(b"POST", b"/", [LENGTH], end=False)
        await talk.send(b"half")
        answer = await talk.answer()
        await talk.send(b"whole")
        await talk.end()
        assert await answer.body() == b"got it" and it.told == (200, "", 0)


@both
async def test_a_request_between_two_goodbyes_is_served_if_the_second_names_it(down: str) -> None:
    """It was sent before the first had come."""

    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.says(goodbye(ANY_STREAM), head(1))
        await script.says(goodbye(1), data(1, b"served", end=True))
        await script.hears_end()

    async with stage(down, leaves) as it:
        assert await (await it.client.get(b"/")).body() == b"served"


@both
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_what_it_may_have_done_is_not_done_again(down: str, method: bytes) -> None:
    """It names the request, and goes without an answer."""

    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.says(goodbye(1))

    async with stage(down, leaves) as it:
        answer = await it.client.get(b"/") if method == b"GET" else await (await it.client.ask(method, b"/")).answer()
        assert answer.status == 503 and it.told == (503, "upstream_closed_before_response", 0)


@both
@pytest.mark.parametrize("code", [0, 2, 11])
async def test_an_answer_that_breaks_off_is_cut(down: str, code: int) -> None:
    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.says(head(1), data(1, b"half"), goodbye(1, code))

    async with stage(down, leaves) as it:
        answer = await it.client.get(b"/")
        with pytest.raises(Cut):
            await answer.body()
        assert it.told == (200, "upstream_reset_in_body", 0)


# --- what it has not looked at ----------------------------------------------------------------


@both
@pytest.mark.parametrize("code", [0, 11])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_a_request_above_goes_elsewhere_whatever_its_method(down: str, method: bytes, code: int) -> None:
    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.says(goodbye(0, code))
        await script.hears_end()

    async with stage(down, leaves, answers_next) as it:
        answer = await (await it.client.ask(method, b"/")).answer()
        assert await answer.body() == b"elsewhere" and it.told == (200, "", 1)


@both
async def test_only_those_above_go_elsewhere(down: str) -> None:
    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.hears_request(3)
        await script.says(goodbye(1), answer(1))
        await script.hears_end()

    async with stage(down, leaves, answers_next) as it:
        one = await it.client.ask(b"GET", b"/1")
        two = await (await it.another()).ask(b"GET", b"/2")
        assert await (await one.answer()).body() == b"here"
        assert await (await two.answer()).body() == b"elsewhere"


@both
async def test_a_head_without_any_of_its_body_goes_elsewhere(down: str) -> None:
    async def leaves(script: Script) -> None:
        await script.hears_request(1, end=False)
        await script.says(goodbye(0))
        await script.hears_end()

    async def takes_it(script: Script) -> None:
        await script.hears_request(1, end=False)
        begun.give()
        await script.hears_body(1, b"halfwhole", end=True)
        await script.says(answer(1, b"elsewhere"))

    begun = Cue()
    async with stage(down, leaves, takes_it) as it:
        talk = await it.client.ask(b"POST", b"/", [LENGTH], end=False)
        await begun.come()
        await talk.send(b"half")
        await talk.send(b"whole")
        await talk.end()
        assert await (await talk.answer()).body() == b"elsewhere" and it.told == (200, "", 1)


async def turns_down_half_a_body(script: Script) -> None:
    await script.hears_request(1, end=False)
    await script.hears_body(1, b"half", end=False)
    await script.says(goodbye(0))


async def takes_all_of_it(script: Script) -> None:
    await script.hears_request(1, end=False)
    await script.hears_body(1, b"halfwhole", end=True)
    await script.says(answer(1, b"elsewhere"))


@both
async def test_half_a_body_is_gone_and_the_client_is_told(down: str) -> None:
    async with stage(down, turns_down_half_a_body) as it:
        talk = await it.client.ask(b"POST", b"/", [LENGTH], end=False)
        await talk.send(b"half")
        assert (await talk.answer()).status == 503 and it.told == (503, "upstream_goaway", 0)


@both
async def test_a_rule_with_retries_has_kept_it(down: str) -> None:
    async with stage(down, turns_down_half_a_body, takes_all_of_it, retry=Retry((), 1, 0.0)) as it:
        talk = await it.client.ask(b"POST", b"/", [LENGTH], end=False)
        await talk.send(b"half")
        await eventually(lambda: len(it.backend.peers) == 2)
        await talk.send(b"whole")
        await talk.end()
        assert await (await talk.answer()).body() == b"elsewhere" and it.told == (200, "", 1)


async def test_so_has_a_grpcroute_of_calls() -> None:
    async with stage("h2", turns_down_half_a_body, takes_all_of_it, kind="GRPCRoute") as it:
        talk = await it.client.ask(b"POST", b"/a.B/C", CALL, end=False)
        await talk.send(b"half")
        await eventually(lambda: len(it.backend.peers) == 2)
        await talk.send(b"whole")
        await talk.end()
        assert await (await talk.answer()).body() == b"elsewhere" and it.told == (200, "", 1)


async def test_a_call_by_an_httproute_is_unavailable() -> None:
    async with stage("h2", turns_down_half_a_body) as it:
        talk = await it.client.ask(b"POST", b"/a.B/C", CALL, end=False)
        await talk.send(b"half")
        answer = await talk.answer()
        assert (answer.status, answer.field(b"grpc-status")) == (200, b"14") and it.told == (200, "upstream_goaway", 0)


@both
async def test_who_says_goodbye_with_its_first_word_is_asked_for_nothing(down: str) -> None:
    async def leaves(script: Script) -> None:
        await script.says(goodbye(0))
        await script.hears_end()

    async with stage(down, leaves, answers_next) as it:
        assert await (await it.client.get(b"/")).body() == b"elsewhere"


@both
async def test_who_always_says_goodbye_is_not_asked_for_ever(down: str) -> None:
    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.says(goodbye(0))
        await script.hears_end()

    async with stage(down, *[leaves] * 11) as it:
        assert (await it.client.get(b"/")).status == 503 and it.told == (503, "upstream_goaway", 10)


@both
async def test_an_endpoint_that_takes_back_what_it_has_begun_to_answer_is_not_believed(down: str) -> None:
    async def leaves(script: Script) -> None:
        await script.hears_request(1)
        await script.says(head(1), data(1, b"half"))
        await script.says(goodbye(0))

    async with stage(down, leaves) as it:
        answer = await it.client.get(b"/")
        with pytest.raises(Cut):
            await answer.body()
        assert it.told[2] == 0
