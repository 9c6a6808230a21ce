"""An API server as far as a controller meets it, over real HTTP: objects, their status, Leases, Events.

Writes raise the resourceVersion; a patch or put with an older one is answered 409, as by the real one; a merge
patch of /status changes the status and nothing else.
"""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

from aiohttp import web

Object = dict[str, Any]
Refuse = Callable[[str, str, Object], tuple[int, str, str] | None]
"""(method, path, body) to (status, reason, message), or None for yes."""


class ApiServer:
    """`objects`: path to object. `log`: every request, as (method, path)."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.log: list[tuple[str, str]] = []
        self.refuse: Refuse = lambda method, path, body: None
        self.on_write: Callable[[str], None] = lambda path: None
        self.gate = asyncio.Event()
        """Cleared: every request waits."""
        self.gate.set()
        self.headers: dict[str, str] = {}
        self._version = 100
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self.gate.set()
        assert self._runner is not None
        await self._runner.cleanup()

    # --- for tests -------------------------------------------------------------------------------

    def put(self, path: str, item: Object) -> Object:
        """As somebody else would, beside the API."""
        old = self.objects.get(path)
        item = copy.deepcopy(item)
        item["metadata"]["resourceVersion"] = self._next()
        if old is not None:
            item["metadata"].setdefault("uid", old["metadata"].get("uid"))
        self.objects[path] = item
        return item

    def set_status(self, path: str, status: Object) -> None:
        """As another controller would."""
        self.put(path, {**self.objects[path], "status": status})

    def count(self, method: str, part: str = "") -> int:
        return sum(one == method and part in path for one, path in self.log)

    @property
    def events(self) -> list[Object]:
        return [item for path, item in self.objects.items() if "/events/" in path]

    # --- the API ---------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path
        body = await request.json() if request.can_read_body else {}
        self.log.append((request.method, path))
        await self.gate.wait()
        refused = self.refuse(request.method, path, body)
        if refused is not None:
            return self._error(*refused)
        if request.method == "PATCH" and request.content_type != "application/merge-patch+json":
            return self._error(415, "UnsupportedMediaType", request.content_type)
        return getattr(self, f"_{request.method.lower()}")(path, body)

    def _get(self, path: str, body: Object) -> web.Response:
        if path.rpartition("/")[2] in {"services", "deployments", "endpointslices", "serviceaccounts"}:
            return web.json_response({"items": []})
        return web.json_response(self.objects[path]) if path in self.objects else self._missing(path)

    def _post(self, path: str, body: Object) -> web.Response:
        at = f"{path}/{body['metadata']['name']}"
        if at in self.objects:
            return self._error(409, "AlreadyExists", f"{at} already exists")
        return web.json_response(self._store(at, body), status=201)

    def _put(self, path: str, body: Object) -> web.Response:
        if path not in self.objects:
            return self._missing(path)
        return self._conflict(path, body) or web.json_response(self._store(path, body))

    def _patch(self, path: str, body: Object) -> web.Response:
        at = path.removesuffix("/status")
        if at not in self.objects:
            return self._missing(at)
        item = copy.deepcopy(self.objects[at])
        if path.endswith("/status"):
            item["status"] = merge_patch(item.get("status", {}), body.get("status", {}))
        else:
            item = merge_patch(item, body)
        return self._conflict(at, body) or web.json_response(self._store(at, item))

    def _store(self, path: str, item: Object) -> Object:
        old = self.objects.get(path)
        stored = copy.deepcopy(item)
        stored["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"] if old else ""
        if stored != old:
            stored["metadata"]["resourceVersion"] = self._next()
            self.objects[path] = stored
            self.on_write(path)
        return stored

    def _conflict(self, path: str, body: Object) -> web.Response | None:
        given = body.get("metadata", {}).get("resourceVersion")
        if given in (None, self.objects[path]["metadata"]["resourceVersion"]):
            return None
        return self._error(409, "Conflict", "the object has been modified; please apply your changes to the latest")

    def _missing(self, path: str) -> web.Response:
        return self._error(404, "NotFound", f"{path} not found")

    def _error(self, status: int, reason: str, message: str) -> web.Response:
        body = {"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": message}
        return web.json_response(body, status=status, headers=self.headers)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
