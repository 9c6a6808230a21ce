"""Our CRDs in a real API server: taken without a warning, and they refuse what our decoder refuses."""

import pytest

from tests.cluster.dry_run import dry_run
from tests.conformance.client import wait_until
from tests.conformance.crds import is_established
from tests.conformance.session import Cluster
from tests.manifests.tree import KUBERNETES, Object, objects
from tests.resources.own_objects import REFUSED, SOUND, Spec, object_of

CRDS = [item for path in sorted((KUBERNETES / "crds").glob("*.penstock.dev.yaml")) for item in objects(path)]


@pytest.fixture(scope="module")
def with_crds(shared: Cluster) -> Cluster:
    for crd in CRDS:
        verdict = dry_run(shared, crd)
        assert (verdict.message, verdict.warnings) == ("", ())
        path = shared.client.path_of(shared.client.apply_object(crd))
        shared.client.wait_for(path, is_established)
    wait_until("the group is served", lambda: shared.client.get("/apis/penstock.dev/v1alpha1"), 30)
    return shared


@pytest.mark.parametrize("crd", CRDS, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_the_schema_is_structural_and_its_names_are_free(with_crds: Cluster, crd: Object) -> None:
    found = with_crds.client.get(with_crds.client.path_of(crd))
    assert found is not None
    conditions = {each["type"]: each["status"] for each in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize(("kind", "spec"), SOUND.values(), ids=SOUND)
def test_it_takes_what_our_decoder_takes(with_crds: Cluster, kind: str, spec: Spec) -> None:
    verdict = dry_run(with_crds, object_of(kind, spec))
    assert (verdict.message, verdict.warnings) == ("", ())


@pytest.mark.parametrize(("kind", "spec"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_what_our_decoder_refuses(with_crds: Cluster, kind: str, spec: Spec) -> None:
    verdict = dry_run(with_crds, object_of(kind, spec))
    assert verdict.status in {400, 422, 500}, verdict
    assert verdict.message
