"""Election: who may write, as client-go's leaderelection decides it, without input, output or clock.

A lease is taken from another only when its record has not *changed* for its whole duration on our own clock:
what times others write into it is for people, so clocks that differ do no harm.
"""

from typing import Any

from proxy.controller.timing import micro_time

LEASE_DURATION = 15.0
"""Seconds that a record must stand still before somebody else may take the lease."""
RENEW_DEADLINE = 10.0
"""Seconds after which a leader that could not renew stops by itself: before anyone else may begin."""
RETRY_PERIOD = 2.0

Spec = dict[str, Any]
"""LeaseSpec, as the API has it."""


class Election:
    """What one candidate has seen."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self._seen: Spec | None = None
        self._seen_at = 0.0

    def observe(self, spec: Spec, now: float) -> None:
        """Read from the API at `now`, in seconds that never go back."""
        if spec != self._seen:
            self._seen, self._seen_at = spec, now

    def may_claim(self, now: float) -> bool:
        """Nobody has it, or we have, or who has it shows no more sign of life."""
        if self._seen is None or self.holder in {"", self.identity}:
            return True
        return now >= self.expires_at

    @property
    def expires_at(self) -> float:
        """When what was seen has stood still for long enough, unless it changes before."""
        return self._seen_at + float((self._seen or {}).get("leaseDurationSeconds") or LEASE_DURATION)

    @property
    def holder(self) -> str:
        return str((self._seen or {}).get("holderIdentity") or "")

    def claim(self, wall: float) -> Spec:
        """The record that makes us, or keeps us, leader. `wall` in seconds since the epoch."""
        seen = self._seen or {}
        ours = self.holder == self.identity
        transitions = int(seen.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(LEASE_DURATION),
            "acquireTime": seen.get("acquireTime") if ours else micro_time(wall),
            "renewTime": micro_time(wall),
            "leaseTransitions": transitions if ours or self._seen is None else transitions + 1,
        }

    def release(self, wall: float) -> Spec:
        """The record that lets anybody begin at once."""
        return {
            "holderIdentity": "",
            "leaseDurationSeconds": 1,
            "acquireTime": micro_time(wall),
            "renewTime": micro_time(wall),
            "leaseTransitions": int((self._seen or {}).get("leaseTransitions") or 0),
        }
