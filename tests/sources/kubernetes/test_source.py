"""KubernetesSource on an API server: what it holds, what it tells, and what it keeps through faults."""

import asyncio
import copy
import logging
from typing import Any

import pytest
from aiohttp import web

from proxy.resources.core import ConfigMap, EndpointSlice, Namespace, Secret, Service
from proxy.resources.gateway import Gateway, GatewayClass
from proxy.resources.httproute import HTTPRoute
from proxy.resources.meta import ObjectKey, Wanted
from proxy.sources.base import Source
from proxy.sources.kubernetes import reflector
from proxy.sources.kubernetes.bundle import Bundle
from proxy.sources.kubernetes.scope import followed
from tests.patience import eventually
from tests.sources.kubernetes.api_server import CRD, GATEWAY_API, ApiServer, api_server
from tests.sources.kubernetes.following import EDGE, Meter, following, held, messages, source_of
from tests.sources.kubernetes.objects import endpoints, gateway, gateway_class, made, route, secret, service

GROUP = "gateway.networking.k8s.io"
ALL = len(followed(()))
"""Watches, when nothing is followed by name."""


def fill(server: ApiServer) -> None:
    namespace = made("v1", "Namespace", "default", "", metadata={"name": "default"}, status={"phase": "Active"})
    server.apply(gateway_class(), gateway(), route("a"), service(), endpoints(80), secret("tls"), namespace)


async def test_every_kind_is_read_and_secrets_are_not() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            loaded = source.load()
            found = {model: len(loaded.resources.by_kind(model)) for model in (GatewayClass, Gateway, HTTPRoute)}
            assert found == {GatewayClass: 1, Gateway: 1, HTTPRoute: 1}
            assert [len(loaded.resources.by_kind(m)) for m in (Service, EndpointSlice, Namespace)] == [1, 1, 1]
            assert not loaded.resources.by_kind(Secret)
            assert not server.asked("secrets")
            assert not server.asked("configmaps")
            assert not messages(source)
            assert loaded.resources.origin(held(source)["a"]) == ("", 0)


async def test_it_is_a_source() -> None:
    async with api_server() as server, following(server) as source:
        checked: Source = source
        assert checked is source


async def test_a_change_is_told_and_held() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            changes = aiter(source.changes())
            await anext(changes)  # of the first list
            server.apply(route("b"))
            await anext(changes)
            assert set(held(source)) == {"a", "b"}
            server.delete(GROUP, "HTTPRoute", "a")
            await anext(changes)
            assert set(held(source)) == {"b"}


async def test_a_thousand_changes_are_told_as_few() -> None:
    async with api_server() as server, following(server) as source:
        told = 0
        server.apply(*(route(f"r{number}") for number in range(1000)))
        async for _ in source.changes():
            told += 1
            if len(held(source)) == 1000:
                break
        assert told < 50


async def test_what_changes_in_nothing_that_is_read_stays_the_same_instance() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            statuses: list[tuple[str, ObjectKey]] = []
            source.on_status = lambda kind, key: statuses.append((kind, key))
            before = held(source, Gateway)["edge"]
            changed = gateway(status={"conditions": [{"type": "Accepted"}]})
            changed["metadata"].update(managedFields=[{"manager": "x"}], finalizers=["x/y"])
            server.apply(changed)
            await eventually(lambda: statuses)
            assert held(source, Gateway)["edge"] is before
            assert statuses == [("Gateway", EDGE)]
            current = source.current("Gateway", EDGE)
            assert current is not None
            assert current.status == {"conditions": [{"type": "Accepted"}]}
            assert current.resource_version == str(server.version)
            assert source.current("Gateway", ObjectKey("default", "none")) is None


async def test_a_status_that_changed_together_with_its_object_is_told() -> None:
    """As a list shows it after an outage, and a status that somebody has emptied must be written again."""
    told: list[str] = []
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            source.on_status = lambda kind, key: told.append(f"{kind} {key}")
            labelled = route("a", status={"parents": []})
            labelled["metadata"]["labels"] = {"team": "shop"}
            server.apply(labelled)
            await eventually(lambda: told)
            assert told == ["HTTPRoute default/a"]
            assert held(source)["a"].metadata.labels == {"team": "shop"}


async def test_of_another_object_by_the_same_name_nothing_goes_on_being_served() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            server.compact()  # the deletion is not heard of
            server.delete(GROUP, "HTTPRoute", "a")
            server.history.clear()
            server.apply(broken := route("a"), route("b"))
            server.objects[GROUP, "HTTPRoute"]["default", "a"]["spec"] = {**broken["spec"], "rules": "none"}
            server.history.clear()
            server.compact()
            server.end_watches()
            await eventually(lambda: set(held(source)) == {"b"})


