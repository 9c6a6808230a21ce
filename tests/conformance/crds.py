"""The Gateway API's own CRDs, of the suite's version, into a cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.client import Client, Object, wait_until

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def install(client: Client, folder: Path) -> int:
    """Apply all objects of a folder of YAML files and wait until their kinds are served; returns how many."""
    found = list(documents(folder))
    for document in found:
        client.apply_object(document)
    wait_until("all CRDs established", lambda: all(map(is_established, _installed(client))), 60)
    return len(found)


def documents(folder: Path) -> Iterator[Object]:
    """The objects of a folder; kustomization files are no objects."""
    for file in sorted(folder.glob("*.yaml")):
        if file.name != "kustomization.yaml":
            yield from filter(None, yaml.safe_load_all(file.read_text()))


def _installed(client: Client) -> list[Object]:
    items: list[Any] = (client.get(_CRDS) or {"items": []})["items"]
    return items


def is_established(crd: Object) -> bool:
    conditions = crd.get("status", {}).get("conditions") or []  # null, for a moment
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)
