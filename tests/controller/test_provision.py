"""What is made for Gateways, against an API server over HTTP: only the difference, and nobody else's objects."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.controller.generated import APPLIED, ObjectRef, path_of
from proxy.controller.provision import Provisioner
from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.errors import ApiError, Unreachable
from proxy.translate.infrastructure.objects import Infrastructure
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate
from tests.controller.applying import ApplyingServer, HttpClient, Object
from tests.translate.declare import declare

NAMESPACE = "penstock-system"
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/web"
OTHERS = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/others"
OURS = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/penstock"
FACE = "/api/v1/namespaces/default/services/web-penstock"
SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-penstock-ipv4"

CLASS = """
kind: GatewayClass
metadata: {name: penstock}
spec:
  controllerName: penstock.dev/gateway-controller
  parametersRef: {group: penstock.dev, kind: GatewayParameters, namespace: default, name: p}
"""


def parameters(spec: str) -> str:
    return f"apiVersion: penstock.dev/v1alpha1\nkind: GatewayParameters\nmetadata: {{name: p}}\nspec: {spec}"


POOL = parameters("{addresses: {pool: [10.0.0.1-10.0.0.9]}}")
OWN = parameters("{deployment: {service: {type: ClusterIP}}}")


def gateway(more: str = "", uid: str = "gw-1") -> str:
    return f"""