async def test_a_list_that_says_the_same_flaps_nothing() -> None:
    async with api_server() as server:
        fill(server)
        server.apply(*(route(f"r{number}") for number in range(7)))
        async with following(server) as source:
            meter = Meter()
            source.measure(meter)
            before = held(source)
            server.compact()
            server.end_watches()
            await eventually(lambda: meter.values.get(("relists_total", "HTTPRoute", "gone")))
            server.apply(route("last"))
            await eventually(lambda: "last" in held(source))
            after = held(source)
            assert all(after[name] is item for name, item in before.items())


async def test_long_lists_come_in_pages_and_begin_again_when_a_page_has_expired() -> None:
    async with api_server() as server:
        server.apply(*(route(f"r{number}") for number in range(25)))
        server.page_size, server.expired_pages = 10, 1
        async with following(server) as source:
            assert len(held(source)) == 25
            asked = [request.query.get("continue", "") for request in server.asked("httproutes?limit")]
            assert asked[:2] == ["", "10"]
            [unlimited] = [r for r in server.asked("httproutes") if not (r.query.get("limit") or r.query.get("watch"))]
            assert "continue" not in unlimited.query


async def test_a_watch_goes_on_where_it_ended() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            server.apply(route("b"))
            await eventually(lambda: "b" in held(source))
            at = str(server.version)
            server.end_watches()
            await eventually(lambda: [r for r in server.asked("httproutes") if r.query.get("resourceVersion") == at])
            server.apply(route("c"))
            await eventually(lambda: "c" in held(source))
            assert len(server.asked("httproutes?limit")) == 1


async def test_a_bookmark_moves_the_version_that_a_watch_goes_on_from() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            meter = Meter()
            source.measure(meter)
            await eventually(lambda: len(server.watchers) == ALL)
            server.bookmark()
            await eventually(lambda: meter.values.get(("watch_events_total", "HTTPRoute", "BOOKMARK")))
            server.compacted = server.version  # older ones would be Gone
            server.end_watches()
            server.apply(route("b"))
            await eventually(lambda: "b" in held(source))
            assert ("relists_total", "HTTPRoute", "gone") not in meter.values


FAULTS = {
    "cut": b'{"type": "MODIFIED", "object": {"meta',
    "cut line": b'{"type": "MODIFIED", "object": {"meta\n',
    "no event": b"[]\n",
    "no object": b'{"type": "MODIFIED", "object": 7}\n',
    "no utf-8": b'{"type": "\xff"}\n',
    "error 500": b'{"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcd"}}\n',
    "error 410": b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}\n',
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_watch_loses_nothing(fault: str) -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            before = held(source)["a"]
            await eventually(lambda: len(server.watchers) == ALL)
            server.send(FAULTS[fault])
            server.end_watches()
            server.apply(route("b"))
            await eventually(lambda: "b" in held(source))
            assert held(source)["a"] is before


async def test_while_the_api_server_is_away_everything_stays_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "penstock")
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            meter = Meter()
            source.measure(meter)
            before = held(source)["a"]
            await server.stop()
            await eventually(lambda: meter.values.get(("connected",)) == 0)
            assert held(source)["a"] is before
            server.apply(route("b"))
            await server.start()
            await eventually(lambda: "b" in held(source))
            await eventually(lambda: meter.values.get(("connected",)) == 1)
            assert held(source)["a"] is before
            assert meter.values["last_contact_timestamp_seconds",] > 0
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if "what is known goes on being served" in line]) == 1
    assert f"{server.url} is there again" in said


# --- RBAC, CRDs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize("plural", ["httproutes", "services", "endpointslices", "namespaces", "gatewayclasses"])
async def test_what_rbac_forbids_is_named_with_the_rule_to_add(verb: str, plural: str) -> None:
    async with api_server() as server:
        fill(server)
        server.forbidden.add((verb, plural))
        async with following(server) as source:
            await eventually(lambda: "error" in str(messages(source)))
            [error] = [problem for problem in source.load().problems if problem.severity == "error"]
            assert f"verb {verb}, resource {plural}" in error.message
            assert f"resources: [{plural}], verbs: [get, list, watch]" in error.hint
            assert held(source, Gateway)
            assert len(source.load().resources.unread) == (verb == "list")
            server.forbidden.clear()
            await eventually(lambda: not messages(source))
            assert not source.load().resources.unread


