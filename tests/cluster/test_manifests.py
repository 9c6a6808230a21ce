"""config/kubernetes/ as a cluster sees it: rendered, taken by the API server, held to its roles."""

import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from tests.cluster.dry_run import dry_run
from tests.cluster.rendering import NAMESPACE, Key, by_key, kustomized, relative_to, templated
from tests.conformance import binaries
from tests.conformance.session import Cluster
from tests.manifests.tree import CHART, COMPONENTS, KUBERNETES, Object

OVERLAYS = KUBERNETES / "overlays"

ONLY_BY_KUSTOMIZE: set[Key] = {("Namespace", "", NAMESPACE)}
"""Helm makes it with --create-namespace."""
ONLY_BY_HELM_LABELS = {"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}

PAIRS = {
    "default": (),
    "dedicated": ("--set", "mode=dedicated"),
    "host-network": ("--set", "mode=hostNetwork", "--set", "addressPool={192.0.2.10-192.0.2.19}"),
    "monitoring": ("--set", "autoscaling.enabled=true,serviceMonitor.enabled=true"),
}
"""Overlay to the options that make the chart the same."""

NOT_SERVED = {"ServiceMonitor"}
"""Kinds of other projects, whose CRDs are not in this cluster."""


def without_helm_labels(item: Object) -> Object:
    item = deepcopy(item)
    for label in ONLY_BY_HELM_LABELS & set(item["metadata"]["labels"]):
        del item["metadata"]["labels"][label]
    return item


@pytest.mark.parametrize("overlay", PAIRS)
def test_helm_installs_what_kustomize_installs(shared: Cluster, overlay: str) -> None:
    ours = by_key(kustomized(OVERLAYS / overlay))
    helms = {key: without_helm_labels(item) for key, item in by_key(templated(*PAIRS[overlay])).items()}
    assert set(ours) - set(helms) == ONLY_BY_KUSTOMIZE
    for key, item in helms.items():
        assert item == ours[key], key


def test_every_overlay_is_compared() -> None:
    assert set(PAIRS) == {path.name for path in OVERLAYS.iterdir()}


def test_helm_has_nothing_to_say_against_the_chart(shared: Cluster) -> None:
    argv = [str(binaries.path("helm")), "lint", "--strict", "--quiet", str(CHART)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "mode=hostNetwork"), "addressPool"),
        (("--set", "mode=Shared"), "mode"),
        (("--set", "replica=3"), "replica"),
        (("--set", "workers=0"), "workers"),
    ],
)
def test_the_chart_refuses_values_that_make_no_sense(shared: Cluster, options: tuple[str, ...], said: str) -> None:
    argv = [str(binaries.path("helm")), "template", "penstock", str(CHART), *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert said in done.stderr


def test_a_release_of_another_name_stands_by_itself(shared: Cluster) -> None:
    """Two in one cluster: no object of the one is the other's, and each selects its own Pods."""
    items = templated("--set", "gatewayClass.name=other", release="other")
    assert not set(by_key(items)) & set(by_key(templated()))
    deployment = next(item for item in items if item["kind"] == "Deployment")
    parameters = next(item for item in items if item["kind"] == "GatewayParameters")
    assert parameters["spec"]["service"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]


def test_secrets_can_be_read_in_some_namespaces_only(shared: Cluster, tmp_path: Path) -> None:
    """By the component and by the chart alike: the rule leaves the one ClusterRole and nothing else does."""
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{relative_to(tmp_path, OVERLAYS / 'default')}]\n"
        f"components: [{relative_to(tmp_path, COMPONENTS / 'secrets-by-namespace')}]\n"
    )
    helms = by_key(templated("--set", "rbac.secretNamespaces={shop,blog}"))
    ours = by_key(kustomized(tmp_path))
    reader = ours["ClusterRole", "", "penstock-reader"]
    assert reader["rules"] == helms["ClusterRole", "", "penstock-reader"]["rules"]
    assert all("secrets" not in rule["resources"] for rule in reader["rules"])
    for place in ("shop", "blog"):
        assert helms["Role", place, "penstock-secrets"]["rules"] == ours["ClusterRole", "", "penstock-secrets"]["rules"]
        assert ("RoleBinding", place, "penstock-secrets") in helms


def test_data_planes_read_secrets_where_their_maker_does(shared: Cluster) -> None:
    items = by_key(templated("--set", "mode=dedicated", "--set", "rbac.secretNamespaces={shop}"))
    group = items["ClusterRoleBinding", "", "penstock-data-planes"]["subjects"]
    assert [each for each in items["RoleBinding", "shop", "penstock-secrets"]["subjects"] if each in group] == group


