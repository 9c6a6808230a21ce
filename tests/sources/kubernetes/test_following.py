"""Following: what many watches have in common when their API server goes and comes back."""

import asyncio

from proxy.sources.kubernetes.backoff import Pace
from proxy.sources.kubernetes.client import KubernetesClient
from proxy.sources.kubernetes.collection import Collection
from proxy.sources.kubernetes.following import Following
from proxy.sources.kubernetes.reflector import State
from proxy.sources.kubernetes.scope import Scope
from tests.patience import eventually
from tests.sources.kubernetes.api_server import ApiServer
from tests.sources.kubernetes.following import access_to

SCOPES = [Scope("", "Service"), Scope("", "Namespace")]


async def followed(first: State, second: State) -> Following:
    """Two scopes that fare so, and that nobody really asks for."""
    following = Following(KubernetesClient(access_to(ApiServer())), Pace(), lambda: None)
    for scope, state in zip(SCOPES, (first, second), strict=True):
        following.start(scope, Collection(scope.kind)).task.cancel()
        following.noted(scope, state, "why", "watch", "plural")
    await following.stop()
    return following


async def test_who_finds_the_api_server_again_wakes_those_who_wait() -> None:
    following = await followed("away", "away")
    waiting = asyncio.create_task(following.pause(3600))
    await asyncio.sleep(0)
    following.contact()
    await eventually(waiting.done)
    assert waiting.result()
    assert not await following.pause(0)


async def test_one_that_fails_while_others_do_not_waits_its_time() -> None:
    following = await followed("away", "in step")
    waiting = asyncio.create_task(following.pause(3600))
    for _ in range(5):
        following.contact()
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_all_are_in_step_or_not_installed() -> None:
    states: list[tuple[State, State, bool]] = [
        ("in step", "in step", True),
        ("in step", "absent", True),
        ("in step", "away", False),
        ("in step", "forbidden", False),
        ("in step", "starting", False),
    ]
    for first, second, wanted in states:
        assert (await followed(first, second)).in_step is wanted
