"""Replicas and one Lease at an API server: who leads, and for how long."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from proxy.controller.lease import LeaseKeeper
from tests.controller.timing import ManualTiming
from tests.controller.world import LEASE, World


class Skewed(ManualTiming):
    """The same time passes, and the clock on the wall is wrong by a day."""

    def __init__(self, of: ManualTiming) -> None:
        self._of = of

    def now(self) -> float:
        return self._of.now()

    def wall(self) -> float:
        return self._of.wall() - 86400

    def __getattr__(self, name: str) -> object:
        return getattr(self._of, name)

    sleep = property(lambda self: self._of.sleep)  # type: ignore[assignment]
    later = property(lambda self: self._of.later)  # type: ignore[assignment]
    within = property(lambda self: self._of.within)  # type: ignore[assignment]


class Replica:
    def __init__(self, world: World, name: str, timing: ManualTiming) -> None:
        self.changes: list[bool] = []
        self.keeper = LeaseKeeper(
            world.client,
            "penstock-system",
            "penstock-controller",
            name,
            on_change=self.changes.append,
            timing=timing,
        )
        self.task = asyncio.create_task(self.keeper.run())

    @property
    def leads(self) -> bool:
        return self.keeper.is_leader()

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


Start = Callable[[str], Replica]


@pytest.fixture
async def start(world: World) -> AsyncIterator[Start]:
    replicas: list[Replica] = []

    def start(name: str, timing: ManualTiming | None = None) -> Replica:
        replicas.append(Replica(world, name, timing or world.timing))
        return replicas[-1]

    yield start
    for replica in replicas:
        await replica.kill()


def holder(world: World) -> tuple[str, int]:
    spec = world.server.objects[LEASE]["spec"]
    return spec["holderIdentity"], spec["leaseTransitions"]


async def test_the_first_leads_and_the_second_waits(world: World, start: Start) -> None:
    one = start("one")
    await world.settle()
    two = start("two")
    await world.pass_(300)
    assert (one.leads, two.leads) == (True, False)
    assert (one.changes, two.changes) == ([True], [])
    assert holder(world) == ("one", 0)


async def test_of_two_who_start_at_once_one_leads(world: World, start: Start) -> None:
    one, two = start("one"), start("two")
    await world.pass_(60)
    assert [one.leads, two.leads].count(True) == 1


async def test_a_killed_leader_has_a_successor_within_20_seconds_and_never_a_rival(world: World, start: Start) -> None:
    one = start("one")
    await world.settle()
    two = start("two")
    await world.pass_(7)
    await one.kill()
    for _ in range(400):
        await world.pass_(0.05)
        assert not (one.leads and two.leads)
        if two.leads:
            break
    assert two.leads
    assert holder(world) == ("two", 1)


async def test_clocks_on_the_wall_may_differ(world: World, start: Start) -> None:
    one = start("one")
    await world.settle()
    two = start("two", Skewed(world.timing))  # type: ignore[call-arg]
    await world.pass_(120)
    assert (one.leads, two.leads) == (True, False)
    await one.kill()
    await world.pass_(20)
    assert two.leads


async def test_what_is_given_back_is_taken_at_the_next_look(world: World, start: Start) -> None:
    one = start("one")
    await world.settle()
    two = start("two")
    await world.pass_(7)
    await one.kill()
    await one.keeper.release()
    assert holder(world) == ("", 0)
    assert not one.leads
    await world.pass_(4)
    assert two.leads


async def test_a_leader_that_cannot_renew_stops_before_anyone_else_may_begin(world: World, start: Start) -> None:
    one = start("one")
    await world.pass_(10)
    began = world.timing.now()
    world.server.refuse = lambda method, path, body: (500, "InternalError", "no")
    while one.leads:
        await world.pass_(0.1)
    assert 7.9 <= world.timing.now() - began <= 10.2
    assert one.changes == [True, False]
    world.server.refuse = lambda method, path, body: None
    await world.pass_(5)
    assert one.changes == [True, False, True]


async def test_a_leader_that_gets_no_answer_stops_too(world: World, start: Start) -> None:
    one = start("one")
    await world.pass_(10)
    began = world.timing.now()
    world.server.gate.clear()
    world.hanging = 1
    while one.leads:
        await world.pass_(0.1)
    assert 7.9 <= world.timing.now() - began <= 10.2
    world.hanging = 0
    world.server.gate.set()


async def test_a_leader_whose_lease_was_taken_stops_at_once(world: World, start: Start) -> None:
    one = start("one")
    await world.pass_(10)
    lease = world.server.objects[LEASE]
    world.server.put(LEASE, {**lease, "spec": {**lease["spec"], "holderIdentity": "two"}})
    await world.pass_(2.1)
    assert one.changes == [True, False]


async def test_what_rbac_forbids_is_named_once(world: World, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    world.server.refuse = lambda method, path, body: (403, "Forbidden", "cannot get leases")
    one = start("one")
    await world.pass_(60)
    assert not one.leads
    assert caplog.text.count("allow get, create and update on leases of coordination.k8s.io in penstock-system") == 1
    world.server.refuse = lambda method, path, body: None
    await world.pass_(5)
    assert one.leads


async def test_who_never_led_gives_nothing_back(world: World, start: Start) -> None:
    one = start("one")
    await world.settle()
    two = start("two")
    await world.settle()
    await two.keeper.release()
    assert holder(world) == ("one", 0)
    assert one.leads


async def test_a_lease_that_cannot_be_given_back_runs_out(world: World, start: Start) -> None:
    one = start("one")
    await world.settle()
    await one.kill()
    world.server.refuse = lambda method, path, body: (500, "InternalError", "no")
    await one.keeper.release()
    assert not one.leads


async def test_a_lease_that_makes_no_sense_costs_one_attempt(world: World, start: Start) -> None:
    world.server.put(LEASE, {"metadata": {"name": "penstock-controller"}, "spec": {"leaseTransitions": "many"}})
    replica = start("one")
    await world.settle()
    assert not replica.leads
    world.server.put(LEASE, {"metadata": {"name": "penstock-controller"}, "spec": {}})
    await world.pass_(5)
    assert replica.leads
