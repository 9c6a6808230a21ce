"""What becomes of one request, to be compared with what was expected: the explanation, and the heads on either side."""

import re
from typing import Any

from msgspec.structs import replace

from proxy.cases.effects import Way, ways
from proxy.snapshot.explain import explain_request
from proxy.snapshot.question import Asked
from proxy.snapshot.route import Rule
from proxy.snapshot.snapshot import Snapshot

_REFUSAL = re.compile(r"([45]\d\d)\b")


class Outcome:
    """What becomes of one request."""

    def __init__(self, told: dict[str, Any], ways: list[Way]) -> None:
        self.told = told
        """What `penstock explain --json` prints."""
        self.ways = ways
        """All that can become of it, with their odds; empty when the connection is closed instead."""

    @property
    def winner(self) -> dict[str, Any] | None:
        """The rule that takes it, as in `told`."""
        winner: dict[str, Any] | None = self.told["winner"]
        return winner

    @property
    def refused(self) -> str:
        """Why no rule is even asked; "" where rules are."""
        return str(self.told.get("refused", ""))

    @property
    def statuses(self) -> list[int | None]:
        """What the gateway answers by itself, None where a backend answers; each once, the likeliest first."""
        odds: dict[int | None, float] = {}
        for way in self.ways:
            odds[way.status] = odds.get(way.status, 0) + way.percent
        return sorted(odds, key=lambda status: -odds[status])

    @property
    def backends(self) -> dict[str, float]:
        """Backend to its share in percent, to two digits; empty where the gateway answers before one is chosen."""
        odds: dict[str, float] = {}
        for way in self.ways:
            if way.backend:
                odds[way.backend] = odds.get(way.backend, 0) + way.percent
        return {backend: round(percent, 2) for backend, percent in odds.items()}


def ask(snapshot: Snapshot, asked: Asked, gateway: str = "") -> Outcome:
    """Asks the tables that serve. `gateway`: NAMESPACE/NAME of the only one to ask; "" for all. Raises BadQuestion."""
    seen = _only(snapshot, gateway) if gateway else snapshot
    told = explain_request(seen, asked)
    if told["winner"] is not None:
        return Outcome(told, ways(seen, _rule(seen, told["winner"]), asked, told["port"]))
    refused = _REFUSAL.match(told.get("refused", ""))
    if "refused" in told:
        return Outcome(told, [Way(100.0, status=int(refused[1]), reason=told["refused"])] if refused else [])
    return Outcome(told, [Way(100.0, status=404, reason="no rule answers")])


def _only(snapshot: Snapshot, gateway: str) -> Snapshot:
    """What one Gateway serves."""
    listeners = {key: one for key, one in snapshot.listeners.items() if one.gateway == gateway}
    binds = (replace(bind, listeners=tuple(filter(listeners.get, bind.listeners))) for bind in snapshot.binds)
    return replace(snapshot, listeners=listeners, binds=tuple(bind for bind in binds if bind.listeners))


def _rule(snapshot: Snapshot, winner: dict[str, Any]) -> Rule:
    """The rule that an explanation names."""
    hostname = b"" if winner["hostname"] == "*" else str(winner["hostname"]).encode()
    rules = snapshot.buckets[winner["listener"], hostname].rules
    return next(rule for rule in rules if (rule.route, rule.index) == (winner["route"], winner["rule"]))
