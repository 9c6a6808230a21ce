"""What a source knows of an API server's objects, at the moment that a test chooses."""

from collections.abc import Callable

from proxy.controller.cluster import Current, ObjectRef, current_of, path_of
from proxy.resources.meta import ObjectKey
from tests.controller.apiserver import ApiServer


class Follower:
    """Implements controller.cluster.Cluster. `lag` holds back what happened since it was set."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._lagging: dict[str, Current] | None = None
        self.on_status: Callable[[str, ObjectKey], None] | None = None
        self.bundle: tuple[str, str] | None = None
        self.complete = True
        self.adopts = True

    def current(self, kind: str, key: ObjectKey) -> Current | None:
        path = path_of(ObjectRef(kind, key))
        if self._lagging is not None:
            return self._lagging.get(path)
        return current_of(self._server.objects[path]) if path in self._server.objects else None

    def lag(self) -> None:
        self._lagging = {path: current_of(item) for path, item in self._server.objects.items()}

    def catch_up(self) -> None:
        self._lagging = None
