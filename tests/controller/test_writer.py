"""What is written, when, and how often, at an API server that answers as the real one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.controller.cluster import Current, ObjectRef, path_of
from proxy.controller.merge import Status
from proxy.controller.retry import FORBIDDEN_PAUSE, Refusal
from proxy.controller.writer import BURST, IN_FLIGHT, StatusWriter
from proxy.observe.controller import ControllerMetrics
from proxy.resources.meta import ObjectKey
from tests.controller.world import US, WEB, World, condition, meant, until

FORBIDDEN = 'gateways is forbidden: User "system:serviceaccount:a:b" cannot patch resource "gateways/status"'


class Desk:
    """A writer, and what it reports."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.may_write = True
        self.metrics = ControllerMetrics()
        self.written: list[ObjectRef] = []
        self.refusals: list[Refusal] = []
        self.writer = StatusWriter(
            world.client,
            world.follower,
            US,
            self.metrics,
            lambda: self.may_write,
            on_written=self.on_written,
            on_refused=self.on_refused,
            timing=world.timing,
        )
        world.follower.on_status = lambda kind, key: self.writer.look(ObjectRef(kind, key))

    def on_written(self, target: ObjectRef, before: Current, after: Status) -> None:
        self.written.append(target)

    def on_refused(self, target: ObjectRef, current: Current, refusal: Refusal) -> None:
        self.refusals.append(refusal)

    def count(self, result: str, kind: str = "Gateway") -> float:
        return self.metrics.series.value("penstock_status_updates_total", (kind, result))

    @property
    def pending(self) -> float:
        return self.metrics.series.value("penstock_status_pending")

    @property
    def patches(self) -> int:
        return self.world.server.count("PATCH")

    async def offer(self, status: Status, target: ObjectRef = WEB) -> None:
        self.writer.offer(target, status)
        await self.world.settle()


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    desk = Desk(world)
    running = asyncio.create_task(desk.writer.run())
    yield desk
    world.server.gate.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def gateway(number: int) -> ObjectRef:
    return ObjectRef("Gateway", ObjectKey("default", f"g{number}"))


# --- one write for each object and change -----------------------------------------------------


async def test_one_change_is_one_write_and_its_echo_none(world: World, desk: Desk) -> None:
    world.declare(WEB, conditions=[condition("Unknown", 0)])
    await desk.offer(meant())
    assert world.held(WEB)["conditions"] == [{**condition(), "lastTransitionTime": "2026-11-25T12:00:00Z"}]
    assert (desk.patches, desk.count("written"), desk.count("unchanged")) == (1, 1, 1)
    assert desk.pending == 0


async def test_the_echo_is_known_even_when_the_source_lags(world: World, desk: Desk) -> None:
    world.declare(WEB)
    world.follower.lag()
    await desk.offer(meant())
    desk.writer.look(WEB)
    await world.settle()
    assert (desk.patches, desk.count("written"), desk.count("unchanged")) == (1, 1, 2)


async def test_what_is_there_already_is_not_written(world: World, desk: Desk) -> None:
    world.declare(WEB, **meant())
    world.held(WEB)["conditions"][0]["lastTransitionTime"] = "2020-01-01T00:00:00Z"
    await desk.offer(meant())
    assert (desk.patches, desk.count("unchanged")) == (0, 1)


async def test_only_the_newest_of_many_changes_is_written(world: World, desk: Desk) -> None:
    world.declare(WEB)
    for number in range(50):
        desk.writer.offer(WEB, meant(message=str(number)))
    await world.settle()
    assert desk.patches == 1
    assert world.held(WEB)["conditions"][0]["message"] == "49"


async def test_a_change_during_a_write_is_written_after_it(world: World, desk: Desk) -> None:
    world.declare(WEB)
    world.server.gate.clear()
    desk.writer.offer(WEB, meant(message="first"))
    await until(lambda: world.server.log)
    desk.writer.offer(WEB, meant(message="second"))
    assert desk.patches == 1
    world.server.gate.set()
    await world.settle()
    assert desk.patches == 2
    assert world.held(WEB)["conditions"][0]["message"] == "second"


