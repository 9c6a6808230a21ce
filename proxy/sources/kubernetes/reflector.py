"""Reflector: one scope, listed once and then watched, for as long as we run.

    list (pages) -> watch from its version -> the watch ends -> watch from the last version seen -> ...
    410 Gone, or several refusals in a row -> list again, which is compared, so nothing flaps

Whatever happens, what is held goes on being served.
"""

import asyncio
import logging
import random
from contextlib import aclosing
from typing import Any, Final, Literal, Protocol

from proxy.resources.kinds import plural_of
from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.backoff import Backoff, Pace
from proxy.sources.kubernetes.client import LARGE, ApiError, KubernetesClient, Unreachable, decode_event
from proxy.sources.kubernetes.collection import Change, Collection
from proxy.sources.kubernetes.discovery import Absent, Discovery, Served
from proxy.sources.kubernetes.objects import Reading, read_object
from proxy.sources.kubernetes.scope import Scope

log = logging.getLogger("penstock")

State = Literal["starting", "in step", "absent", "forbidden", "away"]

PAGE: Final = 500
"""Objects of a list that are asked for at once."""
WATCH_SECONDS: Final = (240, 480)
"""How long a watch is asked for; chosen at random, so that not all end together."""
SHORT: Final = 1.0
"""Seconds: a watch that ends sooner was no success."""
REFUSALS: Final = 3
"""In a row, after which the last version is not trusted any more: an API server may have been set back."""
LOOK_AGAIN: Final = 10.0
"""Seconds, at most, between two looks for a kind that is not installed."""
ABSENT_GRACE: Final = 30.0
"""Seconds for which objects are served on whose kind has gone: an API server that starts forgets CRDs."""
FORBIDDEN_GRACE: Final = 15.0
"""Seconds for which it is no news that what was allowed is forbidden: an API server that starts knows no roles yet."""


class Observer(Protocol):
    """Who is told about a scope."""

    def noted(self, scope: Scope, state: State, why: str, verb: str, plural: str) -> None: ...
    def changed(self, scope: Scope, key: ObjectKey, change: Change) -> None: ...
    def event(self, scope: Scope, type_: str) -> None: ...
    def relisted(self, scope: Scope, reason: str) -> None: ...
    def contact(self) -> None: ...
    async def pause(self, seconds: float) -> bool: ...


