"""KubernetesSource: the objects of a cluster, as its API server has them now.

Kinds are followed whole, Secrets and ConfigMaps one by one and only when something refers to them.
Serving never waits for the API server: what is held is held until the API server says otherwise.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from proxy.resources.kinds import CORE
from proxy.resources.meta import ObjectKey, Resource, Wanted
from proxy.resources.store import ResourceSet
from proxy.sources.base import Loaded
from proxy.sources.kubernetes.addresses import Addresses, named_by
from proxy.sources.kubernetes.backoff import Pace
from proxy.sources.kubernetes.bundle import Bundle, BundleReader
from proxy.sources.kubernetes.client import KubernetesClient
from proxy.sources.kubernetes.collection import Collection
from proxy.sources.kubernetes.debounce import Debounce
from proxy.sources.kubernetes.following import Follow, Following, Meter
from proxy.sources.kubernetes.objects import Current, read_object
from proxy.sources.kubernetes.scope import Scope, followed
from proxy.sources.kubernetes.state import EVERY, Keeper, Saved, StateFile

log = logging.getLogger("penstock")

PATIENCE_WITH_STATE: Final = 3.0
"""Seconds that a start waits for the API server when there is a saved state to serve instead."""
PATIENCE_BY_NAME: Final = 5.0
"""Seconds that a reload waits for an object that has just been referred to."""


PACE: Final = Pace()


class KubernetesSource:
    """A Source. Everything but `load()` belongs to the event loop it is opened in."""

    def __init__(
        self,
        client: KubernetesClient,
        namespaces: Sequence[str] = (),
        state: StateFile | None = None,
        *,
        pace: Pace = PACE,
        save_every: float = EVERY,
    ) -> None:
        """`namespaces`: only in these are namespaced kinds followed; none of them is everywhere."""
        self.client = client
        self.bundle: Bundle | None = None
        """Version and channel of the installed Gateway API CRDs; None when we may not read them."""
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self._changes = Debounce()
        self._following = Following(client, pace, self._touched)
        self._following.on_status = self._status_changed
        self.on_status: Callable[[str, ObjectKey], None] | None = None
        """Called with kind and key when the status of an object has changed, be it with the object."""
        self._addresses = Addresses()
        self._adopts = True
        self._state = state
        self._save_every = save_every
        self._keeper: Keeper | None = None
        """From when everything that is served is held: half a state must not replace a whole one."""
        self._seeds: list[Saved] = []
        """Of an earlier run: what a scope holds until the API server has answered."""
        self._tasks: list[asyncio.Task[None]] = []

    # --- settings --------------------------------------------------------------------------------

    @property
    def adopts(self) -> bool:
        """The addresses that statuses of Gateways name hold here, too: it is not us who decides."""
        return self._adopts

    @adopts.setter
    def adopts(self, adopts: bool) -> None:
        is_news, self._adopts = adopts and not self._adopts, adopts
        if is_news:
            self._changes.touch()

    def measure(self, meter: Meter) -> None:
        """From now on `meter` counts what happens."""
        self._following.meter = meter

    # --- Source ----------------------------------------------------------------------------------

    async def open(self) -> None:
        """Until every kind has been listed, or is known to be absent or forbidden.

        With a saved state only for a moment: then that is served until the API server is there.
        """
        loop, bundles = asyncio.get_running_loop(), BundleReader(self.client)
        began = loop.time()
        log.info("following cluster %s (%s)", self.client.server, self.client.access.told_by)
        self._tasks.append(asyncio.create_task(self._own_client()))
        saved = await asyncio.to_thread(self._state.read, self.client.server) if self._state else None
        self._seeds = saved or []
        follows = [self._start(scope) for scope in followed(self._namespaces)]
        try:
            async with asyncio.timeout(PATIENCE_WITH_STATE if saved else None):
                await asyncio.gather(*(follow.settled.wait() for follow in follows))
                self.bundle = await bundles.read()
        except TimeoutError:
            log.warning("serving the saved state of %s until its API server answers", self.client.server)
        else:
            number, seconds = sum(len(follow.collection) for follow in follows), loop.time() - began
            log.info("%d object%s of the cluster in %.1f s", number, "" if number == 1 else "s", seconds)
        self._tasks.append(asyncio.create_task(bundles.follow(self._take_bundle)))

    def load(self) -> Loaded:
        """What is held now; nothing is asked for."""
        unread = self._following.unread  # before the objects: what comes meanwhile must not pass for all there is
        follows = list(self._following.follows.values())
        resources: list[Resource] = [item for follow in follows for item in follow.collection.items()]
        problems = sorted(self._following.problems(), key=lambda problem: (problem.sort_key, problem.object))
        held = self._addresses.read(self._gateways(follows))
        told = self._addresses.named if self._adopts else {}
        return Loaded(ResourceSet(resources, unread=unread), tuple(problems), held=held, told=told)

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        """Starts and ends single-object watches. Waits for new ones, though never long."""
        scopes = {Scope(CORE, *one) for one in wanted if not self._namespaces or one.namespace in self._namespaces}
        known = {scope for scope in self._following.follows if scope.name}
        self._following.drop(known - scopes)
        started = [self._start(scope) for scope in sorted(scopes - known)]
        late = [follow for follow in started if self._following.in_step or not len(follow.collection)]
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_BY_NAME):
                await asyncio.gather(*(follow.heard.wait() for follow in late))
        self._keep_state()
        return any(follow.collection.currents() or self._following.is_refused(follow.scope) for follow in started)

    async def changes(self) -> AsyncIterator[None]:
        """Yields after each burst of changes."""
        async for _ in self._changes.bursts():
            yield

    def close(self) -> None:
        """Ends everything, though not at once: `asyncio.run` waits for what is left, and so does `stop`."""
        self._changes.close()
        if self._keeper:
            self._keeper.save_now()
        for task in (*self._tasks, *(follow.task for follow in self._following.follows.values())):
            task.cancel()

    async def stop(self) -> None:
        """Like `close`, and returns when all is over."""
        self.close()
        await asyncio.gather(*self._tasks, self._following.stop(), return_exceptions=True)

    # --- beside the objects ----------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """False until the API server has answered for everything that is wanted: what is held may lack something."""
        return self._following.complete

    def current(self, kind: str, key: ObjectKey) -> Current | None:
        """The newest version and status of an object, which may be newer than the object of `load()`."""
        for follow in self._following.follows.values():
            if follow.scope.kind == kind and (found := follow.collection.current(key)):
                return found
        return None

    def _take_bundle(self, bundle: Bundle) -> None:
        if bundle != self.bundle:
            self.bundle = bundle
            self._changes.touch()  # nothing else is served, but statuses speak of it

    # --- inside ----------------------------------------------------------------------------------

    def _touched(self) -> None:
        self._changes.touch()
        if self._keeper:
            self._keeper.touch()

    def _status_changed(self, kind: str, key: ObjectKey) -> None:
        if self._adopts and kind == "Gateway":
            current = self.current(kind, key)
            if current is not None and named_by(current) != self._addresses.named.get(key, ()):
                self._changes.touch()
        if self.on_status is not None:
            self.on_status(kind, key)

    def _start(self, scope: Scope) -> Follow:
        collection = Collection(scope.kind)
        for saved in self._seeds:
            if (saved.group, saved.kind) == (scope.group, scope.kind):
                reading = read_object(msgspec.json.decode(msgspec.json.encode(saved.object)), *_typed(saved))
                if scope.namespace in ("", reading.key.namespace) and scope.name in ("", reading.key.name):
                    collection.put(reading)
        return self._following.start(scope, collection)

    def _keep_state(self) -> None:
        if self._state is not None and self._keeper is None:
            self._seeds = []
            self._keeper = Keeper(self._state, self.client.server, self._to_save, self._save_every)
            self._keeper.touch()
            self._tasks.append(asyncio.create_task(self._keeper.run()))

    def _gateways(self, follows: Iterable[Follow]) -> Iterator[tuple[ObjectKey, Current]]:
        for follow in follows:
            if follow.scope.kind == "Gateway":
                yield from follow.collection.currents()

    async def _own_client(self) -> None:
        """Closes it when we are told to end."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.client.close()

    def _to_save(self) -> Iterator[Saved]:
        for follow in list(self._following.follows.values()):
            for item in follow.collection.items():
                current = follow.collection.current(item.key)
                if current is not None:
                    yield _saved(follow.scope, item, current)


def _saved(scope: Scope, item: Resource, current: Current) -> Saved:
    raw = msgspec.to_builtins(item)
    raw["metadata"]["resourceVersion"] = current.resource_version
    status = {"status": current.status} if current.status else {}
    return Saved(scope.group, scope.kind, {**raw, **status})


def _typed(saved: Saved) -> tuple[str, str, str]:
    return saved.group, saved.kind, str(saved.object.get("apiVersion"))
