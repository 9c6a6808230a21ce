"""A small site of a cluster: declared at the API server, translated as a source would have it."""

import json
from typing import Any

from proxy.controller.cluster import ObjectRef, api_version, path_of
from proxy.resources.meta import ObjectKey
from proxy.resources.store import ResourceSet
from proxy.sources.file import load_text
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.controller.world import US, World

CLASS = ObjectRef("GatewayClass", ObjectKey("", "penstock"))
GATEWAY = ObjectRef("Gateway", ObjectKey("default", "web"))
SETTINGS = TranslateSettings(file_mode=False)


def route(name: str) -> ObjectRef:
    return ObjectRef("HTTPRoute", ObjectKey("default", name))


class Site:
    """`specs`: what is declared now. `translate` gives what Penstock makes of it, one after the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.specs: dict[ObjectRef, dict[str, Any]] = {}
        self.beside = ""
        """Documents of kinds that have no status."""
        self.previous: Translation | None = None
        self.unread: frozenset[str] = frozenset()
        """Kinds that may not be listed: of those a source has no object."""
        self.declare(CLASS, {"controllerName": US})
        self.declare(GATEWAY, gateway())

    def declare(self, target: ObjectRef, spec: dict[str, Any]) -> None:
        """A new object, or a new generation of one."""
        self.specs[target] = spec
        path = path_of(target)
        old = self.world.server.objects.get(path)
        generation = old["metadata"]["generation"] + 1 if old else 1
        self.world.declare(target, generation, **(old or {}).get("status", {}))

    def delete(self, target: ObjectRef) -> None:
        del self.specs[target]
        del self.world.server.objects[path_of(target)]

    def translate(self) -> Translation:
        read = {target: spec for target, spec in self.specs.items() if target.kind not in self.unread}
        documents = [json.dumps(self._document(target, spec)) for target, spec in read.items()]
        loaded = load_text("\n---\n".join([*documents, self.beside]))
        assert loaded.problems == ()
        resources = ResourceSet(loaded.resources, unread=self.unread)
        self.previous = translate(resources, SETTINGS, self.previous)
        return self.previous

    def _document(self, target: ObjectRef, spec: dict[str, Any]) -> dict[str, Any]:
        meta = self.world.server.objects[path_of(target)]["metadata"]
        kept = {name: value for name, value in meta.items() if name != "resourceVersion"}
        return {"apiVersion": api_version(target.kind), "kind": target.kind, "metadata": kept, "spec": spec}


def gateway(*ports: int, name: str = "penstock") -> dict[str, Any]:
    listeners = [{"name": f"http-{port}", "port": port, "protocol": "HTTP"} for port in ports or (80,)]
    return {"gatewayClassName": name, "listeners": listeners}


def http_route(*parents: str, section: str | None = None) -> dict[str, Any]:
    more = {"sectionName": section} if section else {}
    return {"parentRefs": [{"name": parent, **more} for parent in parents], "rules": [{}]}