class Reflector:
    """Fills one collection."""

    def __init__(
        self,
        client: KubernetesClient,
        discovery: Discovery,
        scope: Scope,
        collection: Collection,
        observer: Observer,
        pace: Pace,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._scope = scope
        self._collection = collection
        self._observer = observer
        self._backoff = Backoff(pace)
        self._brief = Backoff(pace)
        """For watches that were opened and have soon ended. What was before they could be opened does not count."""
        self._is_open = False
        self._may_be_starting = False
        """The API server: it was away, or we have followed before what it now forbids."""
        self._forbidden_since: float | None = None
        self._served = Served("", plural_of(scope.kind), "", True)
        self._version = ""
        """The resourceVersion to go on from; "" when a list is due."""
        self._reason = ""
        """Why it is due; "" for the first."""
        self._verb = "list"
        self._refusals = 0
        self._absent_since: float | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            if await self._observer.pause(await self._attempt()):
                self._backoff.succeeded()  # whoever starts refuses some at first, and is soon ready

    async def _attempt(self) -> float:
        """Follows until something ends it; seconds to wait before the next attempt."""
        now = asyncio.get_running_loop().time
        began, self._is_open = now(), False
        try:
            if not self._version:
                await self._list()
            await self._watch()
        except Absent as error:
            return self._absent(str(error), now())
        except ApiError as error:
            return self._refused(error, now())
        except Unreachable as error:
            self._may_be_starting = True
            return self._away(str(error))
        except Exception as error:
            log.exception("%s: what came from the API server could not be taken in", self._scope.kind)
            self._list_again("failed")
            return self._away(f"{type(error).__name__}")
        if now() - began < SHORT:
            return self._failed()
        self._succeeded()
        return 0.0

    # --- what ends an attempt --------------------------------------------------------------------

    def _refused(self, error: ApiError, now: float) -> float:
        wait = error.retry_after or 0.0
        if error.status == 410:
            self._list_again("gone")
            return self._failed(wait)
        if error.status == 403:
            return self._forbidden(error, now)
        self._refusals += 1
        if error.status == 404 and self._version:
            self._list_again("absent")
            return self._failed(wait)  # discovery knows more
        if self._refusals >= REFUSALS:
            self._list_again("refused")
        return self._away(f"{self._client.server}: {error}", wait)

    def _forbidden(self, error: ApiError, now: float) -> float:
        self._forbidden_since = now if self._forbidden_since is None else self._forbidden_since
        if self._may_be_starting and now - self._forbidden_since < FORBIDDEN_GRACE:
            return self._away(f"{self._client.server}: {error}", error.retry_after or 0.0)
        self._note("forbidden", error.message)
        return self._failed(error.retry_after or 0.0)

    def _away(self, why: str, at_least: float = 0.0) -> float:
        self._note("away", why)
        return self._failed(at_least)

    def _absent(self, why: str, now: float) -> float:
        self._list_again("absent")
        self._absent_since = now if self._absent_since is None else self._absent_since
        if now - self._absent_since >= ABSENT_GRACE:
            self._tell(self._collection.replace(()))
        self._note("absent", why)
        return min(LOOK_AGAIN, self._failed())

    def _failed(self, at_least: float = 0.0) -> float:
        """After an outage waits are long. An API server that starts ends watches which it has just opened."""
        if not self._is_open:
            return self._backoff.failed(at_least)
        self._backoff.succeeded()
        return self._brief.failed(at_least)

    def _succeeded(self) -> None:
        self._refusals = 0
        self._backoff.succeeded()
        self._brief.succeeded()

    def _list_again(self, reason: str) -> None:
        if self._version:
            self._version, self._reason = "", reason

    def _note(self, state: State, why: str = "") -> None:
        self._observer.noted(self._scope, state, why, self._verb, self._served.plural)

    # --- list ------------------------------------------------------------------------------------

    async def _list(self) -> None:
        self._verb = "list"
        self._served = await self._discovery.find(self._scope.group, self._scope.kind)
        readings, version = await self._pages()
        if self._reason:
            self._observer.relisted(self._scope, self._reason)
        self._version, self._absent_since = version, None
        self._tell(self._collection.replace(readings))
        self._note("in step")

    async def _pages(self) -> tuple[list[Reading], str]:
        """Every object, and the version of that moment. When a page has expired meanwhile, once more, in one."""
        readings: list[Reading] = []
        params = {**self._selection(), "limit": str(PAGE)}
        while True:
            try:
                page = await self._client.get(self._path, params)
            except ApiError as error:
                if error.status != 410 or "continue" not in params:
                    raise
                readings, params = [], self._selection()
                continue
            meta, items = _list_of(page)
            self._observer.contact()
            readings += await self._read_page(items)
            if not meta.get("continue"):
                return readings, meta["resourceVersion"]
            params["continue"] = str(meta["continue"])

    async def _read_page(self, items: list[Any]) -> list[Reading]:
        """In a thread: hundreds of objects take longer than a loop should stand still."""
        return await asyncio.to_thread(lambda: [self._read(item) for item in items if isinstance(item, dict)])

    def _read(self, raw: dict[str, Any]) -> Reading:
        group, version = self._scope.group, self._served.version
        return read_object(raw, group, self._scope.kind, f"{group}/{version}" if group else version)

    @property
    def _path(self) -> str:
        return self._served.path(self._scope.namespace)

    def _selection(self) -> dict[str, str]:
        """One object is asked for like a list of it, so that a role may name it in resourceNames."""
        return {"fieldSelector": f"metadata.name={self._scope.name}"} if self._scope.name else {}

    # --- watch -----------------------------------------------------------------------------------

    async def _watch(self) -> None:
        self._verb = "watch"
        params = {
            **self._selection(),
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),
        }
        async with aclosing(self._client.lines(self._path, params, self._opened)) as lines:
            async for line in lines:
                await self._take(line)

    def _opened(self) -> None:
        self._is_open = self._may_be_starting = True
        self._forbidden_since = None
        self._observer.contact()
        self._note("in step")

    async def _take(self, line: bytes) -> None:
        event = await decode_event(line)
        self._observer.contact()
        type_, raw = str(event.get("type")), event["object"]
        version = str((raw.get("metadata") or {}).get("resourceVersion") or "")
        self._observer.event(self._scope, type_)
        if type_ in ("ADDED", "MODIFIED", "DELETED"):
            reading = await asyncio.to_thread(self._read, raw) if len(line) > LARGE else self._read(raw)
            gone = type_ == "DELETED"
            change = self._collection.remove(reading.key) if gone else self._collection.put(reading)
            self._tell([(reading.key, change)])
        self._version = version or self._version
        self._succeeded()

    def _tell(self, changes: list[tuple[ObjectKey, Change]]) -> None:
        for key, change in changes:
            if change != "none":
                self._observer.changed(self._scope, key, change)


def _list_of(page: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Metadata and items. What else answers 200 must not pass for a list without objects: they would all be let go."""
    meta, items = page.get("metadata"), page.get("items") or []
    is_list = str(page.get("kind", "")).endswith("List") and isinstance(items, list)
    if not (is_list and isinstance(meta, dict) and isinstance(meta.get("resourceVersion"), str)):
        raise Unreachable("what answers is no API server: it was asked for a list")
    return meta, items
