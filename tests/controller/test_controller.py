"""The controller as control runs it: what a cluster is told of a site, by one of several replicas."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from proxy.controller.cluster import ObjectRef, path_of
from proxy.controller.controller import LAST_WRITES, Controller, ControllerSettings, settings_here
from proxy.controller.events import EventRecorder
from proxy.controller.writer import COUNTING
from proxy.resources.meta import ObjectKey
from tests.controller.site import CLASS, GATEWAY, Site, gateway, http_route, route
from tests.controller.world import LEASE, US, World, condition, until


class Replica:
    def __init__(self, world: World, name: str) -> None:
        self.controller = Controller(world.client, world.follower, ControllerSettings(US, identity=name), world.timing)
        self.task = asyncio.create_task(self.controller.run())
        self.closed = False

    def serve(self, site: Site) -> None:
        translation = site.translate()
        self.controller.served(translation, translation.statuses)

    def value(self, name: str, *labels: str) -> float:
        return self.controller.series.value(name, labels)

    def written(self) -> float:
        kinds = ("GatewayClass", "Gateway", "HTTPRoute")
        return sum(self.value("penstock_status_updates_total", kind, "written") for kind in kinds)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            await self.controller.close()

    async def kill(self) -> None:
        """Without a word to anybody."""
        self.closed = True
        tasks = (self.task, *self.controller._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Start = Callable[[str], Replica]


@pytest.fixture
async def start(world: World) -> AsyncIterator[Start]:
    replicas: list[Replica] = []

    def start(name: str = "one") -> Replica:
        replicas.append(Replica(world, name))
        return replicas[-1]

    yield start
    for replica in replicas:
        await replica.close()


@pytest.fixture
async def leader(world: World, start: Start) -> Replica:
    replica = start("one")
    await world.settle()
    return replica


@pytest.fixture
def site(world: World) -> Site:
    return Site(world)


def accepted(world: World, name: str) -> list[tuple[str, str, int]]:
    """(parent, status, generation) of each entry of ours in a route."""
    return [
        (entry["parentRef"]["name"], entry["conditions"][0]["status"], entry["conditions"][0]["observedGeneration"])
        for entry in world.held(route(name)).get("parents", ())
        if entry["controllerName"] == US
    ]


async def test_a_site_is_told_about_once(world: World, site: Site, leader: Replica) -> None:
    site.declare(route("shop"), http_route("web"))
    leader.serve(site)
    await world.settle()
    assert world.held(CLASS)["conditions"][0]["type"] == "Accepted"
    assert world.held(GATEWAY)["listeners"][0]["attachedRoutes"] == 1
    assert accepted(world, "shop") == [("web", "True", 1)]
    assert (leader.written(), leader.value("penstock_leader"), leader.value("penstock_status_pending")) == (3, 1, 0)
    leader.serve(site)
    await world.pass_(60)
    assert world.server.count("PATCH", "/status") == 3


async def test_who_leads_gives_out_addresses_and_the_others_take_them_from_statuses(world: World, start: Start) -> None:
    first = start("one")
    await world.settle()
    assert not world.follower.adopts
    await first.close()
    assert world.follower.adopts


async def test_one_change_is_one_write(world: World, site: Site, leader: Replica) -> None:
    for number in range(5):
        site.declare(route(f"r{number}"), http_route("web"))
    leader.serve(site)
    await world.settle()
    before = leader.written()
    site.declare(route("r3"), http_route("web"))
    leader.serve(site)
    await world.settle()
    assert leader.written() - before == 1
    assert accepted(world, "r3") == [("web", "True", 2)]


async def test_with_its_gateway_go_the_words_about_a_route(world: World, site: Site, leader: Replica) -> None:
    site.declare(route("shop"), http_route("web"))
    leader.serve(site)
    await world.settle()
    site.delete(GATEWAY)
    leader.serve(site)
    await world.settle()
    assert world.held(route("shop"))["parents"] == []


@pytest.mark.parametrize("kind", ["GatewayClass", "Gateway"])
async def test_what_is_said_of_routes_stays_while_their_parents_may_not_be_listed(
    world: World, site: Site, leader: Replica, kind: str
) -> None:
    site.declare(route("shop"), http_route("web"))
    site.declare(route("left"), http_route("elsewhere"))
    ours = {"parentRef": {"name": "gone"}, "controllerName": US, "conditions": [condition()]}
    world.held(route("left"))["parents"] = [ours]
    world.held(route("shop"))["parents"] = [{**ours, "parentRef": {"name": "web"}}]
    site.unread = frozenset({kind})
    leader.serve(site)
    await world.settle()
    world.server.set_status(path_of(route("left")), {"parents": [ours]})
    world.follower.on_status("HTTPRoute", route("left").key)  # type: ignore[misc]
    await world.settle()
    assert leader.value("penstock_status_updates_total", "HTTPRoute", "written") == 0
    site.unread = frozenset()
    leader.serve(site)
    await world.settle()
    assert world.held(route("left"))["parents"] == []
    assert accepted(world, "shop") == [("web", "True", 1)]


async def test_an_entry_for_a_parent_that_may_not_be_listed_stays_beside_others(
    world: World, site: Site, leader: Replica
) -> None:
    site.declare(route("shop"), http_route("web", "set"))
    ours = {"parentRef": {"name": "set"}, "controllerName": US, "conditions": [condition()]}
    world.held(route("shop"))["parents"] = [ours]
    site.unread = frozenset({"ListenerSet"})
    leader.serve(site)
    await world.settle()
    assert accepted(world, "shop") == [("set", "True", 1), ("web", "True", 1)]
    site.unread = frozenset()
    leader.serve(site)
    await world.settle()
    assert accepted(world, "shop") == [("web", "True", 1)]


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"])
async def test_what_is_said_of_backends_stays_while_routes_may_not_be_listed(
    world: World, site: Site, leader: Replica, kind: str
) -> None:
    """Through which Gateways they are used only routes can tell."""
    out = ObjectRef("XBackend", ObjectKey("default", "out"))
    hostname = {"hostname": "api.example"}
    site.declare(out, {"type": "ExternalHostname", "externalHostname": hostname, "port": {"port": 443}})
    ours = {"parentRef": {"name": "web", "namespace": "default"}, "controllerName": US, "conditions": [condition()]}
    world.held(out)["parents"] = [ours]
    site.unread = frozenset({kind})
    leader.serve(site)
    await world.settle()
    assert world.held(out)["parents"] == [ours]
    site.unread = frozenset()
    leader.serve(site)
    await world.settle()
    assert world.held(out)["parents"] == []


APP = """
apiVersion: penstock.dev/v1alpha1
kind: Backend
metadata: {name: app}
spec: {endpoints: [{host: 10.0.0.1, port: 80}]}
"""
APP_REF = {"group": "penstock.dev", "kind": "Backend", "name": "app"}


async def test_policies_of_the_experimental_group_are_told_beside_what_others_say(
    world: World, site: Site, leader: Replica
) -> None:
    policy = ObjectRef("XBackendTrafficPolicy", ObjectKey("default", "p"))
    site.beside = APP
    site.declare(policy, {"targetRefs": [APP_REF], "retryConstraint": {}})
    site.declare(route("shop"), http_route("web") | {"rules": [{"backendRefs": [APP_REF]}]})
    theirs = {"ancestorRef": {"name": "mesh"}, "controllerName": "example.com/mesh", "conditions": []}
    world.declare(policy, 1, ancestors=[theirs])
    leader.serve(site)
    await world.settle()
    assert path_of(policy) == "/apis/gateway.networking.x-k8s.io/v1alpha1/namespaces/default/xbackendtrafficpolicies/p"
    foreign, ours = world.held(policy)["ancestors"]
    assert foreign == theirs
    assert (ours["ancestorRef"]["name"], ours["conditions"][0]["reason"]) == ("web", "Accepted")
    site.delete(route("shop"))
    leader.serve(site)
    await world.settle()
    assert world.held(policy)["ancestors"] == [theirs]


@pytest.mark.parametrize("now", [gateway(name="else"), gateway(name="penstock")])
async def test_a_gateway_or_class_of_somebody_else_is_not_ours_to_speak_of(
    world: World, site: Site, leader: Replica, now: dict[str, Any]
) -> None:
    site.declare(route("shop"), http_route("web"))
    leader.serve(site)
    await world.settle()
    if now["gatewayClassName"] == "penstock":
        site.declare(CLASS, {"controllerName": "example.com/other"})
    site.declare(GATEWAY, now)
    said = world.held(GATEWAY)
    leader.serve(site)
    await world.settle()
    assert world.held(route("shop"))["parents"] == []
    assert world.held(GATEWAY) == said


async def test_stale_words_in_a_route_that_was_never_ours_are_taken_back(
    world: World, site: Site, leader: Replica
) -> None:
    site.declare(route("restored"), http_route("elsewhere"))
    stranger = {"parentRef": {"name": "elsewhere"}, "controllerName": "example.com/other", "conditions": []}
    ours = {"parentRef": {"name": "web"}, "controllerName": US, "conditions": []}
    world.held(route("restored"))["parents"] = [stranger, ours]
    leader.serve(site)
    await world.settle()
    assert world.held(route("restored"))["parents"] == [stranger]
    world.server.set_status(path_of(route("restored")), {"parents": [ours, stranger]})
    world._tell(path_of(route("restored")))
    await world.settle()
    assert world.held(route("restored"))["parents"] == [stranger]


async def test_a_deleted_object_is_nobody_s_business(world: World, site: Site, leader: Replica) -> None:
    site.declare(route("shop"), http_route("web"))
    leader.serve(site)
    await world.settle()
    asked = world.server.count("PATCH", "httproutes")
    site.delete(route("shop"))
    leader.serve(site)
    await world.settle()
    assert world.server.count("PATCH", "httproutes") == asked
    await world.pass_(COUNTING)
    assert world.held(GATEWAY)["listeners"][0]["attachedRoutes"] == 0


# --- events -----------------------------------------------------------------------------------


async def test_what_goes_wrong_is_an_event_and_so_is_its_end(world: World, site: Site, leader: Replica) -> None:
    site.declare(route("shop"), http_route("web", section="http-81"))
    leader.serve(site)
    await world.settle()
    [event] = world.server.events
    assert (event["type"], event["reason"], event["involvedObject"]["name"]) == ("Warning", "NoMatchingParent", "shop")
    site.declare(GATEWAY, gateway(80, 81))
    leader.serve(site)
    await world.settle()
    [_, event] = world.server.events
    assert (event["type"], event["reason"], event["involvedObject"]["name"]) == ("Normal", "Accepted", "shop")
    assert event["message"].startswith("at Gateway web, listener http-81: Accepted again")


async def test_a_refused_status_is_an_event(world: World, site: Site, leader: Replica) -> None:
    def refuse(method: str, path: str, body: dict[str, Any]) -> tuple[int, str, str] | None:
        return (422, "Invalid", "no") if path.endswith("/gateways/web/status") else None

    world.server.refuse = refuse
    leader.serve(site)
    await world.settle()
    [event] = world.server.events
    assert (event["reason"], event["involvedObject"]["kind"]) == ("StatusRejected", "Gateway")


# --- replicas ---------------------------------------------------------------------------------


async def test_a_follower_writes_nothing_until_it_leads_and_then_compares_everything(
    world: World, site: Site, start: Start, leader: Replica
) -> None:
    follower = start("two")
    await world.settle()
    leader.serve(site)
    await world.settle()
    await leader.kill()
    site.declare(route("shop"), http_route("web"))
    follower.serve(site)
    await world.settle()
    assert follower.written() == 0
    began = world.timing.now()
    while not accepted(world, "shop"):
        await world.pass_(0.5)
    assert world.timing.now() - began <= 20
    assert follower.written() == 2
    assert follower.value("penstock_status_updates_total", "GatewayClass", "unchanged") == 1


async def test_who_ceases_to_lead_writes_nothing_more(world: World, site: Site, leader: Replica) -> None:
    lease = world.server.objects[LEASE]
    world.server.put(LEASE, {**lease, "spec": {**lease["spec"], "holderIdentity": "two"}})
    await world.pass_(3)
    leader.serve(site)
    await world.settle()
    assert (leader.written(), leader.value("penstock_leader")) == (0, 0)


async def test_a_stop_writes_the_last_state_and_gives_the_lease_back(world: World, site: Site, leader: Replica) -> None:
    leader.serve(site)
    await leader.close()
    assert world.held(GATEWAY)["listeners"]
    assert world.server.objects[LEASE]["spec"]["holderIdentity"] == ""
    assert world.follower.on_status is None


async def test_a_stop_does_not_wait_for_an_api_server_that_does_not_answer(
    world: World, site: Site, leader: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    world.server.gate.clear()
    leader.serve(site)
    await until(lambda: world.server.count("PATCH"))
    leader.closed = True
    leader.task.cancel()
    world.hanging = 100
    closing = asyncio.create_task(leader.controller.close())
    began = world.timing.now()
    while not closing.done():
        await world.pass_(0.1)
    assert world.timing.now() - began <= 2 * LAST_WRITES + 0.2
    assert "a successor does it" in caplog.text
    world.hanging = 0


async def test_closing_what_has_never_run(world: World) -> None:
    await Controller(world.client, world.follower, ControllerSettings(US)).close()
    assert world.server.log == []


async def test_a_part_that_fails_ends_the_companion(world: World, start: Start, monkeypatch) -> None:
    async def fail(recorder: EventRecorder) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(EventRecorder, "run", fail)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await start("one").task


# --- the version of the API -------------------------------------------------------------------


async def test_a_class_says_whether_the_installed_api_is_known(world: World, site: Site, leader: Replica) -> None:
    leader.serve(site)
    await world.settle()
    assert [item["type"] for item in world.held(CLASS)["conditions"]] == ["Accepted"]
    world.follower.bundle = ("v1.6.1", "standard")
    await world.pass_(6)
    assert [item["reason"] for item in world.held(CLASS)["conditions"]] == ["Accepted", "SupportedVersion"]
    world.follower.bundle = ("v9.0.0", "standard")
    await world.pass_(6)
    assert [item["status"] for item in world.held(CLASS)["conditions"]] == ["True", "False"]
    [event] = world.server.events
    assert (event["reason"], event["involvedObject"]["kind"]) == ("UnsupportedVersion", "GatewayClass")


# --- who we are -------------------------------------------------------------------------------


def test_a_replica_is_named_by_its_pod() -> None:
    here = settings_here(US, "edge", environ={"POD_NAME": "penstock-0"})
    assert (here.namespace, here.lease_name) == ("edge", "penstock-controller")
    assert here.identity.startswith("penstock-0_")
    assert settings_here(US, "edge", "mine", environ={"POD_NAME": "penstock-0"}).identity != here.identity
    assert settings_here(US, "edge", "mine").lease_name == "mine"


# --- before everything is read ----------------------------------------------------------------


async def test_nothing_is_told_of_what_is_served_before_everything_is_read(
    world: World, leader: Replica, site: Site
) -> None:
    world.follower.complete = False
    leader.serve(site)
    await world.pass_(60)
    assert world.held(GATEWAY) == {}
    world.follower.complete = True
    await world.pass_(5)
    assert world.held(GATEWAY)["conditions"]


async def test_before_anything_is_served_no_status_is_taken_back(world: World, leader: Replica, site: Site) -> None:
    site.declare(route("a"), http_route("web"))
    ours = {"parentRef": {"name": "web"}, "controllerName": US, "conditions": []}
    world.server.set_status(path_of(route("a")), {"parents": [ours]})
    leader.controller._on_status("HTTPRoute", route("a").key)
    await world.settle()
    assert world.held(route("a")) == {"parents": [ours]}


# --- what is made for Gateways ----------------------------------------------------------------


async def test_the_leader_looks_after_what_is_made_for_gateways(
    world: World, site: Site, start: Start, leader: Replica
) -> None:
    follower = start("two")
    follower.serve(site)
    await world.settle()
    asked = world.server.count("GET", "/services")
    leader.serve(site)
    await until(lambda: world.server.count("GET", "/services") > asked)
    assert asked == 0


async def test_what_cannot_be_made_for_a_gateway_is_an_event_about_it(
    world: World, site: Site, leader: Replica
) -> None:
    leader.controller._tell_gateway(GATEWAY.key, "NameTaken", "Service default/web is not Penstock's")
    leader.controller._tell_gateway(route("none").key, "NameTaken", "a Gateway that is gone")
    await world.settle()
    [event] = world.server.events
    assert (event["reason"], event["involvedObject"]["name"]) == ("NameTaken", "web")
