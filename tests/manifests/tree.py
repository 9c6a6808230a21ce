"""config/kubernetes/ as the tests read it, without kustomize, helm or a cluster."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
KUBERNETES = ROOT / "config" / "kubernetes"
BASE = KUBERNETES / "base"
CHART = KUBERNETES / "chart"
COMPONENTS = KUBERNETES / "components"

Object = dict[str, Any]


def kustomizations() -> list[Path]:
    return sorted(KUBERNETES.rglob("kustomization.yaml"))


def manifests() -> list[Path]:
    """Every file that holds whole objects: not the chart's, not a kustomization, not a patch."""
    others = {path.resolve() for kustomization in kustomizations() for path in patches_of(kustomization)}
    found = [path for path in sorted(KUBERNETES.rglob("*.yaml")) if CHART not in path.parents]
    return [path for path in found if path.name != "kustomization.yaml" and path.resolve() not in others]


def patches_of(kustomization: Path) -> list[Path]:
    patches = yaml.safe_load(kustomization.read_text()).get("patches", [])
    return [kustomization.parent / patch["path"] for patch in patches if "path" in patch]


def objects(path: Path) -> list[Object]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def named(path: Path, kind: str) -> Object:
    """The one object of that kind in the file."""
    [found] = [each for each in objects(path) if each["kind"] == kind]
    return found