def test_options_about_names_outside_reach_the_controller_and_every_data_plane(shared: Cluster) -> None:
    wanted = ["--allow-external-name", "--deny-external-ranges=10.0.0.0/8,fd00::/8"]
    values = "externalNames.allow=true,externalNames.deniedRanges={10.0.0.0/8,fd00::/8},mode=dedicated"
    items = by_key(templated("--set", values))
    [container] = items["Deployment", NAMESPACE, "penstock"]["spec"]["template"]["spec"]["containers"]
    parameters = items["GatewayParameters", NAMESPACE, "penstock"]
    assert container["args"][-2:] == parameters["spec"]["deployment"]["args"][-2:] == wanted


# --- the API server ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(shared: Cluster) -> Iterator[Cluster]:
    """With what comes before the rest: our CRDs and the namespace."""
    for item in kustomized(KUBERNETES / "crds"):
        shared.client.apply_object(item)
    namespace = by_key(kustomized(OVERLAYS / "default"))["Namespace", "", NAMESPACE]
    shared.client.apply_object(namespace)
    yield shared
    shared.client.remove(shared.client.path_of(namespace))


def in_its_namespace(cluster: Cluster, items: list[Object]) -> list[Object]:
    """All but the namespace itself, which is made as they want it: its labels decide what may run there."""
    [namespace] = [item for item in items if item["kind"] == "Namespace"]
    cluster.client.apply_object(namespace)
    return [item for item in items if item is not namespace and item["kind"] not in NOT_SERVED]


@pytest.mark.parametrize("overlay", PAIRS)
def test_the_api_server_takes_every_object_without_a_warning(prepared: Cluster, overlay: str) -> None:
    for item in in_its_namespace(prepared, kustomized(OVERLAYS / overlay)):
        verdict = dry_run(prepared, item)
        assert (verdict.message, verdict.warnings) == ("", ()), item["kind"]


ALLOWED = [
    # (verb, group, resource, namespace, name)
    ("list", "gateway.networking.k8s.io", "httproutes", "", ""),
    ("watch", "", "secrets", "shop", "certificate"),
    ("patch", "gateway.networking.k8s.io", "gateways/status", "shop", "web"),
    ("get", "apiextensions.k8s.io", "customresourcedefinitions", "", "gatewayclasses.gateway.networking.k8s.io"),
    ("create", "", "events", "shop", ""),
    ("update", "coordination.k8s.io", "leases", NAMESPACE, "penstock-controller"),
    ("create", "", "services", "shop", ""),
    ("patch", "discovery.k8s.io", "endpointslices", "shop", "web"),
]
DENIED = [
    ("patch", "gateway.networking.k8s.io", "gateways", "shop", "web"),
    ("delete", "gateway.networking.k8s.io", "httproutes", "shop", "web"),
    ("update", "", "secrets", "shop", "certificate"),
    ("get", "apiextensions.k8s.io", "customresourcedefinitions", "", "backends.penstock.dev"),
    ("update", "coordination.k8s.io", "leases", "kube-system", "kube-scheduler"),
    ("create", "apps", "deployments", NAMESPACE, ""),
    ("create", "", "serviceaccounts/token", NAMESPACE, "penstock"),
    ("list", "", "pods", "", ""),
]


@pytest.fixture(scope="module")
def with_rights(prepared: Cluster) -> Cluster:
    for item in kustomized(OVERLAYS / "default"):
        if item["kind"] in {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}:
            prepared.client.apply_object(item)
    return prepared


def may(cluster: Cluster, verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
    plain, _, sub = resource.partition("/")
    asked = {"verb": verb, "group": group, "resource": plain, "subresource": sub, "namespace": namespace, "name": name}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": f"system:serviceaccount:{NAMESPACE}:penstock", "resourceAttributes": asked},
    }
    answer = cluster.client.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("asked", ALLOWED, ids=lambda asked: f"{asked[0]} {asked[2]}")
def test_it_may_do_what_it_must(with_rights: Cluster, asked: tuple[str, str, str, str, str]) -> None:
    assert may(with_rights, *asked)


@pytest.mark.parametrize("asked", DENIED, ids=lambda asked: f"{asked[0]} {asked[2]}")
def test_it_may_do_nothing_else(with_rights: Cluster, asked: tuple[str, str, str, str, str]) -> None:
    assert not may(with_rights, *asked)
