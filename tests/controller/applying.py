"""An API server as far as a provisioner meets it, over real HTTP: lists by label, server-side apply, deletes.

Apply here replaces what the manager applied before and merges it into what others wrote, as the real one does.
"""

import copy
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from proxy.sources.kubernetes.errors import ApiError, Unreachable

Object = dict[str, Any]
Refuse = Callable[[str, str], tuple[int, str] | None]


class ApplyingServer:
    """`objects`: path to object. `log`: writes, as "METHOD path"."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.applied: dict[str, Object] = {}
        self.log: list[str] = []
        self.refuse: Refuse = lambda method, path: None
        self.spelled: Callable[[Object], Object] = lambda item: item
        """How an object is stored that is written otherwise, such as a quantity."""
        self.url = ""
        self._uids = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def put(self, path: str, item: Object) -> Object:
        """As somebody else would."""
        self._uids += 1
        item = copy.deepcopy(item)
        item["metadata"].setdefault("uid", f"uid-{self._uids}")
        self.objects[path] = item
        return item

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path
        if refused := self.refuse(request.method, path):
            return _error(*refused)
        if request.method == "GET":
            return self._get(path, request.query.get("labelSelector"))
        self.log.append(f"{request.method} {path}")
        body = await request.json()
        return self._apply(path, body, request) if request.method == "PATCH" else self._delete(path, body)

    def _get(self, path: str, selector: str | None) -> web.Response:
        if path.endswith("/gateways"):
            return web.json_response({"items": []})
        if selector is None:
            return web.json_response(self.objects[path]) if path in self.objects else _error(404, "NotFound")
        prefix, _, plural = path.rpartition("/")
        under = (each for at, each in self.objects.items() if f"/{plural}/" in at and at.startswith(prefix))
        found = [each for each in under if _selected(each, selector)]
        items = [{name: each[name] for name in each if name not in ("apiVersion", "kind")} for each in found]
        return web.json_response({"items": items})

    def _apply(self, path: str, body: Object, request: web.Request) -> web.Response:
        if request.content_type != "application/apply-patch+yaml" or request.query.get("fieldManager") != "penstock":
            return _error(415, "UnsupportedMediaType")
        there = self.objects.get(path)
        uid = body["metadata"].pop("uid", None)
        if uid is not None and (there is None or there["metadata"]["uid"] != uid):
            return _error(409, "Conflict")
        left = _without(there or {}, self.applied.get(path, {}))
        self.applied[path] = copy.deepcopy(body)
        stored = self.put(path, self.spelled(_merged(left, body)))
        if there is not None:
            stored["metadata"]["uid"] = there["metadata"]["uid"]
        return web.json_response(stored)

    def _delete(self, path: str, body: Object) -> web.Response:
        there = self.objects.get(path)
        if there is None:
            return _error(404, "NotFound")
        if body["preconditions"]["uid"] != there["metadata"]["uid"]:
            return _error(409, "Conflict")
        del self.objects[path]
        self.applied.pop(path, None)
        return web.json_response({"kind": "Status"})


def _error(status: int, reason: str) -> web.Response:
    return web.json_response({"kind": "Status", "reason": reason, "message": f"{reason}, says the test"}, status=status)


def _selected(item: Object, selector: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    wanted = (part.partition("=") for part in selector.split(","))
    return all(name in labels and (not equals or labels[name] == value) for name, equals, value in wanted)


def _merged(there: Any, given: Any) -> Any:
    if isinstance(there, dict) and isinstance(given, dict):
        return {**there, **{name: _merged(there.get(name), value) for name, value in given.items()}}
    return copy.deepcopy(given)


def _without(there: Object, applied: Object) -> Object:
    """What is left when all that was applied is taken out."""
    left = {}
    for name, value in there.items():
        if name not in applied:
            left[name] = value
        elif isinstance(value, dict) and isinstance(applied[name], dict):
            left[name] = _without(value, applied[name])
    return left


class HttpClient:
    """A client of it, with the errors of the real one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = aiohttp.ClientSession()

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        params: Any = None,
    ) -> Object:
        headers = {"Content-Type": content_type} if body is not None else None
        try:
            async with self._session.request(
                method, self.url + path, json=body, headers=headers, params=params
            ) as response:
                answer = await response.json()
                if response.status >= 400:
                    raise ApiError(response.status, answer["reason"], answer["message"])
                return dict(answer)
        except aiohttp.ClientError as error:
            raise Unreachable(str(error)) from None

    async def close(self) -> None:
        await self._session.close()
