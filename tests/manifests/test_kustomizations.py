"""The kustomizations: they parse, name what exists, and leave no file out."""

from pathlib import Path

import pytest
import yaml

from tests.manifests.tree import CHART, KUBERNETES, kustomizations, manifests, objects, patches_of

TUTORIAL = KUBERNETES / "tutorial"


def named_by(kustomization: Path) -> list[Path]:
    """All files and folders that it refers to."""
    content = yaml.safe_load(kustomization.read_text())
    inner = [kustomization.parent / name for name in (*content.get("resources", ()), *content.get("components", ()))]
    return [*inner, *patches_of(kustomization)]


@pytest.mark.parametrize("kustomization", kustomizations(), ids=lambda path: str(path.parent.relative_to(KUBERNETES)))
def test_it_says_what_it_is_for_and_names_what_exists(kustomization: Path) -> None:
    content = yaml.safe_load(kustomization.read_text())
    assert kustomization.read_text().startswith("# ")
    is_component = kustomization.parent.parent.name == "components"
    assert content["kind"] == ("Component" if is_component else "Kustomization")
    assert content["apiVersion"] == f"kustomize.config.k8s.io/{'v1alpha1' if is_component else 'v1beta1'}"
    for path in named_by(kustomization):
        assert (path / "kustomization.yaml").is_file() if path.suffix != ".yaml" else path.is_file(), path


def test_every_file_is_used() -> None:
    used = {path.resolve() for kustomization in kustomizations() for path in named_by(kustomization)}
    files = [path for path in KUBERNETES.rglob("*.yaml") if CHART not in path.parents]
    left = [path for path in files if path.resolve() not in used and path.name != "kustomization.yaml"]
    assert [path for path in left if path.parent != TUTORIAL] == []  # its steps are applied by name


def test_every_object_says_what_and_whose_it_is() -> None:
    for path in manifests():
        for item in objects(path):
            assert {"apiVersion", "kind", "metadata"} <= set(item), path
            assert item["metadata"]["name"], path
            if TUTORIAL not in path.parents:
                assert item["metadata"]["labels"]["app.kubernetes.io/name"] == "penstock", path
    assert len(manifests()) > 15


def test_no_object_is_declared_twice_in_what_is_installed_together() -> None:
    for folder in ("base", "components", "overlays"):
        found = [
            (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"], path.parent)
            for path in manifests()
            if KUBERNETES / folder in path.parents
            for item in objects(path)
        ]
        assert len(found) == len(set(found)), folder