async def test_an_api_server_that_starts_and_knows_no_roles_yet_is_no_news() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            before = held(source)
            await eventually(lambda: len(server.watchers) >= ALL)
            server.forbidden |= {(verb, "httproutes") for verb in ("list", "watch")}
            asked = len(server.asked("httproutes"))
            server.end_watches()
            await eventually(lambda: len(server.asked("httproutes")) > asked + 3)
            assert not messages(source)
            assert held(source) == before
            server.forbidden.clear()
            server.apply(route("b"))
            await eventually(lambda: "b" in held(source))
            assert not messages(source)


async def test_what_is_forbidden_for_longer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "FORBIDDEN_GRACE", 0.0)
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            await eventually(lambda: len(server.watchers) >= ALL)
            server.forbidden |= {(verb, "httproutes") for verb in ("list", "watch")}
            server.end_watches()
            await eventually(lambda: "verb watch, resource httproutes" in str(messages(source)))
            assert "a" in held(source)
            assert not source.load().resources.unread


async def test_a_crd_that_is_installed_later_is_followed_from_then_on() -> None:
    async with api_server() as server:
        for resource in GATEWAY_API:
            del server.resources[resource]
        async with following(server) as source:
            assert messages(source) == [f"warning nothing of {GROUP} is installed: the API server has no such group"]
            server.resources.update(GATEWAY_API)
            fill(server)
            await eventually(lambda: held(source) and held(source, Gateway))
            await eventually(lambda: not messages(source))


async def test_a_kind_that_is_missing_in_its_group_is_named_and_what_not_everybody_has_is_only_a_notice() -> None:
    async with api_server() as server:
        del server.resources[GROUP, "v1", "referencegrants"]
        del server.resources[GROUP, "v1", "listenersets"]
        del server.resources["penstock.dev", "v1alpha1", "backends"]
        async with following(server) as source:
            assert sorted(messages(source)) == [
                "notice Backend is not installed: the API server has group penstock.dev, but no such kind in it",
                f"notice ListenerSet is not installed: the API server has group {GROUP}, but no such kind in it",
                f"warning ReferenceGrant is not installed: the API server has group {GROUP}, but no such kind in it",
            ]


async def test_a_cluster_of_the_standard_channel_lacks_nothing_that_is_worth_a_warning() -> None:
    async with api_server() as server:
        group = "gateway.networking.x-k8s.io"
        for resource in [resource for resource in server.resources if resource[0] == group]:
            del server.resources[resource]
        async with following(server) as source:
            assert set(messages(source)) == {
                f"notice nothing of {group} is installed: the API server has no such group"
            }


async def test_objects_of_a_crd_that_is_removed_go_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            for resource in GATEWAY_API:
                del server.resources[resource]
            server.end_watches()
            await eventually(lambda: messages(source))
            assert held(source)
            monkeypatch.setattr("proxy.sources.kubernetes.reflector.ABSENT_GRACE", 0.0)
            await eventually(lambda: not held(source))


LISTS = f"/apis/{GROUP}/v1/"
NO_API_SERVER = {
    "an empty list": (LISTS, 200, {}),
    "a word of health": (LISTS, 200, {"status": "ok"}),
    "a list of something else": (LISTS, 200, {"kind": "Status", "metadata": {"resourceVersion": "1"}, "items": []}),
    "a list of no version": (LISTS, 200, {"kind": "HTTPRouteList", "metadata": {}, "items": []}),
    "an empty discovery": ("/", 200, {}),
    "not found, whatever is asked for": ("/", 404, {"message": "no such page"}),
    "a group that is half there": (f"/apis/{GROUP}", 404, {}),
    "a redirection": (LISTS, 302, {}),
}