kind: Gateway
metadata: {{name: web, uid: {uid}}}
spec:
  gatewayClassName: penstock
  listeners: [{{name: http, protocol: HTTP, port: 80}}]
{more}
"""


def infrastructure(*texts: str) -> Infrastructure:
    settings = TranslateSettings(file_mode=False, namespace=NAMESPACE, image="penstock:1")
    return translate(declare(*texts), settings).infrastructure


class Stage:
    def __init__(self, server: ApplyingServer, client: HttpClient) -> None:
        self.server = server
        self.counted: list[tuple[str, str]] = []
        self.told: list[tuple[str, str]] = []
        self.leads = True
        self.provisioner = Provisioner(
            client,
            NAMESPACE,
            "penstock.dev/gateway-controller",
            lambda kind, result: self.counted.append((kind, result)),
            lambda gateway, reason, message: self.told.append((str(gateway), reason)),
            lambda: self.leads,
            gap=0.0,
        )

    async def round(self, *texts: str) -> list[str]:
        """The writes of one round."""
        before = len(self.server.log)
        self.provisioner.want(infrastructure(*texts))
        await self.provisioner.round()
        return self.server.log[before:]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    server = ApplyingServer()
    await server.start()
    client = HttpClient(server.url)
    server.put(GATEWAY, {"metadata": {"name": "web"}, "spec": {"gatewayClassName": "penstock"}})
    yield Stage(server, client)
    await client.close()
    await server.stop()


async def test_what_is_missing_is_made_and_then_left_alone(stage: Stage) -> None:
    assert await stage.round(CLASS, POOL, gateway()) == [f"PATCH {FACE}", f"PATCH {SLICE}"]
    assert stage.server.objects[SLICE]["endpoints"][0]["addresses"] == ["10.0.0.1"]
    assert await stage.round(CLASS, POOL, gateway()) == []
    assert stage.counted == [("Service", "written"), ("EndpointSlice", "written")]


async def test_changes_follow_and_what_was_taken_out_goes(stage: Stage) -> None:
    labelled = "  infrastructure: {labels: {team: shop}}"
    await stage.round(CLASS, POOL, gateway(labelled))
    assert stage.server.objects[FACE]["metadata"]["labels"]["team"] == "shop"
    assert await stage.round(CLASS, POOL, gateway()) == [f"PATCH {FACE}", f"PATCH {SLICE}"]
    assert "team" not in stage.server.objects[FACE]["metadata"]["labels"]


async def test_what_others_add_stays_and_what_they_change_is_set_right(stage: Stage) -> None:
    await stage.round(CLASS, POOL, gateway())
    there = stage.server.objects[FACE]
    there["metadata"]["annotations"]["theirs"] = "yes"
    there["spec"]["clusterIPs"] = ["None"]
    assert await stage.round(CLASS, POOL, gateway()) == []
    there["spec"]["ports"] = []
    assert await stage.round(CLASS, POOL, gateway()) == [f"PATCH {FACE}"]
    assert stage.server.objects[FACE]["metadata"]["annotations"]["theirs"] == "yes"


async def test_another_spelling_of_the_same_is_no_change(stage: Stage) -> None:
    def spelled(item: Object) -> Object:
        return {**item, "spec": {**item["spec"], "type": "clusterip"}} if "spec" in item else item

    stage.server.spelled = spelled
    await stage.round(CLASS, POOL, gateway())
    assert await stage.round(CLASS, POOL, gateway()) == []
    stage.server.objects[FACE]["spec"]["type"] = "NodePort"
    assert await stage.round(CLASS, POOL, gateway()) == [f"PATCH {FACE}"]
    labelled = "  infrastructure: {labels: {team: shop}}"
    assert f"PATCH {FACE}" in await stage.round(CLASS, POOL, gateway(labelled))


async def test_what_a_hand_deleted_is_made_again(stage: Stage) -> None:
    await stage.round(CLASS, POOL, gateway())
    del stage.server.objects[FACE]
    assert await stage.round(CLASS, POOL, gateway()) == [f"PATCH {FACE}"]


async def test_a_strangers_object_is_never_touched(stage: Stage) -> None:
    mine = {"metadata": {"name": "web-penstock", "labels": {"app": "mine"}}, "spec": {}}
    stage.server.put(FACE, mine)
    assert await stage.round(CLASS, POOL, gateway()) == [f"PATCH {SLICE}"]
    assert stage.server.objects[FACE]["metadata"]["labels"] == {"app": "mine"}
    assert stage.told == [("default/web", "NameTaken")]
    assert ("Service", "foreign") in stage.counted
    assert await stage.round(CLASS, parameters("{}"), gateway()) == [f"DELETE {SLICE}"]


async def test_an_object_with_our_labels_and_another_owner_is_a_strangers(stage: Stage) -> None:
    await stage.round(CLASS, POOL, gateway())
    owner = {"kind": "Gateway", "name": "other", "uid": "x", "controller": True}
    stage.server.objects[FACE]["metadata"]["ownerReferences"] = [owner]
    assert await stage.round(CLASS, parameters("{}"), gateway()) == [f"DELETE {SLICE}"]


async def test_a_way_that_is_left_takes_its_objects_with_it(stage: Stage) -> None:
    writes = await stage.round(CLASS, OWN, gateway())
    assert [write.split("/")[-2] for write in writes] == ["serviceaccounts", "deployments", "services", "services"]
    assert all(write.startswith("PATCH") for write in writes)
    writes = await stage.round(CLASS, parameters("{}"), gateway())
    assert [write.split("/")[-2] for write in writes] == ["serviceaccounts", "deployments", "services", "services"]
    assert all(write.startswith("DELETE") for write in writes)


async def test_a_gateway_that_is_refused_for_now_keeps_what_it_has(stage: Stage) -> None:
    await stage.round(CLASS, POOL, gateway())
    assert await stage.round(CLASS, gateway()) == []  # its parameters are gone
    assert await stage.round(CLASS, POOL, gateway("  addresses: [{type: Hostname, value: x}]")) == []


async def test_of_a_gateway_that_is_gone_everything_goes(stage: Stage) -> None:
    await stage.round(CLASS, OWN, gateway())
    assert await stage.round(CLASS, OWN) == []  # the API server still has it
    del stage.server.objects[GATEWAY]
    assert len(await stage.round(CLASS, OWN)) == 4
    assert stage.server.objects == {}


async def test_of_a_gateway_that_went_to_another_class_everything_goes(stage: Stage) -> None:
    await stage.round(CLASS, OWN, gateway())
    stage.server.objects[GATEWAY]["spec"]["gatewayClassName"] = "others"
    assert await stage.round(CLASS, OWN) == []  # there is no such class: nobody has taken the Gateway over
    stage.server.put(OTHERS, {"metadata": {"name": "others"}, "spec": {"controllerName": "example.com/other"}})
    assert len(await stage.round(CLASS, OWN)) == 4


async def test_of_a_gateway_whose_class_is_being_replaced_everything_stays(stage: Stage) -> None:
    await stage.round(CLASS, OWN, gateway())
    assert await stage.round(OWN, gateway()) == []
    assert await stage.round(CLASS, OWN, gateway()) == []


async def test_of_a_gateway_whose_class_may_not_be_listed_everything_stays(stage: Stage) -> None:
    await stage.round(CLASS, OWN, gateway())
    ours = {"controllerName": "penstock.dev/gateway-controller"}
    stage.server.put(OURS, {"metadata": {"name": "penstock"}, "spec": ours})
    assert await stage.round(OWN, gateway()) == []


async def test_where_the_api_server_knows_no_gateways_at_all_everything_stays(stage: Stage) -> None:
    await stage.round(CLASS, OWN, gateway())
    stage.server.refuse = lambda method, path: (404, "no such resource") if "/gateways" in path else None
    assert await stage.round() == []


async def test_a_gateway_that_came_anew_waits_for_the_garbage_collector(stage: Stage) -> None:
    await stage.round(CLASS, POOL, gateway())
    assert await stage.round(CLASS, POOL, gateway(uid="gw-2")) == []
    del stage.server.objects[FACE], stage.server.objects[SLICE]
    assert len(await stage.round(CLASS, POOL, gateway(uid="gw-2"))) == 2


async def test_who_does_not_lead_writes_nothing(stage: Stage) -> None:
    stage.leads = False
    assert await stage.round(CLASS, POOL, gateway()) == []


async def test_what_rbac_forbids_is_told_and_the_rest_goes_on(stage: Stage) -> None:
    stage.server.refuse = lambda method, path: (
        (403, "Forbidden") if method == "PATCH" and "/services/" in path else None
    )
    assert await stage.round(CLASS, POOL, gateway()) == [f"PATCH {SLICE}"]
    assert stage.told == [("default/web", "ProvisioningForbidden")]
    assert ("Service", "forbidden") in stage.counted


async def test_a_namespace_on_its_way_out_is_nobodys_fault(stage: Stage) -> None:
    why = "because it is being terminated"
    stage.server.refuse = lambda method, path: (403, why) if method == "PATCH" else None
    await stage.round(CLASS, POOL, gateway())
    assert (stage.told, stage.counted) == ([], [])


async def test_what_is_not_wanted_need_not_be_listed(stage: Stage) -> None:
    stage.server.refuse = lambda method, path: (403, "Forbidden") if path.endswith("deployments") else None
    assert len(await stage.round(CLASS, POOL, gateway())) == 2
    assert all(result == "written" for _, result in stage.counted)


async def test_an_invalid_object_is_told(stage: Stage) -> None:
    stage.server.refuse = lambda method, path: (422, "Invalid") if method == "PATCH" and path == FACE else None
    await stage.round(CLASS, POOL, gateway())
    assert stage.told == [("default/web", "ProvisioningRejected")]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_api_server_without_time_ends_the_round(stage: Stage, status: int) -> None:
    stage.server.refuse = lambda method, path: (status, "Busy") if method == "PATCH" else None
    with pytest.raises(ApiError):
        await stage.round(CLASS, POOL, gateway())
    assert stage.counted == [("Service", "failed")]


async def test_an_object_that_took_the_name_meanwhile_is_not_overwritten(stage: Stage) -> None:
    await stage.round(CLASS, POOL, gateway())
    old = stage.server.objects[FACE]
    old["spec"]["ports"] = []

    def replace(method: str, path: str) -> None:
        if (method, path) == ("PATCH", FACE):
            stage.server.objects[FACE] = {"metadata": {"name": "web-penstock", "uid": "another"}}

    stage.server.refuse = replace
    await stage.round(CLASS, POOL, gateway())
    assert stage.server.objects[FACE]["metadata"]["uid"] == "another"
    assert stage.counted[-1] == ("Service", "conflict")


async def test_it_runs_by_itself_and_comes_back_after_failures(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.controller.provision.FIRST_PAUSE", 0.01)
    failures = iter([(503, "Away"), (503, "Away")])
    stage.server.refuse = lambda method, path: next(failures, None)
    stage.provisioner.want(infrastructure(CLASS, POOL, gateway()))
    run = asyncio.create_task(stage.provisioner.run())
    async with asyncio.timeout(60):
        while SLICE not in stage.server.objects:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        del stage.server.objects[FACE]
        stage.provisioner.look()
        while FACE not in stage.server.objects:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_an_api_server_that_is_away_is_no_reason_to_end(stage: Stage) -> None:
    await stage.server.stop()
    stage.provisioner.want(infrastructure(CLASS, POOL, gateway()))
    with pytest.raises(Unreachable):
        await stage.provisioner.round()
    assert not await stage.provisioner._tried()
    await stage.server.start()


def test_paths_and_digests() -> None:
    assert path_of(ObjectRef("Deployment", ObjectKey("ns", "d"))) == "/apis/apps/v1/namespaces/ns/deployments/d"
    assert APPLIED.startswith("penstock.dev/")
