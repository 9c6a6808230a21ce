"""Provisioner: makes what is to be there for Gateways, and deletes what is there no longer for a reason.

Each round lists what was made, compares it with what is wanted, and writes only the difference, by
server-side apply. It knows nothing from the round before, so a new leader, a restart or a hand that
deleted something change nothing about it. It never writes to an object that it has not made.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Literal

from proxy.controller.cluster import ApiError, Client, Object, ObjectRef, Unreachable
from proxy.controller.generated import (
    PLACES,
    SELECTOR,
    applied_form,
    as_stored,
    gateway_of,
    is_as_made,
    is_leaving,
    is_made_for,
    list_path,
    path_of,
    ref_of,
    whole,
)
from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.backoff import delay
from proxy.translate.infrastructure.objects import Generated, Infrastructure

log = logging.getLogger("penstock")

FIELD_MANAGER = "penstock"
APPLY = "application/apply-patch+yaml"
"""JSON is YAML."""
GAP = 1.0
"""Seconds between rounds, at least: a burst of changes is one round."""
AGAIN = 60.0
"""Seconds after which all is compared again though nothing has changed here; varied by up to a fifth."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
TERMINATING = "because it is being terminated"
"""What the API server says of a namespace; it has no reason of its own for it but Forbidden."""
GATEWAYS = "/apis/gateway.networking.k8s.io/v1"

Result = Literal["written", "deleted", "foreign", "conflict", "rejected", "forbidden", "failed"]
RESULTS: dict[int, Result] = {403: "forbidden", 409: "conflict"}
"""Of what the API server refuses."""
Count = Callable[[str, Result], None]
"""Called with the kind and what came of it."""
Tell = Callable[[ObjectKey, str, str], None]
"""Called with a Gateway, a reason in one word, and a message: what could not be made for it."""


