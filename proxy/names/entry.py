"""One name: what it leads to, how that changes with each answer, and when to ask again. Knows no DNS and no clock.

    answer        its addresses, until its TTL ends; those that are forbidden are left out
    nothing       DNS says that there is no such name or address: what was known serves HOLD seconds longer
    no answer     what was known serves on, however long it takes

A name that is known is asked for again while its addresses serve: no request waits for that.
"""

from ipaddress import ip_address

from msgspec import Struct

from proxy.names.answer import Answer, LookupFailed, NotFound
from proxy.snapshot.guard import Guard
from proxy.snapshot.names import NameKey, Resolved

SHORTEST, LONGEST = 5.0, 600.0
"""Seconds within which the TTL of an answer counts."""
HOLD = 30.0
"""Seconds that addresses serve after DNS has said for the first time that there are none."""
NEGATIVE = 5.0, 30.0
"""Seconds, at least and at most, for which there is nothing."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a question without an answer is asked again, doubled each time."""
MOST_ADDRESSES = 64


class Outcome(Struct, frozen=True):
    """What became of one lookup."""

    result: str
    """ok, forbidden_address, or the reason of LookupFailed: the label of the metric."""
    again_in: float
    """Seconds."""
    refused: int = 0
    """Addresses of the answer that are forbidden."""


class Entry:
    """What is known of one name."""

    def __init__(self, key: NameKey, guard: Guard) -> None:
        self.key = key
        self._guard = guard
        self.addresses: tuple[str, ...] = ()
        self.answered = False
        """There was an outcome, good or bad."""
        self.trouble = ""
        """What was wrong with the last lookup: a reason; "" when nothing was."""
        self.detail = ""
        """The same in words."""
        self.refused: tuple[tuple[str, str], ...] = ()
        """Addresses of the last answer that are forbidden, each with why."""
        self.fresh_until = 0.0
        """To when the addresses are good by their TTL, by the clock of whoever asks."""
        self.resolved_at = 0.0
        self._failures = 0
        self._nothing_since: float | None = None

    @property
    def state(self) -> str:
        """pending, fresh, stale (its addresses are older than their TTL) or failed (it has none)."""
        if not self.answered:
            return "pending"
        if not self.addresses:
            return "failed"
        return "stale" if self.trouble else "fresh"

    @property
    def resolved(self) -> Resolved:
        return Resolved(self.key, self.addresses, "" if self.addresses else self.trouble)

    def take(self, answer: Answer, now: float) -> Outcome:
        """An answer, at `now`."""
        checked = [(address, self._refusal(address)) for address in dict.fromkeys(answer.addresses)]
        refused = tuple((address, why) for address, why in checked if why)
        good = [address for address, why in checked if not why]
        kept = [address for address in self.addresses if ip_address(address).version in answer.missing]
        self.addresses = tuple(sorted({*good, *kept})[:MOST_ADDRESSES])
        ttl = min(max(answer.ttl, SHORTEST), LONGEST)
        self.answered, self.resolved_at, self.fresh_until = True, now, now + ttl
        self._failures, self._nothing_since = 0, None
        self.trouble = "" if self.addresses else "forbidden_address"
        self.detail = "" if self.addresses else ", ".join(f"{address} is {why}" for address, why in refused)
        self.refused = refused
        return Outcome(self.trouble or "ok", ttl, len(refused))

    def fail(self, error: LookupFailed, now: float) -> Outcome:
        """No answer, or the answer that there is nothing, at `now`."""
        self.answered, self.trouble, self.detail = True, error.reason, error.detail
        if isinstance(error, NotFound):
            again_in = self._nothing(error.ttl, now)
        else:
            again_in = min(FIRST_PAUSE * 2.0 ** min(self._failures, 16), LONGEST_PAUSE)
            self._failures += 1
        return Outcome(error.reason, again_in)

    def _nothing(self, ttl: float, now: float) -> float:
        self._failures = 0
        self._nothing_since = now if self._nothing_since is None else self._nothing_since
        least, most = NEGATIVE
        left = self._nothing_since + HOLD - now
        if self.addresses and left > 0:
            return min(least, left)
        self.addresses = ()
        return min(max(ttl, least), most)

    def _refusal(self, address: str) -> str:
        return self._guard.refusal(address) if self.key.external else ""