async def test_foreign_words_and_specs_survive(world: World, desk: Desk) -> None:
    foreign = {**condition(kind="example.com/Checked"), "lastTransitionTime": "2020-01-01T00:00:00Z"}
    world.declare(WEB, conditions=[foreign], attachedListenerSets=3)
    await desk.offer(meant())
    assert world.held(WEB)["conditions"][0] == foreign
    assert world.held(WEB)["attachedListenerSets"] == 3


async def test_a_few_writes_at_once_and_no_more(world: World, desk: Desk) -> None:
    world.server.gate.clear()
    for number in range(12):
        world.declare(gateway(number))
        desk.writer.offer(gateway(number), meant())
    await until(lambda: len(world.server.log) == IN_FLIGHT)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(world.server.log) == IN_FLIGHT
    world.server.gate.set()
    await world.settle()
    assert desk.patches == 12


async def test_at_most_a_hundred_writes_a_second(world: World, desk: Desk) -> None:
    for number in range(130):
        world.declare(gateway(number))
        desk.writer.offer(gateway(number), meant())
    await world.settle()
    assert desk.patches == BURST
    await world.pass_(0.5)
    assert BURST + 40 <= desk.patches <= BURST + 50
    await world.pass_(1.0)
    assert desk.patches == 130


# --- generations, deletions, leadership -------------------------------------------------------


async def test_no_word_about_a_generation_that_is_no_more(world: World, desk: Desk) -> None:
    world.declare(WEB, generation=2)
    await desk.offer(meant(generation=1))
    assert (desk.patches, desk.count("outdated")) == (0, 1)
    await desk.offer(meant(generation=2))
    assert desk.patches == 1


async def test_what_is_deleted_is_forgotten(world: World, desk: Desk) -> None:
    world.declare(WEB)
    world.follower.lag()
    del world.server.objects[path_of(WEB)]
    await desk.offer(meant())
    assert desk.count("gone") == 1
    world.follower.catch_up()
    await world.pass_(3600)
    assert (desk.patches, desk.pending) == (1, 0)


async def test_what_the_api_server_does_not_know_yet_is_written_when_it_does(world: World, desk: Desk) -> None:
    """While it starts, it answers 404 for objects of CRDs that it has not read yet."""
    world.declare(WEB)
    world.server.refuse = lambda method, path, body: (404, "NotFound", "no such resource")
    await desk.offer(meant())
    assert (desk.count("gone"), desk.pending) == (1, 1)
    world.server.refuse = lambda method, path, body: None
    await world.pass_(60)
    assert world.held(WEB)["conditions"]
    assert (desk.patches, desk.pending) == (2, 0)


async def test_an_object_that_nobody_has_is_left_alone(world: World, desk: Desk) -> None:
    await desk.offer(meant())
    assert (desk.patches, desk.pending) == (0, 0)


async def test_nothing_begins_once_it_may_not(world: World, desk: Desk) -> None:
    world.declare(WEB)
    desk.may_write = False
    await desk.offer(meant())
    assert desk.patches == 0
    desk.may_write = True
    desk.writer.stop()
    desk.writer.look(WEB)
    await world.settle()
    assert desk.patches == 0


# --- conflicts and fights ---------------------------------------------------------------------


async def test_after_a_conflict_the_newer_object_is_taken(world: World, desk: Desk) -> None:
    world.declare(WEB)
    world.follower.lag()
    foreign = {**condition(kind="example.com/Checked"), "lastTransitionTime": "2020-01-01T00:00:00Z"}
    world.server.set_status(path_of(WEB), {"conditions": [foreign]})
    await desk.offer(meant())
    assert [method for method, _ in world.server.log] == ["PATCH", "GET", "PATCH"]
    assert (desk.count("conflict"), desk.count("written")) == (1, 1)
    assert [item["type"] for item in world.held(WEB)["conditions"]] == ["example.com/Checked", "Accepted"]


