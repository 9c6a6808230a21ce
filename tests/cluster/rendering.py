"""What kustomize and helm make of config/kubernetes/, as objects."""

import os
import subprocess
from pathlib import Path

import yaml

from tests.conformance import binaries
from tests.manifests.tree import CHART, Object

NAMESPACE = "penstock-system"
RELEASE = "penstock"

Key = tuple[str, str, str]
"""Kind, namespace, name."""


def kustomized(folder: Path) -> list[Object]:
    """`kustomize build`. Raises CalledProcessError with what it said."""
    return run(str(binaries.path("kustomize")), "build", str(folder))


def templated(*options: str, release: str = RELEASE) -> list[Object]:
    """`helm template`, with options such as `--set mode=dedicated`; CRDs stay out, as Helm has it."""
    return run(str(binaries.path("helm")), "template", release, str(CHART), "--namespace", NAMESPACE, *options)


def run(*argv: str) -> list[Object]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def by_key(items: list[Object]) -> dict[Key, Object]:
    return {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in items}


def relative_to(folder: Path, path: Path) -> str:
    """As a kustomization in `folder` may name it: never absolute."""
    return os.path.relpath(path, folder)
