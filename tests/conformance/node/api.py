"""Just enough of an asynchronous Kubernetes client: calls, and a list that stays up to date."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import aiohttp

Object = dict[str, Any]
"""An object as JSON has it."""

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_AGAIN = 0.5
"""Seconds before a watch that broke is begun again, or a server that was away is asked again."""

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """The API server said no."""


class _NotWellError(Exception):
    """The API server answered that it cannot answer now."""


class Change(NamedTuple):
    """SYNC comes first, and again after a lost watch: `objects` are all there are. Then ADDED, MODIFIED, DELETED."""

    kind: str
    objects: list[Object]


class Api:
    """Calls with the administrator's token."""

    def __init__(self, server: str, token: str, authority: Path) -> None:
        self._server = server
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tls = ssl.create_default_context(cafile=str(authority))

    async def __aenter__(self) -> "Api":
        self.http = aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    async def call(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json"
    ) -> Object | None:
        """None for 404 and 409: it is gone, or somebody else was first. Raises RefusedError for other refusals.

        A server that is away, or not well, is asked again until it answers: a node outlives an outage.
        """
        while True:
            try:
                return await self._once(method, path, body, kind)
            except (aiohttp.ClientConnectionError, _NotWellError, TimeoutError) as error:
                log.info("%s %s: %s; asking again", method, path, error)
                await asyncio.sleep(_AGAIN)

    async def _once(self, method: str, path: str, body: Object | None, kind: str) -> Object | None:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": kind}
        async with self.http.request(method, self._server + path, data=data, headers=headers) as response:
            if response.status in {404, 409}:
                return None
            if response.status >= 500 or response.status == 429:
                raise _NotWellError(str(response.status))
            answer: Object = await response.json(content_type=None)
            if response.status >= 400:
                raise RefusedError(f"{method} {path}: {response.status} {answer.get('message')}")
            return answer

    async def get(self, path: str) -> Object | None:
        return await self.call("GET", path)

    async def patch_status(self, path: str, status: Object) -> Object | None:
        return await self.call("PATCH", f"{path}/status", {"status": status}, MERGE_PATCH)

    async def watch(self, path: str) -> AsyncIterator[Change]:
        """All changes of a collection, for ever; a lost connection or an expired version begins again with SYNC."""
        while True:
            try:
                async for change in self._list_and_watch(path):
                    yield change
            except (aiohttp.ClientError, TimeoutError, RefusedError, OSError) as error:
                log.warning("watch %s: %s; listing again", path, error)
                await asyncio.sleep(_AGAIN)

    async def _list_and_watch(self, path: str) -> AsyncIterator[Change]:
        listed = await self.get(path)
        if listed is None:
            raise RefusedError(f"no such collection: {path}")
        yield Change("SYNC", listed["items"])
        version = listed["metadata"]["resourceVersion"]
        while True:
            query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion={version}"
            async with self.http.get(f"{self._server}{path}?{query}") as response:
                response.raise_for_status()
                async for event in _events(response):
                    if event["type"] == "ERROR":
                        raise RefusedError(str(event["object"].get("message")))
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield Change(event["type"], [event["object"]])


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[Object]:
    """One JSON document to a line, of any length."""
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)
