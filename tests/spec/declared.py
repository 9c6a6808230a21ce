"""Declarations as files bring them in, and what is said of them: conditions, counts, problems.

`apiVersion` may be left out. Names are NAMESPACE/NAME, or NAME in the namespace `default`.
"""

import json
from typing import Any

import yaml

from proxy.resources.meta import ObjectKey
from proxy.sources.file import load_text
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate

HOST = "127.0.0.1"
VERSIONS = {
    **dict.fromkeys(("Namespace", "Service", "Secret", "ConfigMap"), "v1"),
    "EndpointSlice": "discovery.k8s.io/v1",
    "ReferenceGrant": "gateway.networking.k8s.io/v1beta1",
    "Backend": "penstock.dev/v1alpha1",
    "GatewayParameters": "penstock.dev/v1alpha1",
}
"""Kind to apiVersion; all others are of Gateway API v1."""


def objects(text: str) -> list[dict[str, Any]]:
    """The documents, with their apiVersion."""
    documents = [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]
    for document in documents:
        document.setdefault("apiVersion", VERSIONS.get(document["kind"], "gateway.networking.k8s.io/v1"))
    return documents


class Declared:
    """One configuration, read as a file and translated; `after` is the one before."""

    def __init__(self, declared: str | list[Any], after: "Declared | None" = None, **settings: Any) -> None:
        """`declared`: as text, or objects as they are, whatever they lack."""
        documents = objects(declared) if isinstance(declared, str) else declared
        self.loaded = load_text("\n---\n".join(map(json.dumps, documents)))
        options = TranslateSettings(**{"address": HOST, **settings})
        self.translation: Translation = translate(self.loaded.resources, options, after.translation if after else None)

    @property
    def problems(self) -> list[str]:
        """Of the source and of the translation, as `penstock check` prints them."""
        return [str(problem) for problem in (*self.loaded.problems, *self.translation.problems)]

    def _found(self, kind: str, name: str) -> dict[str, Any] | None:
        key = ObjectKey(*(name.split("/") if "/" in name else ("" if kind == "GatewayClass" else "default", name)))
        return next((each.status for each in self.translation.statuses if (each.kind, each.key) == (kind, key)), None)

    def has_status(self, kind: str, name: str) -> bool:
        return self._found(kind, name) is not None

    def status(self, kind: str, name: str) -> dict[str, Any]:
        found = self._found(kind, name)
        assert found is not None, self.problems
        return found

    def said(self, kind: str, name: str, listener: str = "", parent: int = 0) -> dict[str, str]:
        """Type to "STATUS REASON": of the object, of one of its listeners, or of one of a route's parents."""
        status = self.status(kind, name)
        for entries in ("parents", "ancestors"):
            if entries in status:
                status = status[entries][parent]
        if listener:
            status = self.listener(kind, name, listener)
        return {each["type"]: f"{each['status']} {each['reason']}" for each in status["conditions"]}

    def listener(self, kind: str, name: str, listener: str) -> dict[str, Any]:
        """The entry of status.listeners."""
        found: dict[str, Any] = next(each for each in self.status(kind, name)["listeners"] if each["name"] == listener)
        return found

    def attached(self, name: str, kind: str = "Gateway") -> dict[str, int]:
        """Listener to number of attached routes."""
        return {each["name"]: each["attachedRoutes"] for each in self.status(kind, name)["listeners"]}

    def message(self, kind: str, name: str, condition: str, listener: str = "") -> str:
        status = self.listener(kind, name, listener) if listener else self.status(kind, name)
        for entries in ("parents", "ancestors"):
            status = status[entries][0] if entries in status else status
        return str(next(each["message"] for each in status["conditions"] if each["type"] == condition))