@pytest.mark.parametrize(("path", "code", "body"), NO_API_SERVER.values(), ids=NO_API_SERVER)
async def test_what_answers_in_the_place_of_an_api_server_takes_nothing_away(
    path: str, code: int, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a load balancer without a backend, or a proxy that knows nothing."""
    monkeypatch.setattr("proxy.sources.kubernetes.reflector.ABSENT_GRACE", 0.0)
    monkeypatch.setattr("proxy.sources.kubernetes.discovery.FRESH", 0.0)
    answered: list[str] = []

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        if not request.path.startswith(path) or request.query.get("watch"):
            return None
        answered.append(request.path)
        return web.json_response(body, status=code)

    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            server.refuse = refuse
            server.compact()  # all is to be listed again
            server.end_watches()
            await eventually(lambda: len(answered) > 30)
            assert held(source)
            assert held(source, Service)
            server.refuse = None
            server.apply(route("b"))
            await eventually(lambda: set(held(source)) == {"a", "b"})


async def test_an_older_version_is_taken_when_it_is_all_there_is() -> None:
    async with api_server() as server:
        del server.resources[GROUP, "v1", "referencegrants"]
        server.resources[GROUP, "v1beta1", "referencegrants"] = ("ReferenceGrant", True)
        async with following(server) as source:
            assert not messages(source)
            assert server.asked("/v1beta1/referencegrants")


async def test_versions_that_are_too_old_are_named() -> None:
    async with api_server() as server:
        del server.resources[GROUP, "v1", "referencegrants"]
        server.resources[GROUP, "v1alpha2", "referencegrants"] = ("ReferenceGrant", True)
        async with following(server) as source:
            [warning] = [message for message in messages(source) if "ReferenceGrant" in message]
            assert f"in version v1alpha2 of {GROUP} only" in warning
            assert "reads v1, v1beta1" in warning


def crd(version: str) -> dict[str, Any]:
    annotations = {f"{GROUP}/bundle-version": version, f"{GROUP}/channel": "experimental"}
    return {"kind": "CustomResourceDefinition", "metadata": {"annotations": annotations}}


async def test_the_release_of_the_crds_is_known_and_its_change_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.sources.kubernetes.bundle.EVERY", 0.01)
    async with api_server() as server:
        server.crds[CRD] = crd("v1.6.1")
        async with following(server) as source:
            assert source.bundle == Bundle("v1.6.1", "experimental")
            server.crds[CRD] = crd("v1.7.0")
            await anext(aiter(source.changes()))
            assert source.bundle == Bundle("v1.7.0", "experimental")


async def test_without_crds_their_release_is_unknown() -> None:
    async with api_server() as server, following(server) as source:
        assert source.bundle is None


async def test_without_the_right_to_read_crds_the_rule_is_named_once_and_they_are_known_when_it_is_given(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proxy.sources.kubernetes.bundle.SOONER", 0.01)
    async with api_server() as server:
        server.crds[CRD] = crd("v1.6.1")
        server.forbidden.add(("get", "customresourcedefinitions"))
        async with following(server) as source:
            await eventually(lambda: len(server.asked("customresourcedefinitions")) > 3)
            assert source.bundle is None
            assert caplog.text.count("resources: [customresourcedefinitions], resourceNames: [gatewayclasses.") == 1
            server.forbidden.clear()
            await eventually(lambda: source.bundle == Bundle("v1.6.1", "experimental"))


# --- objects --------------------------------------------------------------------------------------


async def test_a_field_of_a_newer_api_costs_nothing_but_itself_and_is_told_once() -> None:
    async with api_server() as server:
        for name in ("a", "b"):
            newer = route(name)
            newer["spec"]["rules"][0]["matches"][0]["path"]["novel"] = {"x": 1}
            server.apply(newer)
        async with following(server) as source:
            assert set(held(source)) == {"a", "b"}
            [notice] = [m for m in messages(source) if "unknown" in m]
            assert 'HTTPRoute: spec.rules["*"]' in notice or "HTTPRoute: spec.rules.*" in notice
            assert "first seen in default/a" in notice


async def test_an_object_that_cannot_be_read_is_named_and_its_last_good_version_serves() -> None:
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            before = held(source)["a"]
            broken = route("a")
            broken["spec"]["rules"] = 7
            server.apply(broken, route("b"))
            await eventually(lambda: "b" in held(source))
            assert held(source)["a"] is before
            [error] = [problem for problem in source.load().problems if problem.severity == "error"]
            assert error.object == "HTTPRoute/default/a"
            assert (error.field, error.file, error.line) == ("spec.rules", "", 0)
            assert "the last good version keeps serving" in error.hint
            server.apply(route("a", "/new"))
            await eventually(lambda: not messages(source))
            assert held(source)["a"] != before


async def test_addresses_that_another_replica_gives_are_news_as_long_as_it_is_the_one_who_decides() -> None:
    def given(address: str) -> dict[str, Any]:
        return gateway(status={"addresses": [{"value": address}]})

    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            bursts = source.changes()
            await anext(bursts)  # of the start
            source.load()
            server.apply(given("10.0.0.1"))
            await anext(bursts)
            assert source.load().told == {EDGE: ("10.0.0.1",)}
            source.adopts = False
            server.apply(given("10.0.0.2"), route("b"))
            await anext(bursts)
            assert (source.load().told, source.load().held) == ({}, {})
            source.adopts = True
            await anext(bursts)
            assert source.load().told == {EDGE: ("10.0.0.2",)}


async def test_a_status_that_names_the_same_addresses_is_no_news() -> None:
    statuses: list[str] = []
    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            source.on_status = lambda kind, key: statuses.append(kind)
            await anext(source.changes())  # of the start
            source.load()
            server.apply(gateway(status={"conditions": []}))
            await eventually(lambda: statuses)
            assert not source._changes._touched.is_set()


async def test_addresses_are_those_that_a_gateway_had_at_first() -> None:
    addresses = [{"type": "IPAddress", "value": "10.0.0.1"}, {"value": "10.0.0.2"}, {"type": "Hostname", "value": "h"}]
    async with api_server() as server:
        server.apply(gateway(status={"addresses": addresses}), gateway("new"))
        async with following(server) as source:
            assert source.load().held == {EDGE: ("10.0.0.1", "10.0.0.2")}
            server.apply(gateway("new", status={"addresses": [{"value": "10.0.0.3"}]}), route("done"))
            await eventually(lambda: "done" in held(source))
            assert source.load().held == {EDGE: ("10.0.0.1", "10.0.0.2")}


# --- namespaces, by name --------------------------------------------------------------------------


async def test_only_the_namespaces_asked_for_are_followed() -> None:
    async with api_server() as server:
        fill(server)
        server.apply(route("there", namespace="shop"), route("nowhere", namespace="other"))
        async with following(server, ["default", "shop"]) as source:
            assert set(held(source)) == {"a", "there"}
            assert held(source, GatewayClass)
            assert not messages(source)
            assert not await source.want(frozenset({Wanted("Secret", "other", "x")}))
            assert not server.asked("secrets")


async def test_objects_are_followed_by_name_while_they_are_wanted() -> None:
    wanted = frozenset({Wanted("Secret", "default", "tls"), Wanted("ConfigMap", "default", "none")})
    async with api_server() as server:
        fill(server)
        server.apply(secret("other"))
        async with following(server) as source:
            assert await source.want(wanted)
            assert set(held(source, Secret)) == {"tls"}
            assert not await source.want(wanted)
            assert all(r.query["fieldSelector"] == "metadata.name=tls" for r in server.asked("secrets"))
            server.apply(made("v1", "ConfigMap", "none", data={"a": "b"}))
            await eventually(lambda: held(source, ConfigMap))
            assert not await source.want(frozenset())
            assert not held(source, Secret)
            await eventually(lambda: len(server.watchers) == ALL)


async def test_it_is_complete_when_all_that_is_wanted_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Secret that comes late is not missing, and one that cannot be read holds nothing up."""
    monkeypatch.setattr("proxy.sources.kubernetes.source.PATIENCE_BY_NAME", 0.01)
    come, answer = asyncio.Event(), web.json_response({}, status=500)

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        if "/secrets" in request.path:
            await come.wait()
            return answer
        return None

    async with api_server() as server:
        fill(server)
        async with following(server) as source:
            assert source.complete
            server.refuse = refuse
            await source.want(frozenset({Wanted("Secret", "default", "tls")}))
            assert not source.complete
            come.set()
            await eventually(lambda: source.complete)


async def test_a_secret_that_rbac_forbids_is_named() -> None:
    async with api_server() as server:
        fill(server)
        server.forbidden.add(("list", "secrets"))
        async with following(server) as source:
            assert await source.want(frozenset({Wanted("Secret", "default", "tls")}))
            [error] = [problem for problem in source.load().problems if problem.severity == "error"]
            assert "Secret default/tls" in error.message
            assert 'apiGroups: [""], resources: [secrets]' in error.hint


async def test_no_secret_is_in_what_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broken = copy.deepcopy(secret("tls"))
    broken["data"] = {"a": ["hunter2"]}
    async with api_server() as server:
        server.apply(broken)
        async with following(server) as source:
            assert await source.want(frozenset({Wanted("Secret", "default", "tls")}))
            problems = source.load().problems
            assert any(problem.object == "Secret/default/tls" for problem in problems)
            assert "hunter2" not in f"{problems} {caplog.text}"


# --- opening --------------------------------------------------------------------------------------


async def test_opening_waits_for_an_api_server_that_is_away(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    server = ApiServer()
    server.port = unused_tcp_port
    fill(server)
    source = source_of(server)
    opening = asyncio.create_task(source.open())
    await eventually(lambda: "it is tried again" in caplog.text)
    assert not opening.done()
    assert "goes on being served" not in caplog.text
    await server.start()
    await opening
    assert set(held(source)) == {"a"}
    await source.stop()
    await server.stop()
