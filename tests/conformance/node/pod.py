"""The life of one Pod: bound, given a namespace and files, run, reported, ended."""

import asyncio
import logging
import shutil
from pathlib import Path

from tests.conformance.node.api import Api, Object, RefusedError
from tests.conformance.node.command import CommandError
from tests.conformance.node.container import Container
from tests.conformance.node.environment import environment_of
from tests.conformance.node.files import lay_out, start_in
from tests.conformance.node.images import Image, UnknownImageError, argv_of, image_named, install
from tests.conformance.node.probes import until_ready, until_unready
from tests.conformance.node.sandbox import Sandbox
from tests.conformance.node.status import binding, now, pod_status, waiting_status
from tests.conformance.node.volumes import NotThereYetError, mounts_of

log = logging.getLogger(__name__)

_AGAIN = 0.2
"""Seconds between looks for a Secret or ConfigMap that is not there yet."""
_LONGEST_GRACE = 30.0


class Pod:
    """`root` is a directory of its own, `sandbox` the namespace it will make."""

    def __init__(self, api: Api, found: Object, sandbox: Sandbox, root: Path) -> None:
        self.api, self.object, self.sandbox, self.root = api, found, sandbox, root
        metadata = found["metadata"]
        self.key = f"{metadata['namespace']}/{metadata['name']}"
        self.uid: str = metadata["uid"]
        self._path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        self.containers = [Container(spec) for spec in found["spec"]["containers"]]
        self._started = now()
        self._created = asyncio.create_task(self.sandbox.create())
        self._life = asyncio.create_task(self._live())
        self._watchers: set[asyncio.Task[None]] = set()

    async def _live(self) -> None:
        try:
            await self._bind()
            await asyncio.shield(self._created)  # half a namespace could not be removed
            images = [image_named(container.spec["image"]) for container in self.containers]
            roots = [await self._files(*each) for each in zip(self.containers, images, strict=True)]
            await asyncio.gather(*map(self._run, self.containers, images, roots))
        except (UnknownImageError, CommandError, RefusedError) as error:
            await self._say(str(error))
        except Exception:
            log.exception("pod %s", self.key)

    async def _bind(self) -> None:
        if not self.object["spec"].get("nodeName"):
            await self.api.call("POST", f"{self._path}/binding", binding(self.object))

    async def _files(self, container: Container, image: Image) -> Path:
        """Wait for what it mounts, as a kubelet does, and lay out its root."""
        while True:
            try:
                mounts = await mounts_of(self.api, self.object, container.spec, image.has_token)
                break
            except NotThereYetError:
                await asyncio.sleep(_AGAIN)
        root = self.root / container.name
        await asyncio.to_thread(lay_out, root, mounts, on_host=not image.binary)
        install(image, root)
        return root

    async def _run(self, container: Container, image: Image, root: Path) -> None:
        argv = argv_of(image, container.spec.get("command", []), container.spec.get("args", []))
        env = environment_of(self.object, container.spec, self.sandbox.ip, dict(image.env))
        watcher = self._watch(container, image)

        def ended() -> None:
            nonlocal watcher
            watcher.cancel()
            watcher = self._watch(container, image)

        await container.keep([*start_in(root, on_host=not image.binary), *argv], self.sandbox.name, env, ended)

    def _watch(self, container: Container, image: Image) -> asyncio.Task[None]:
        task = asyncio.create_task(self._report_readiness(container, image))
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)
        return task

    async def _report_readiness(self, container: Container, image: Image) -> None:
        try:
            await self._report()
            while True:
                await until_ready(container, image, self.sandbox.ip, self.api.http)
                container.ready = True
                await self._report()
                await until_unready(container, image, self.sandbox.ip, self.api.http)
                container.ready = False
                await self._report()
        except LookupError as error:
            await self._say(str(error))
        except Exception:
            log.exception("readiness of %s in pod %s", container.name, self.key)

    async def _report(self) -> None:
        await self.api.patch_status(self._path, pod_status(self.containers, self.sandbox.ip, self._started))

    async def _say(self, message: str) -> None:
        """Why it does not start, where `kubectl get pod -o yaml` shows it."""
        log.warning("pod %s: %s", self.key, message)
        await self.api.patch_status(self._path, waiting_status(message, self._started))

    async def end(self, grace: float | None = None) -> None:
        """Stop its processes and leave nothing: no namespace, no file, no object."""
        for task in [self._life, *self._watchers]:
            task.cancel()
        if grace is None:
            grace = min(self.object["spec"].get("terminationGracePeriodSeconds", _LONGEST_GRACE), _LONGEST_GRACE)
        await asyncio.gather(*(container.stop(grace) for container in self.containers))
        await asyncio.gather(self._created, return_exceptions=True)
        await self.sandbox.remove()
        await asyncio.to_thread(shutil.rmtree, self.root, ignore_errors=True)

    async def forget(self) -> None:
        """Take the object out of the API server: what a kubelet does last."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
        await self.api.call("DELETE", self._path, {**options, "preconditions": {"uid": self.uid}})
