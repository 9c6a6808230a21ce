"""What becomes of one request, to be compared with what was expected."""

from functools import cached_property
from typing import Any

from proxy.cases.ways import Fields, fields_of, ways
from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.protocol.message import Response
from proxy.snapshot.describe import text
from proxy.snapshot.effects import run_filters
from proxy.snapshot.explain import Told, tell
from proxy.snapshot.question import Asked, receive
from proxy.snapshot.route import BackendRef, Rule
from proxy.translate.explain.explain import Explained, explain

Data = dict[str, Any]


class Outcome:
    """What becomes of one request."""

    def __init__(self, source: Explained, asked: Asked) -> None:
        """Asks the tables that serve. Raises BadQuestion."""
        self._source = source
        self._asked = asked
        told = tell(source.translation.snapshot, asked, source.wide.trusted_proxies)
        self.told = told.data
        """The explanation as far as the snapshot goes; `explained` has where everything comes from, too."""
        self.ways = ways(self.told, _responses(told, asked, source.wide.trusted_proxies))
        """All that can become of it, with their odds."""

    @cached_property
    def explained(self) -> Data:
        """What `penstock explain --json` prints."""
        return explain(self._source, self._asked)

    @property
    def winner(self) -> Data | None:
        """The rule that takes it, as in `told`."""
        winner: Data | None = self.told["winner"]
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


# --- responses --------------------------------------------------------------------------------


def _responses(told: Told, asked: Asked, trusted_proxies: tuple[str, ...]) -> list[Fields]:
    """What filters put on a response of each backend: those of the backendRef, then the rule's."""
    if told.winner is None:
        return []
    rule = told.winner.rule
    received = receive(asked, told.data["port"], trusted_proxies)
    context = FilterContext(asked.scheme, told.data["port"], received.client)
    run_filters(rule.filters, received.request, context)
    return [_response(rule, ref, context) for ref in rule.backends]


def _response(rule: Rule, ref: BackendRef, context: FilterContext) -> Fields:
    response = Response()
    for filters in (ref.filters, rule.filters):
        for step in build_chain(filters).on_response:
            step(response, context)
    return fields_of((text(name), text(value)) for name, value in response.headers)
