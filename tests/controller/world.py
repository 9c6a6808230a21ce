"""A cluster for one test: API server, client, follower, time; and the objects of a small site."""

import asyncio
from collections.abc import Callable
from typing import Any

from proxy.controller.cluster import ObjectRef, path_of
from proxy.resources.meta import ObjectKey
from tests.controller.apiserver import ApiServer
from tests.controller.client import HttpClient
from tests.controller.follower import Follower
from tests.controller.timing import ManualTiming

US = "penstock.dev/gateway-controller"
WEB = ObjectRef("Gateway", ObjectKey("default", "web"))
LEASE = "/apis/coordination.k8s.io/v1/namespaces/penstock-system/leases/penstock-controller"


class World:
    def __init__(self) -> None:
        self.server = ApiServer()
        self.timing = ManualTiming()
        self.follower = Follower(self.server)
        self.server.on_write = self._tell
        self.hanging = 0
        """Requests that a test leaves without an answer."""

    async def start(self) -> None:
        await self.server.start()
        self.client = HttpClient(self.server.url)

    async def stop(self) -> None:
        await self.client.close()
        await self.server.stop()

    def _tell(self, path: str) -> None:
        """As a watch would: nothing but the status has changed."""
        kinds = {"gateways": "Gateway", "gatewayclasses": "GatewayClass", "httproutes": "HTTPRoute"}
        *_, plural, name = path.split("/")
        if self.follower.on_status and plural in kinds:
            namespace = path.split("/namespaces/")[1].split("/", maxsplit=1)[0] if "/namespaces/" in path else ""
            self.follower.on_status(kinds[plural], ObjectKey(namespace, name))

    def declare(self, target: ObjectRef, generation: int = 1, **status: Any) -> dict[str, Any]:
        meta = {"name": target.key.name, "uid": f"uid-{target.key.name}", "generation": generation}
        meta |= {"namespace": target.key.namespace} if target.key.namespace else {}
        return self.server.put(path_of(target), {"kind": target.kind, "metadata": meta, "status": status})

    def held(self, target: ObjectRef) -> dict[str, Any]:
        status: dict[str, Any] = self.server.objects[path_of(target)].get("status", {})
        return status

    async def settle(self) -> None:
        """Until every request has been answered and what follows from the answers is done."""
        quiet = 0
        while quiet < 30:
            busy = self.client.busy > self.hanging
            await asyncio.sleep(0.001 if busy else 0)
            quiet = 0 if busy else quiet + 1

    async def pass_(self, seconds: float) -> None:
        await self.timing.pass_(seconds, self.settle)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what another party does over a socket has no event
            await asyncio.sleep(0)


def condition(status: str = "True", generation: int = 1, kind: str = "Accepted", message: str = "so") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": kind, "message": message, "observedGeneration": generation}


def meant(status: str = "True", generation: int = 1, message: str = "so") -> dict[str, Any]:
    return {"conditions": [condition(status, generation, message=message)]}
