"""Events as an API server gets them: once, counted, limited, and never in the way."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.controller.cluster import Current, ObjectRef
from proxy.controller.events import BURST, REPEAT, WAITING, EventRecorder
from proxy.controller.transitions import Notice
from proxy.observe.controller import ControllerMetrics
from proxy.resources.meta import ObjectKey
from tests.controller.world import WEB, World

CURRENT = Current("7", "uid-web", 1, {})
NOTICE = Notice("Warning", "PortUnavailable", "listener http: port 80 is taken", "spec.listeners{http}")


class Desk:
    def __init__(self, world: World) -> None:
        self.metrics = ControllerMetrics()
        self.recorder = EventRecorder(world.client, self.metrics, "penstock-0_a1", world.timing)

    def count(self, result: str) -> float:
        return self.metrics.series.value("penstock_events_total", (result,))


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    desk = Desk(world)
    running = asyncio.create_task(desk.recorder.run())
    yield desk
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_event_says_who_what_where_and_when(world: World, desk: Desk) -> None:
    desk.recorder.tell(WEB, CURRENT, NOTICE)
    await world.settle()
    [event] = world.server.events
    meta = event.pop("metadata")
    assert meta["namespace"] == "default"
    assert meta["name"].startswith("web.")
    assert event == {
        "apiVersion": "v1",
        "kind": "Event",
        "involvedObject": {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "namespace": "default",
            "name": "web",
            "uid": "uid-web",
            "resourceVersion": "7",
            "fieldPath": "spec.listeners{http}",
        },
        "type": "Warning",
        "reason": "PortUnavailable",
        "message": "listener http: port 80 is taken",
        "source": {"component": "penstock"},
        "reportingComponent": "penstock",
        "reportingInstance": "penstock-0_a1",
        "firstTimestamp": "2026-11-25T12:00:00Z",
        "lastTimestamp": "2026-11-25T12:00:00Z",
        "count": 1,
    }


async def test_the_same_again_is_counted_and_told_after_a_while(world: World, desk: Desk) -> None:
    for _ in range(10):
        desk.recorder.tell(WEB, CURRENT, NOTICE)
        await world.pass_(1)
    assert [event["count"] for event in world.server.events] == [1]
    await world.pass_(REPEAT)
    desk.recorder.tell(WEB, CURRENT, NOTICE)
    await world.settle()
    [event] = world.server.events
    assert (event["count"], event["lastTimestamp"]) == (11, "2026-11-25T12:05:10Z")
    assert event["firstTimestamp"] == "2026-11-25T12:00:00Z"
    assert (desk.count("sent"), desk.count("repeated")) == (1, 1)


async def test_an_event_that_the_cluster_has_forgotten_is_told_anew(world: World, desk: Desk) -> None:
    desk.recorder.tell(WEB, CURRENT, NOTICE)
    await world.pass_(REPEAT)
    world.server.objects.clear()
    desk.recorder.tell(WEB, CURRENT, NOTICE)
    await world.settle()
    assert [event["count"] for event in world.server.events] == [2]


async def test_about_what_has_no_namespace_it_lies_in_default(world: World, desk: Desk) -> None:
    desk.recorder.tell(ObjectRef("GatewayClass", ObjectKey("", "penstock")), CURRENT, NOTICE)
    await world.settle()
    [event] = world.server.events
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["involvedObject"]


async def test_long_names_and_messages_fit(world: World, desk: Desk) -> None:
    target = ObjectRef("Gateway", ObjectKey("default", "a" * 253))
    desk.recorder.tell(target, CURRENT, Notice("Warning", "Invalid", "m" * 5000))
    await world.settle()
    [event] = world.server.events
    assert len(event["metadata"]["name"]) <= 253
    assert len(event["message"]) == 1024


async def test_many_at_once_are_spread_and_too_many_are_dropped(world: World, desk: Desk) -> None:
    for number in range(WAITING + 100):
        desk.recorder.tell(
            ObjectRef("Gateway", ObjectKey("default", f"g{number}")), Current("1", f"u{number}", 1, {}), NOTICE
        )
    await world.settle()
    assert len(world.server.events) == BURST
    assert desk.count("dropped") == 100
    await world.pass_(3600)
    assert len(world.server.events) == WAITING


async def test_what_rbac_forbids_is_named_once_and_silence_kept(
    world: World, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    world.server.refuse = lambda method, path, body: (403, "Forbidden", 'User "x" cannot create resource "events"')
    for number in range(5):
        desk.recorder.tell(WEB, CURRENT, Notice("Warning", "Invalid", str(number)))
        await world.settle()
    assert world.server.count("POST") == 1
    assert (desk.count("forbidden"), desk.count("dropped")) == (1, 4)
    assert caplog.text.count("allow it with create and patch on events") == 1


@pytest.mark.parametrize("status", [500, 422, 403])
async def test_an_event_that_fails_is_lost_and_no_other(world: World, desk: Desk, status: int) -> None:
    world.server.refuse = lambda method, path, body: (status, "No", "namespace is being terminated")
    desk.recorder.tell(WEB, CURRENT, NOTICE)
    await world.settle()
    world.server.refuse = lambda method, path, body: None
    desk.recorder.tell(WEB, CURRENT, Notice("Normal", "Accepted", "fine"))
    await world.settle()
    assert (desk.count("failed"), desk.count("sent")) == (1, 1)


async def test_without_an_api_server_events_are_lost(world: World, desk: Desk) -> None:
    world.client.url = "http://127.0.0.1:1"
    desk.recorder.tell(WEB, CURRENT, NOTICE)
    await world.settle()
    assert desk.count("failed") == 1