class Provisioner:
    """Belongs to one event loop."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        controller_name: str,
        count: Count,
        tell: Tell,
        is_leader: Callable[[], bool],
        *,
        gap: float = GAP,
        again: float = AGAIN,
    ) -> None:
        """`namespace` is that of the data plane's Pods, `controller_name` that of our GatewayClasses."""
        self._client = client
        self._namespace = namespace
        self._controller_name = controller_name
        self._count = count
        self._tell = tell
        self._is_leader = is_leader
        self._gap, self._again = gap, again
        self._wanted: Infrastructure | None = None
        self._changed = asyncio.Event()
        self._stored: dict[ObjectRef, Object] = {}
        """What was applied, as it was answered."""
        self._leaving = False
        """Something of the last round waits for the garbage collector."""
        self._forbidden: set[str] = set()
        """Kinds that a word was said about."""

    def want(self, wanted: Infrastructure) -> None:
        """From now on this. Returns at once."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    def look(self) -> None:
        """Compares everything now: this replica leads, or something of ours was seen to change."""
        self._changed.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self._gap if self._leaving else self._again * random.uniform(0.8, 1.2)):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            failures = 0 if await self._tried() else failures + 1
            if failures:
                self._changed.set()
            await asyncio.sleep(delay(failures, FIRST_PAUSE, LONGEST_PAUSE) if failures else self._gap)

    async def _tried(self) -> bool:
        """Whether the round came to an end."""
        try:
            await self.round()
        except Unreachable as error:
            log.warning("what is made for Gateways could not be looked at: %s", error)
            return False
        except ApiError as error:
            log.warning("the API server has no time for what is made for Gateways: %s", error)
            return False
        except Exception:
            log.exception("a fault of ours; what is made for Gateways is looked at again")
            return False
        return True

    async def round(self) -> None:
        """Compares and writes once. Raises Unreachable, and ApiError for what is nobody's fault: 429 and 5xx."""
        wanted = self._wanted
        if wanted is None or not self._is_leader():
            return
        self._leaving = False
        there: dict[ObjectRef, Object] = {}
        for kind in PLACES:
            there |= await self._listed(kind, needed=any(made.kind == kind for made in wanted.objects))
        asked = {ObjectRef(made.kind, made.key): made for made in wanted.objects}
        for ref, made in asked.items():
            await self._ensure(ref, made, there.get(ref))
        for ref, item in there.items():
            if ref not in asked:
                await self._remove(ref, item, wanted)
        self._stored = {ref: stored for ref, stored in self._stored.items() if ref in asked}

    # --- what is there ---------------------------------------------------------------------------

    async def _listed(self, kind: str, *, needed: bool) -> dict[ObjectRef, Object]:
        try:
            found = await self._client.request(
                "GET", list_path(kind, self._namespace), params={"labelSelector": SELECTOR}
            )
        except ApiError as error:
            if error.status == 403 and not needed:
                return {}  # nothing of it is wanted, and whoever may not list could not delete either
            self._judge(ObjectRef(kind, ObjectKey(self._namespace, "")), error, None)
            return {}
        return {ref_of(kind, item): whole(kind, item) for item in found.get("items") or ()}

    async def _found(self, path: str, params: Mapping[str, str] | None = None) -> Object | None:
        try:
            return await self._client.request("GET", path, params=params)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    # --- writing ---------------------------------------------------------------------------------

    async def _ensure(self, ref: ObjectRef, made: Generated, there: Object | None) -> None:
        if not self._is_leader():
            return
        body = applied_form(made)
        try:
            if there is None:
                there = await self._found(path_of(ref))
            if there is not None and not is_made_for(there, made.gateway):
                self._count(ref.kind, "foreign")
                self._tell(made.gateway, "NameTaken", f"{ref} is not Penstock's, so nothing is made of that name")
            elif there is not None and is_leaving(there, body):
                self._leaving = True
            elif there is None or not is_as_made(there, body, self._stored.get(ref)):
                await self._apply(ref, body, there)
        except ApiError as error:
            self._judge(ref, error, made.gateway)

    async def _apply(self, ref: ObjectRef, body: Object, there: Object | None) -> None:
        """The uid says which object is meant: one that took the name meanwhile is answered with a conflict."""
        if there is not None:
            body = {**body, "metadata": {**body["metadata"], "uid": there["metadata"]["uid"]}}
        params = {"fieldManager": FIELD_MANAGER, "force": "true"}
        stored = await self._client.request("PATCH", path_of(ref), body, content_type=APPLY, params=params)
        self._stored[ref] = as_stored(stored, body)
        self._count(ref.kind, "written")
        log.info("%s %s", "made" if there is None else "changed", ref)

    async def _remove(self, ref: ObjectRef, item: Object, wanted: Infrastructure) -> None:
        gateway = gateway_of(item)
        if gateway is None or not self._is_leader():
            return
        try:
            if gateway in wanted.settled or await self._is_gone(gateway):
                await self._delete(ref, item)
        except ApiError as error:
            self._judge(ref, error, None)

    async def _is_gone(self, gateway: ObjectKey) -> bool:
        """Asked of the API server itself: that a Gateway is not known here may have other reasons.

        What is deleted may cost an address for good. So it must be the Gateway that is gone, not its CRD, which an
        API server that starts does not know yet; and its class another controller's, not one that is being replaced
        or that we may not list.
        """
        found = await self._found(f"{GATEWAYS}/namespaces/{gateway.namespace}/gateways/{gateway.name}")
        if found is None:
            return await self._found(f"{GATEWAYS}/namespaces/{gateway.namespace}/gateways", {"limit": "1"}) is not None
        owner = await self._found(f"{GATEWAYS}/gatewayclasses/{found['spec'].get('gatewayClassName')}")
        return owner is not None and owner["spec"].get("controllerName") != self._controller_name

    async def _delete(self, ref: ObjectRef, item: Object) -> None:
        """This very object, not another that took its name."""
        options = {"preconditions": {"uid": item["metadata"]["uid"]}, "propagationPolicy": "Background"}
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
        try:
            await self._client.request("DELETE", path_of(ref), body)
        except ApiError as error:
            if error.status != 404:
                raise
            return
        self._count(ref.kind, "deleted")
        log.info("deleted %s", ref)

    def _judge(self, ref: ObjectRef, error: ApiError, gateway: ObjectKey | None) -> None:
        """One object's misfortune is not that of others; what all would meet ends the round."""
        if error.status == 429 or error.status >= 500:
            self._count(ref.kind, "failed")
            raise error
        if error.status == 403 and TERMINATING in error.message:
            return  # it goes with its Gateway
        result = RESULTS.get(error.status, "rejected")
        self._count(ref.kind, result)
        if result == "conflict":
            self._changed.set()
            return
        if result == "rejected" or ref.kind not in self._forbidden:
            log.error("%s cannot be made: %s", ref, error.message)
        self._forbidden |= {ref.kind} if result == "forbidden" else set()
        if gateway is not None:
            reason = "ProvisioningForbidden" if result == "forbidden" else "ProvisioningRejected"
            self._tell(gateway, reason, f"{ref} cannot be made: {error.message}")
