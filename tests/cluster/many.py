"""Many objects at once: sent as fast as an API server takes them, watched, and asked for through a Gateway."""

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from tests.cluster.load import connector
from tests.conformance import pki
from tests.conformance.client import Object
from tests.conformance.place import API, Place

SENDERS = 8
ASKERS = 4
PATIENCE = 120.0
_ROUTES = "/apis/gateway.networking.k8s.io/v1"


@dataclass
class Times:
    """In seconds of the event loop, by the name of the object."""

    created: dict[str, float] = field(default_factory=dict)
    """When the API server's answer to the create was there."""
    settled: dict[str, float] = field(default_factory=dict)
    """When a watch told of the status that was waited for."""
    served: dict[str, float] = field(default_factory=dict)
    """When the first request was answered by it."""
    writes: dict[str, int] = field(default_factory=dict)
    """How often a watch told of another status."""

    @property
    def last_settled_after_first(self) -> float:
        return max(self.settled.values()) - min(self.created.values())

    @property
    def last_settled_after_last(self) -> float:
        return max(0.0, max(self.settled.values()) - max(self.created.values()))

    @property
    def longest_until_served(self) -> float:
        return max(self.served[name] - at for name, at in self.created.items())


class Api:
    """The cluster's API server, from inside, as its administrator."""

    def __init__(self, place: Place) -> None:
        trust = ssl.create_default_context(cafile=str(place.pki / "ca.crt"))
        headers = {"Authorization": f"Bearer {pki.admin_token(place)}"}
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust), headers=headers, timeout=aiohttp.ClientTimeout(total=None)
        )

    async def call(self, method: str, path: str, body: Object | None = None) -> Object:
        async with self.session.request(method, API + path, json=body) as answer:
            found: Object = await answer.json()
            assert answer.status < 300, found
            return found


async def create_all(place: Place, routes: Sequence[Object], settled: Callable[[Object], bool], gateway: str) -> Times:
    """HTTPRoutes of one namespace; until each is `settled` and has answered through the Gateway at that address."""
    api, times = Api(place), Times()
    namespace = routes[0]["metadata"]["namespace"]
    path = f"{_ROUTES}/namespaces/{namespace}/httproutes"
    begin = (await api.call("GET", path))["metadata"]["resourceVersion"]
    watching = asyncio.create_task(_watch(api, f"{path}?watch=1&resourceVersion={begin}", settled, len(routes), times))
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(_send(api, path, routes, times), _ask_all(gateway, routes, times), watching)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await api.session.close()
    return times


async def _send(api: Api, path: str, routes: Sequence[Object], times: Times) -> None:
    left = list(reversed(routes))

    async def send() -> None:
        while left:
            route = left.pop()
            await api.call("POST", path, route)
            times.created[route["metadata"]["name"]] = asyncio.get_running_loop().time()

    await asyncio.gather(*(send() for _ in range(SENDERS)))


async def _watch(api: Api, path: str, settled: Callable[[Object], bool], number: int, times: Times) -> None:
    seen: dict[str, object] = {}
    async with api.session.get(API + path, read_bufsize=1 << 20) as answer:
        async for line in answer.content:
            found = json.loads(line)["object"]
            name, status = found["metadata"]["name"], found.get("status")
            if status and status != seen.get(name):
                times.writes[name] = times.writes.get(name, 0) + (name in seen or bool(status.get("parents")))
            seen[name] = status
            if name not in times.settled and settled(found):
                times.settled[name] = asyncio.get_running_loop().time()
            if len(times.settled) == number:
                return


async def _ask_all(address: str, routes: Sequence[Object], times: Times) -> None:
    """Each over and over, in turn, until it has answered."""
    left = {route["metadata"]["name"]: route for route in routes}
    async with aiohttp.ClientSession(connector=connector(address)) as session:

        async def ask(name: str) -> None:
            spec = left[name]["spec"]
            url = f"http://{spec['hostnames'][0]}{spec['rules'][0]['matches'][0]['path']['value']}"
            async with session.get(url) as answer:
                await answer.read()
                if answer.status == 200:
                    times.served[name] = asyncio.get_running_loop().time()
                    del left[name]

        while left:
            due = [name for name in left if name in times.created]
            for start in range(0, len(due), ASKERS):
                await asyncio.gather(*map(ask, due[start : start + ASKERS]))
            await asyncio.sleep(0.05)


async def delete_all(place: Place, namespace: str) -> None:
    api = Api(place)
    try:
        await api.call("DELETE", f"{_ROUTES}/namespaces/{namespace}/httproutes")
    finally:
        await api.session.close()