async def test_after_a_conflict_what_the_source_has_heard_meanwhile_is_enough(world: World, desk: Desk) -> None:
    world.declare(WEB)

    def overtake(method: str, path: str, body: dict[str, Any]) -> None:
        if desk.patches == 1:
            world.server.set_status(path_of(WEB), {"conditions": []})

    world.server.refuse = overtake
    await desk.offer(meant())
    assert [method for method, _ in world.server.log] == ["PATCH", "PATCH"]


async def test_conflicts_without_end_do_not_spin(world: World, desk: Desk) -> None:
    world.declare(WEB)
    world.server.refuse = lambda method, path, body: (409, "Conflict", "too late") if method == "PATCH" else None
    await desk.offer(meant())
    assert desk.patches == 4
    await world.pass_(60)
    assert desk.patches < 16
    world.server.refuse = lambda method, path, body: None
    await world.pass_(60)
    assert desk.count("written") == 1


async def test_what_somebody_overwrites_is_written_again(world: World, desk: Desk) -> None:
    world.declare(WEB)
    await desk.offer(meant())
    world.server.set_status(path_of(WEB), meant("False"))
    desk.writer.look(WEB)
    await world.settle()
    assert desk.patches == 2
    assert world.held(WEB)["conditions"][0]["status"] == "True"


async def test_two_controllers_that_fight_do_not_spin(world: World, desk: Desk) -> None:
    world.declare(WEB)

    def fight(path: str) -> None:
        if world.held(WEB)["conditions"][0]["status"] == "True":
            world.server.set_status(path, meant("False"))
        desk.writer.look(WEB)

    world.server.on_write = fight
    await desk.offer(meant())
    await world.pass_(3600)
    assert 10 < desk.patches < 60
    world.server.on_write = lambda path: None
    await world.pass_(600)
    assert world.held(WEB)["conditions"][0]["status"] == "True"


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (422, "Invalid", "status.conditions[0].reason: Invalid value"),
        (400, "BadRequest", 'admission webhook "x.example.com" denied the request: no'),
        (403, "Forbidden", 'admission webhook "x.example.com" denied the request: no'),
    ],
)
async def test_what_is_rejected_is_named_once_and_tried_again_when_something_else_is_meant(
    world: World, desk: Desk, caplog: pytest.LogCaptureFixture, status: int, reason: str, message: str
) -> None:
    world.declare(WEB)
    world.server.refuse = lambda method, path, body: (status, reason, message)
    await desk.offer(meant())
    desk.writer.look(WEB)
    await world.pass_(3600)
    assert (desk.patches, desk.count("rejected"), desk.pending) == (1, 1, 0)
    assert [refusal.result for refusal in desk.refusals] == ["rejected"]
    assert f"the API server refuses the status of Gateway default/web: {message}" in caplog.text
    world.server.refuse = lambda method, path, body: None
    await desk.offer(meant(message="otherwise"))
    assert desk.count("written") == 1


