"""What Penstock may: exactly what its table of kinds reads, the status of what it serves, and no more."""

import re
from pathlib import Path
from typing import Any

import pytest

from proxy.controller.generated import PLACES
from proxy.resources.kinds import KINDS, OWN, plural_of
from proxy.sources.kubernetes.scope import WITH_STATUS
from tests.manifests.tree import BASE, COMPONENTS, KUBERNETES, Object, manifests, named, objects

READ = {"get", "list", "watch"}
MAKE = {"create", "get", "list", "patch", "delete"}
"""What server-side apply and tidying up need; what is made is watched as far as it is read anyway."""
READER = named(BASE / "reader.yaml", "ClusterRole")

Rights = dict[tuple[str, str], set[str]]
"""(group, resource) to verbs."""


def rights(role: dict[str, Any]) -> Rights:
    found: Rights = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                assert (group, resource) not in found, f"{resource} is listed twice"
                found[group, resource] = set(rule["verbs"])
    return found


def installed_kinds() -> set[tuple[str, str]]:
    """Own kinds of which the installation brings objects."""
    items = [item for path in manifests() for item in objects(path)]
    return {(OWN, item["kind"]) for item in items if item["apiVersion"].startswith(f"{OWN}/")}


def test_the_reader_reads_the_kinds_of_the_table_and_no_others() -> None:
    wanted = {(group, plural_of(kind)) for group, kind in {*KINDS, *installed_kinds()}}
    given = {at for at, verbs in rights(READER).items() if verbs == READ}
    assert given == wanted


def test_of_crds_it_reads_the_one_that_names_the_release() -> None:
    [rule] = [rule for rule in READER["rules"] if rule["resources"] == ["customresourcedefinitions"]]
    assert rule["resourceNames"] == ["gatewayclasses.gateway.networking.k8s.io"]
    assert rule["verbs"] == ["get"]


def test_of_what_it_reads_it_writes_the_status_alone_where_there_is_one() -> None:
    wanted = {(group, f"{plural_of(kind)}/status"): {"patch"} for group, kind in WITH_STATUS}
    written = {at: verbs for at, verbs in rights(READER).items() if not verbs <= READ}
    assert written == {**wanted, ("", "events"): {"create", "patch"}}


def test_the_election_is_about_leases_of_its_own_namespace() -> None:
    role = named(BASE / "election.yaml", "Role")
    assert rights(role) == {("coordination.k8s.io", "leases"): {"get", "create", "update"}}


def places(everywhere: bool) -> set[tuple[str, str]]:
    """Group and resource of what the provisioner makes, in all namespaces or in its own."""
    found = [place for place in PLACES.values() if place.everywhere == everywhere]
    return {("" if place.prefix == "/api/v1" else place.prefix.split("/")[2], place.plural) for place in found}


def test_what_gives_gateways_their_address_is_made_wherever_they_are() -> None:
    role = rights(named(COMPONENTS / "services" / "clusterrole.yaml", "ClusterRole"))
    assert role.pop(("gateway.networking.k8s.io", "gateways/finalizers")) == {"update"}
    assert role == dict.fromkeys(places(everywhere=True), MAKE)


def test_whole_data_planes_are_made_in_its_own_namespace_where_the_overlay_says_so() -> None:
    role = rights(named(COMPONENTS / "data-planes" / "role.yaml", "Role"))
    assert role == dict.fromkeys(places(everywhere=False), MAKE)
    users = [path for path in KUBERNETES.rglob("kustomization.yaml") if "components/data-planes" in path.read_text()]
    assert users == [KUBERNETES / "overlays" / "dedicated" / "kustomization.yaml"]


def test_data_planes_may_read_as_their_maker_does() -> None:
    binding = named(COMPONENTS / "data-planes" / "reading.yaml", "ClusterRoleBinding")
    assert binding["roleRef"]["name"] == READER["metadata"]["name"]
    namespace = named(BASE / "namespace.yaml", "Namespace")["metadata"]["name"]
    assert [each["name"] for each in binding["subjects"]] == [f"system:serviceaccounts:{namespace}"]


def test_secrets_can_be_taken_out_of_what_is_read_everywhere() -> None:
    apart = named(COMPONENTS / "secrets-by-namespace" / "clusterrole.yaml", "ClusterRole")
    assert apart["rules"] == [READER["rules"][5]]
    assert rights(apart) == {("", "secrets"): READ, ("", "configmaps"): READ}


def told() -> Rights:
    """What docs/interface.md says, all its rows together."""
    page = (KUBERNETES.parents[1] / "docs" / "interface.md").read_text()
    table = page.partition("### What it may do in a cluster")[2].partition("\n\n| ")[2].partition("\n\n")[0]
    found: Rights = {}
    for row in table.splitlines()[2:]:
        _, group, resources, verbs, _ = (cell.strip() for cell in row.strip("| ").split(" | "))
        for resource in re.findall(r"`([a-z/]+)`", resources):
            at = ("" if group == "core" else group.strip("`"), resource)
            found.setdefault(at, set()).update(verbs.split(", "))
    return found


def test_the_interface_tells_of_all_rights_verb_by_verb() -> None:
    roles = (
        READER,
        named(BASE / "election.yaml", "Role"),
        named(COMPONENTS / "services" / "clusterrole.yaml", "ClusterRole"),
        named(COMPONENTS / "data-planes" / "role.yaml", "Role"),
    )
    given: Rights = {}
    for role in roles:
        for at, verbs in rights(role).items():
            given.setdefault(at, set()).update(verbs)
    assert told() == given


ROLES = [(path, item) for path in manifests() for item in objects(path) if item["kind"] in {"Role", "ClusterRole"}]


@pytest.mark.parametrize(("path", "role"), ROLES, ids=lambda each: each.parent.name if isinstance(each, Path) else "")
def test_no_right_is_a_pattern(path: Path, role: Object) -> None:
    for rule in role["rules"]:
        assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])


def test_every_role_is_bound_to_the_service_account_but_the_one_that_is_bound_by_hand() -> None:
    account = named(BASE / "serviceaccount.yaml", "ServiceAccount")["metadata"]
    subject = {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    bound = set()
    for path in manifests():
        for item in objects(path):
            if item["kind"] in {"RoleBinding", "ClusterRoleBinding"} and path.name != "reading.yaml":
                assert item["subjects"] == [subject]
                bound.add((item["roleRef"]["kind"], item["roleRef"]["name"]))
    assert {(role["kind"], role["metadata"]["name"]) for _, role in ROLES} - bound == {
        ("ClusterRole", "penstock-secrets")
    }
