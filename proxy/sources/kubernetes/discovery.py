"""Which version of a kind an API server has, and under which path."""

import asyncio
from typing import Any, Final, NamedTuple, NoReturn

from proxy.resources.kinds import KINDS, Kind
from proxy.sources.kubernetes.client import ApiError, KubernetesClient, Unreachable

FRESH: Final = 1.0
"""Seconds for which an answer holds: all kinds of a group ask at about the same time."""

Answer = dict[str, Any] | ApiError | Unreachable


class Absent(Exception):
    """The API server has no such kind, or only versions that we do not know. The message says which."""


class Served(NamedTuple):
    """Where a kind is found."""

    base: str
    """/api/v1 or /apis/GROUP/VERSION."""
    plural: str
    version: str
    namespaced: bool

    def path(self, namespace: str = "") -> str:
        """Of the collection, in one namespace or in all."""
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{self.base}{inside}/{self.plural}"


class Discovery:
    """Asks afresh whenever it is asked: CRDs come and go."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._answers: dict[str, tuple[float, Answer]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def find(self, group: str, kind: str) -> Served:
        """The first version of KINDS that is served. Raises Absent, ApiError or Unreachable."""
        known = KINDS[group, kind]
        if not group:
            return await self._in_version("", "v1", kind) or _no_api_server(f"it has no {kind}")
        served = await self._versions(group)
        if not served:
            raise Absent(f"nothing of {group} is installed: the API server has no such group")
        for version in known.versions:
            if version in served and (found := await self._in_version(group, version, kind)):
                return found
        raise Absent(await self._why_not(group, kind, known, served))

    async def _why_not(self, group: str, kind: str, known: Kind, served: list[str]) -> str:
        others = [version for version in served if version not in known.versions]
        found = [version for version in others if await self._in_version(group, version, kind)]
        if not found:
            return f"{kind} is not installed: the API server has group {group}, but no such kind in it"
        return (
            f"{kind} is installed in version {', '.join(found)} of {group} only, "
            f"and this version of Penstock reads {', '.join(known.versions)}"
        )

    async def _versions(self, group: str) -> list[str]:
        answer = await self._ask(f"/apis/{group}", "APIGroup")
        if answer is None:
            await self._confirm_absence(group)
            return []
        versions = answer.get("versions") or ()
        return [item["version"] for item in versions if isinstance(item, dict) and "version" in item]

    async def _confirm_absence(self, group: str) -> None:
        """Anything between us and the API server answers 404 as well, and objects are let go for it."""
        groups = ((await self._ask("/apis", "APIGroupList")) or _no_api_server("it has no /apis")).get("groups")
        if not isinstance(groups, list) or any(isinstance(item, dict) and item.get("name") == group for item in groups):
            _no_api_server(f"it has {group} in its list and nowhere else")

    async def _in_version(self, group: str, version: str, kind: str) -> Served | None:
        base = f"/apis/{group}/{version}" if group else f"/api/{version}"
        answer = await self._ask(base, "APIResourceList")
        for item in (answer or {}).get("resources") or ():
            if item.get("kind") == kind and "/" not in item.get("name", "/"):
                return Served(base, item["name"], version, item.get("namespaced") is True)
        return None

    async def _ask(self, path: str, kind: str) -> dict[str, Any] | None:
        """None for what is not there. Who asks while another does shares the answer, a failure included."""
        now = asyncio.get_running_loop().time
        async with self._asking.setdefault(path, asyncio.Lock()):
            at, answer = self._answers.get(path, (0.0, None))
            if answer is None or now() - at > FRESH:
                answer = await self._answer(path)
                self._answers[path] = (now(), answer)
        if isinstance(answer, ApiError) and answer.status == 404:
            return None
        if isinstance(answer, Exception):
            raise answer
        if answer is not None and answer.get("kind") != kind:
            _no_api_server(f"{path} is no {kind}")
        return answer

    async def _answer(self, path: str) -> Answer:
        try:
            return await self._client.get(path)
        except (ApiError, Unreachable) as error:
            return error


def _no_api_server(why: str) -> NoReturn:
    """Nothing that an API server would say, so nothing may be concluded from it."""
    raise Unreachable(f"what answers is no API server: {why}")
