"""The node: it registers itself, and makes and ends Pods as the API server says."""

import asyncio
import logging

from tests.conformance.node.addresses import Pool, pod_pool
from tests.conformance.node.api import STRATEGIC_PATCH, Api, Change, Object
from tests.conformance.node.container import Container
from tests.conformance.node.pod import Pod
from tests.conformance.node.sandbox import Sandbox
from tests.conformance.node.status import node_object, node_status
from tests.conformance.place import NODE, POD_NET, Place

log = logging.getLogger(__name__)

_PODS = "/api/v1/pods"
_NODES = "/api/v1/nodes"
_OVER = ("Succeeded", "Failed")


class Agent:
    """All Pods of the cluster are its own; `pods` is uid to Pod."""

    def __init__(self, place: Place, api: Api) -> None:
        self._place, self._api = place, api
        self._addresses: Pool = pod_pool(POD_NET)
        self._ending: dict[str, asyncio.Task[None]] = {}
        self.pods: dict[str, Pod] = {}

    async def register(self) -> None:
        await self._api.call("POST", _NODES, node_object())
        await self._api.call("PATCH", f"{_NODES}/{NODE}/status", {"status": node_status()}, STRATEGIC_PATCH)

    async def run(self) -> None:
        """Follow the Pods for ever."""
        async for change in self._api.watch(_PODS):
            self.take(change)

    def take(self, change: Change) -> None:
        if change.kind == "SYNC":
            there = {found["metadata"]["uid"] for found in change.objects}
            for uid in set(self.pods) - there:
                self._end(uid)
        for found in change.objects:
            if change.kind == "DELETED" or found["metadata"].get("deletionTimestamp"):
                self._leave(found)
            else:
                self._begin(found)

    def _begin(self, found: Object) -> None:
        uid = found["metadata"]["uid"]
        if uid in self.pods or found.get("status", {}).get("phase") in _OVER:
            return
        address = self._addresses.take()
        sandbox = Sandbox(f"{self._place.namespace}-p{address.number}", address)
        self.pods[uid] = Pod(self._api, found, sandbox, self._place.pods / uid)

    def _leave(self, found: Object) -> None:
        uid = found["metadata"]["uid"]
        if uid in self.pods:
            self._end(uid)
        elif uid not in self._ending and found["metadata"].get("deletionTimestamp"):
            self._ending[uid] = asyncio.create_task(self._forget_unseen(found))

    async def _forget_unseen(self, found: Object) -> None:
        """A Pod deleted before it ever ran here."""
        metadata = found["metadata"]
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
        await self._api.call("DELETE", f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}", options)
        del self._ending[metadata["uid"]]

    def _end(self, uid: str) -> None:
        if uid not in self._ending:
            self._ending[uid] = asyncio.create_task(self._end_and_forget(self.pods[uid]))

    async def _end_and_forget(self, pod: Pod) -> None:
        try:
            await pod.end()
            await pod.forget()
        except Exception:
            log.exception("ending pod %s", pod.key)
        finally:
            self._addresses.give_back(pod.sandbox.address)
            del self.pods[pod.uid], self._ending[pod.uid]

    async def close(self) -> None:
        """End all processes at once; the objects are the next node's, if there is one."""
        for task in list(self._ending.values()):
            task.cancel()
        await asyncio.gather(*(pod.end(grace=0) for pod in self.pods.values()))

    def container(self, namespace: str, pod: str, name: str) -> Container | None:
        """The container of that name in a Pod that is on this node."""
        for found in self.pods.values():
            if found.key == f"{namespace}/{pod}":
                return next((each for each in found.containers if each.name == name), None)
        return None