async def test_what_rbac_forbids_is_named_once_with_the_rule_and_tried_slowly(
    world: World, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    world.server.refuse = lambda method, path, body: (403, "Forbidden", FORBIDDEN)
    for number in range(10):
        world.declare(gateway(number))
        desk.writer.offer(gateway(number), meant())
    await world.settle()
    first = desk.patches
    assert first <= IN_FLIGHT
    await world.pass_(300)
    assert desk.patches - first <= 10 * IN_FLIGHT
    assert [refusal.result for refusal in desk.refusals] == ["forbidden"]
    assert caplog.text.count("patch on gateways/status of gateway.networking.k8s.io") == 1
    world.server.refuse = lambda method, path, body: None
    await world.pass_(120)
    assert desk.count("written") == 10


async def test_what_rbac_allows_soon_is_written_soon(world: World, desk: Desk) -> None:
    world.server.refuse = lambda method, path, body: (403, "Forbidden", FORBIDDEN)
    for number in range(10):
        world.declare(gateway(number))
        desk.writer.offer(gateway(number), meant())
    await world.settle()
    world.server.refuse = lambda method, path, body: None
    await world.pass_(FORBIDDEN_PAUSE)
    assert desk.count("written") == 10


async def test_a_webhook_that_is_not_there_holds_up_no_other_object(
    world: World, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The API server answers 500 for the objects that the webhook is asked about (failurePolicy: Fail)."""
    said = 'Internal error occurred: failed calling webhook "a.example": connection refused'
    held_up = f"{path_of(gateway(0))}/status"
    world.server.refuse = lambda method, path, body: (500, "InternalError", said) if path == held_up else None
    for number in range(10):
        world.declare(gateway(number))
        desk.writer.offer(gateway(number), meant())
    await world.settle()
    assert desk.count("written") == 9
    await world.pass_(300)
    assert desk.count("failed") <= 30
    assert [refusal.message for refusal in desk.refusals] == [f"the status of {gateway(0)} waits: {said}"]
    assert caplog.text.count(said) == 1
    world.server.refuse = lambda method, path, body: None
    await world.pass_(60)
    assert (desk.count("written"), desk.pending) == (10, 0)


@pytest.mark.parametrize("status", [429, 500, 503, 401])
async def test_while_the_api_server_is_away_nothing_is_lost(world: World, desk: Desk, status: int) -> None:
    world.server.refuse = lambda method, path, body: (status, "Away", "not now")
    for number in range(10):
        world.declare(gateway(number))
        desk.writer.offer(gateway(number), meant())
    await world.pass_(120)
    assert desk.patches < 20 * IN_FLIGHT
    assert desk.pending == 10
    world.server.refuse = lambda method, path, body: None
    await world.pass_(60)
    assert (desk.count("written"), desk.pending) == (10, 0)


async def test_the_api_server_says_how_long_to_wait(world: World, desk: Desk) -> None:
    world.declare(WEB)
    world.server.headers = {"Retry-After": "20"}
    world.server.refuse = lambda method, path, body: (429, "TooManyRequests", "busy")
    await desk.offer(meant())
    await world.pass_(19.5)
    assert desk.patches == 1
    await world.pass_(1)
    assert desk.patches == 2


async def test_an_api_server_that_does_not_answer_is_asked_again(world: World, desk: Desk) -> None:
    world.declare(WEB)
    url, world.client.url = world.client.url, "http://127.0.0.1:1"
    desk.writer.offer(WEB, meant())
    await until(lambda: desk.count("failed"))
    world.client.url = url
    await world.pass_(60)
    assert desk.count("written") == 1


async def test_a_fault_of_ours_costs_one_object(world: World, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    world.declare(WEB)
    world.declare(gateway(1))
    desk.writer.offer(gateway(1), {"conditions": [{"type": "no more"}]})
    await desk.offer(meant())
    assert desk.written == [WEB]
    assert "the status of Gateway default/g1 could not be worked out" in caplog.text


# --- counts of what is attached ---------------------------------------------------------------


def counting(routes: int, message: str = "so") -> Status:
    return {**meant(message=message), "listeners": [{"name": "http", "attachedRoutes": routes, "conditions": []}]}


async def test_counts_alone_are_written_once_a_second_and_the_newest_of_them(world: World, desk: Desk) -> None:
    world.declare(WEB)
    for routes in range(100):
        await desk.offer(counting(routes))
    assert (desk.patches, desk.pending) == (1, 1)
    await world.pass_(1.0)
    assert (desk.patches, desk.pending) == (2, 0)
    assert world.held(WEB)["listeners"][0]["attachedRoutes"] == 99
    await world.pass_(1.0)
    await desk.offer(counting(1))
    assert desk.patches == 3, "the first after a while waits for nothing"


async def test_what_is_more_than_a_count_does_not_wait(world: World, desk: Desk) -> None:
    world.declare(WEB)
    await desk.offer(counting(1))
    await desk.offer(counting(2))
    await desk.offer(counting(3, message="otherwise"))
    assert desk.patches == 2
    assert world.held(WEB)["listeners"][0]["attachedRoutes"] == 3
    await world.pass_(5.0)
    assert desk.patches == 2


async def test_counts_that_wait_are_written_before_a_stop(world: World, desk: Desk) -> None:
    world.declare(WEB)
    await desk.offer(counting(1))
    await desk.offer(counting(2))
    await desk.writer.drained()
    assert world.held(WEB)["listeners"][0]["attachedRoutes"] == 2
