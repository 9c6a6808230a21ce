"""A small API server: lists in pages, watches with history and bookmarks, 410, RBAC, tokens, and faults on demand.

It does what the real one does where a client can tell the difference, over a real socket.
"""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from proxy.resources.kinds import KINDS

Raw = dict[str, Any]


def plural(kind: str) -> str:
    """As CRDs and built-in kinds have it."""
    for end, more in (("ss", "sses"), ("cy", "cies"), ("s", "s")):
        if kind.endswith(end):
            return kind.lower().removesuffix(end) + more
    return kind.lower() + "s"


GATEWAY = "gateway.networking.k8s.io"
INSTALLED = {
    (group, known.versions[0], plural(kind)): (kind, known.model.namespaced) for (group, kind), known in KINDS.items()
}
GATEWAY_API = {resource: kind for resource, kind in INSTALLED.items() if resource[0] == GATEWAY}
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io"


class ApiServer:
    """Its state outlives `stop()` and `start()`, as etcd does."""

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str, str], tuple[str, bool]] = dict(INSTALLED)
        self.objects: dict[tuple[str, str], dict[tuple[str, str], Raw]] = {}
        self.crds: dict[str, Raw] = {}
        self.version = 100
        self.history: list[tuple[int, tuple[str, str], Raw]] = []
        self.compacted = 0
        self.expired_pages = 0
        """How many of the next requests for a further page are answered by 410."""
        self.page_size: int | None = None
        self.tokens: set[str] | None = None
        """Those that are taken; None for all."""
        self.forbidden: set[tuple[str, str]] = set()
        """(verb, plural)."""
        self.refuse: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None
        """Asked before anything else; what it returns is the answer."""
        self.requests: list[web.Request] = []
        self.watchers: list[asyncio.Queue[bytes | None]] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    # --- running ---------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, ssl_context: Any = None) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True, ssl_context=ssl_context)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self.end_watches()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def asked(self, text: str) -> list[web.Request]:
        """Requests whose path and query contain the text."""
        return [request for request in self.requests if text in request.path_qs]

    # --- what others do to the cluster -----------------------------------------------------------

    def apply(self, *objects: Raw) -> None:
        for given in objects:
            group = given["apiVersion"].rpartition("/")[0]
            kind = (group, given["kind"])
            meta = given.setdefault("metadata", {})
            key = (meta.get("namespace", ""), meta["name"])
            known = self.objects.setdefault(kind, {})
            self.version += 1
            stored = copy.deepcopy(given)
            stored["metadata"]["uid"] = known[key]["metadata"]["uid"] if key in known else f"uid-{self.version}"
            stored["metadata"]["resourceVersion"] = str(self.version)
            event = "MODIFIED" if key in known else "ADDED"
            known[key] = stored
            self._tell(kind, event, stored)

    def delete(self, group: str, kind: str, name: str, namespace: str = "default") -> None:
        gone = self.objects[group, kind].pop((namespace, name))
        self.version += 1
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._tell((group, kind), "DELETED", gone)

    def _tell(self, kind: tuple[str, str], event: str, stored: Raw) -> None:
        self.history.append((self.version, kind, {"type": event, "object": copy.deepcopy(stored)}))
        for queue in self.watchers:
            queue.put_nowait(b"")

    def compact(self) -> None:
        """Nobody may go on from before now."""
        self.version += 1
        self.compacted = self.version

    def send(self, data: bytes) -> None:
        """Raw octets to every watcher."""
        for queue in self.watchers:
            queue.put_nowait(data)

    def bookmark(self) -> None:
        self.version += 1
        mark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(self.version)}}}
        self.send(json.dumps(mark).encode() + b"\n")

    def end_watches(self) -> None:
        for queue in self.watchers:
            queue.put_nowait(None)

    # --- answering -------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.refuse is not None and (answer := await self.refuse(request)) is not None:
            return answer
        if self.tokens is not None and request.headers.get("Authorization", "")[7:] not in self.tokens:
            return status(401, "Unauthorized", "Unauthorized")
        if request.path in self.crds:
            if ("get", "customresourcedefinitions") in self.forbidden:
                return status(403, "Forbidden", "customresourcedefinitions is forbidden")
            return web.json_response(self.crds[request.path])
        parts = request.path.strip("/").split("/")
        if parts[0] == "api":
            return await self._in_group(request, "", parts[1], parts[2:])
        if parts == ["apis"]:
            groups = sorted({group for group, _, _ in self.resources if group})
            return web.json_response({"kind": "APIGroupList", "groups": [{"name": group} for group in groups]})
        if parts[0] == "apis" and len(parts) == 2:
            return self._group(parts[1])
        if parts[0] == "apis" and len(parts) > 2:
            return await self._in_group(request, parts[1], parts[2], parts[3:])
        return status(404, "NotFound", "the server could not find the requested resource")

    def _group(self, group: str) -> web.Response:
        versions = sorted({version for g, version, _ in self.resources if g == group})
        if not versions:
            return status(404, "NotFound", "no such group")
        named = [{"groupVersion": f"{group}/{v}", "version": v} for v in versions]
        return web.json_response({"kind": "APIGroup", "name": group, "versions": named})

    async def _in_group(self, request: web.Request, group: str, version: str, rest: list[str]) -> web.StreamResponse:
        if not rest:
            return self._discovery(group, version)
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        found = self.resources.get((group, version, rest[0]))
        if found is None:
            return status(404, "NotFound", "the server could not find the requested resource")
        verb = "watch" if request.query.get("watch") else "list"
        if (verb, rest[0]) in self.forbidden:
            return status(403, "Forbidden", f'{rest[0]} is forbidden: User "x" cannot {verb} resource "{rest[0]}"')
        if verb == "watch":
            return await self._watch(request, (group, found[0]), namespace)
        return self._list(request, (group, found[0]), namespace)

    def _discovery(self, group: str, version: str) -> web.Response:
        found = [
            {"name": plural, "kind": kind, "namespaced": namespaced}
            for (g, v, plural), (kind, namespaced) in self.resources.items()
            if (g, v) == (group, version)
        ]
        if not found:
            return status(404, "NotFound", "no such version")
        found.append({"name": f"{found[0]['name']}/status", "kind": found[0]["kind"], "namespaced": True})
        return web.json_response({"kind": "APIResourceList", "resources": found})

    def _list(self, request: web.Request, kind: tuple[str, str], namespace: str) -> web.Response:
        items = [item for item in self.objects.get(kind, {}).values() if selected(request, item, namespace)]
        start = int(request.query.get("continue", "0"))
        if start and self.expired_pages:
            self.expired_pages -= 1
            return status(410, "Expired", "The provided continue parameter is too old")
        limit = int(request.query.get("limit", "0"))
        size = min(limit, self.page_size or limit) or len(items) or 1
        meta = {"resourceVersion": str(self.version)}
        if start + size < len(items):
            meta["continue"] = str(start + size)
        body = {"kind": f"{kind[1]}List", "metadata": meta, "items": items[start : start + size]}
        if not kind[0]:  # kinds of the core are listed without saying what they are
            body["items"] = [
                {k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in body["items"]
            ]
        response = web.json_response(body)
        response.enable_compression()
        return response

    async def _watch(self, request: web.Request, kind: tuple[str, str], namespace: str) -> web.StreamResponse:
        seen = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        if seen < self.compacted:
            gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
            await response.write(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
            return response
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        queue.put_nowait(b"")
        self.watchers.append(queue)
        try:
            while (data := await queue.get()) is not None:
                await response.write(data) if data else None
                for version, its, event in self.history:
                    if version > seen and its == kind and selected(request, event["object"], namespace):
                        await response.write(json.dumps(event).encode() + b"\n")
                seen = max(seen, self.version)
        except ConnectionError:
            pass
        finally:
            self.watchers.remove(queue)
        return response


def selected(request: web.Request, item: Raw, namespace: str) -> bool:
    field, _, name = request.query.get("fieldSelector", "").partition("=")
    assert field in ("", "metadata.name")
    meta = item["metadata"]
    return meta.get("namespace", "") in (namespace or meta.get("namespace", ""),) and name in ("", meta["name"])


def status(code: int, reason: str, message: str, **headers: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    return web.json_response({**body, "code": code, "reason": reason, "message": message}, status=code, headers=headers)


@asynccontextmanager
async def api_server() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
