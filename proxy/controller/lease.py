"""LeaseKeeper: keeps trying to be the one replica that writes (coordination.k8s.io/v1 Lease)."""

import logging
from collections.abc import Callable
from contextlib import suppress

from proxy.controller.cluster import ApiError, Client, Object, Unreachable
from proxy.controller.election import RENEW_DEADLINE, RETRY_PERIOD, Election
from proxy.controller.timing import Timing
from proxy.sources.kubernetes.backoff import delay

log = logging.getLogger("penstock")

TOGETHER = 0.5
"""Seconds over which candidates spread when a lease has run out."""
LEASES = "coordination.k8s.io/v1"


class LeaseKeeper:
    """`is_leader` is true from the moment a record of ours is in the API until RENEW_DEADLINE after it was sent."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        on_change: Callable[[bool], None],
        timing: Timing,
    ) -> None:
        """on_change is told True when we become leader and False when we cease to be it."""
        self.election = Election(identity)
        self._client = client
        self._namespace = namespace
        self._name = name
        self._on_change = on_change
        self._timing = timing
        self._until = 0.0
        self._leading = False
        self._said = ""

    def is_leader(self) -> bool:
        """On our own clock: true only while nobody else can have begun."""
        return self._leading and self._timing.now() < self._until

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.step()
            await self._timing.sleep(self._pause())

    async def step(self) -> None:
        """One attempt to take or to keep the lease."""
        began = self._timing.now()
        if await self._attempt(began):
            self._until = began + RENEW_DEADLINE
            self._set(True)
        elif self._timing.now() >= self._until:
            self._set(False)

    async def release(self) -> None:
        """Gives the lease back, if it is ours: a successor begins at once."""
        if not self.is_leader():
            return
        self._until = 0.0
        try:
            lease = await self._client.request("GET", self._path)
            if (lease.get("spec") or {}).get("holderIdentity") == self.election.identity:
                await self._put(lease, self.election.release(self._timing.wall()))
        except (ApiError, Unreachable) as error:
            log.info("the lease could not be given back, it runs out by itself: %s", error)
        self._set(False)

    async def _attempt(self, began: float) -> bool:
        """True when the API holds a record of ours that we have sent since `began`."""
        limit = max(self._until - began, RETRY_PERIOD) if self._leading else RENEW_DEADLINE
        with suppress(TimeoutError):
            return await self._timing.within(limit, self._claim())
        return False

    async def _claim(self) -> bool:
        try:
            lease = await self._read()
            if lease is None:
                await self._client.request("POST", self._collection, self._new())
                return True
            self.election.observe(lease.get("spec") or {}, self._timing.now())
            if not self.election.may_claim(self._timing.now()):
                self._somebody_else()
                return False
            await self._put(lease, self.election.claim(self._timing.wall()))
        except ApiError as error:
            self._explain(error)
            return False
        except Unreachable as error:
            log.debug("the lease cannot be reached: %s", error)
            return False
        except Exception:  # whatever it holds, and whoever answers: without a lease nothing would be written any more
            log.exception("the lease could not be understood")
            return False
        return True

    async def _read(self) -> Object | None:
        try:
            return await self._client.request("GET", self._path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def _put(self, lease: Object, spec: Object) -> None:
        """Under the resourceVersion that was read: of two who try at the same time one succeeds."""
        answer = await self._client.request("PUT", self._path, {**lease, "spec": spec})
        self.election.observe(answer.get("spec") or {}, self._timing.now())

    def _new(self) -> Object:
        meta = {"name": self._name, "namespace": self._namespace}
        return {
            "apiVersion": LEASES,
            "kind": "Lease",
            "metadata": meta,
            "spec": self.election.claim(self._timing.wall()),
        }

    def _somebody_else(self) -> None:
        """Whoever took the lease from us has waited for it: we are late, and stop now."""
        self._until = 0.0
        if self._said != self.election.holder:
            self._said = self.election.holder
            log.info("statuses are written by %s", self._said)

    def _explain(self, error: ApiError) -> None:
        """A conflict is somebody who was faster. What RBAC forbids is said once."""
        if error.status == 403 and self._said != "forbidden":
            self._said = "forbidden"
            log.error(
                "no statuses are written: %s; allow get, create and update on leases of coordination.k8s.io in %s",
                error.message,
                self._namespace,
            )
        elif error.status != 409:
            log.debug("the lease cannot be taken: %s", error)

    def _set(self, leading: bool) -> None:
        if leading != self._leading:
            self._leading = leading
            self._said = ""
            log.info("statuses are written by this replica%s", "" if leading else " no longer")
            self._on_change(leading)

    def _pause(self) -> float:
        """A leader never sleeps over its deadline, a candidate not over the end of the lease.

        Candidates are spread, so that they do not meet: of those who do only one succeeds.
        """
        now = self._timing.now()
        if self._leading:
            return min(RETRY_PERIOD, max(0.0, self._until - now))
        pause = delay(1, 1.5 * RETRY_PERIOD, 1.5 * RETRY_PERIOD)
        left = self.election.expires_at - now
        return min(pause, left + delay(1, TOGETHER, TOGETHER)) if left > 0 else pause

    @property
    def _collection(self) -> str:
        return f"/apis/{LEASES}/namespaces/{self._namespace}/leases"

    @property
    def _path(self) -> str:
        return f"{self._collection}/{self._name}"
