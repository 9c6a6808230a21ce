"""Answer: what becomes of one request, to be read with `assert` or by methods that say why they fail."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypedDict, Unpack

import msgspec

from proxy.cases.answer import Outcome
from proxy.cases.compare import compare, fate
from proxy.cases.model import Expectations
from proxy.cases.ways import Fields, Way
from proxy.cli.verdicts import why

HeaderExpectations = Mapping[str, str | Sequence[str] | None]
"""Name to its value, its values in order, or None where there must be none."""


class Expected(TypedDict, total=False):
    """What `Answer.expect` takes: the same names as `expect` of a case (docs/testing.md)."""

    no_match: bool
    route: str
    rule: int | str
    match: int
    listener: str
    status: int
    location: str
    backend: str
    backends: Mapping[str, float]
    path: str
    host: str
    headers: HeaderExpectations
    response_headers: HeaderExpectations
    mirrors: Mapping[str, float] | Sequence[str]
    timeouts: Mapping[str, str]
    retry: Mapping[str, Any]


class Answer:
    """What becomes of one request. Backends and routes without a namespace are in `default`."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.has_said_why = False
        """A failure has told it all already."""

    def __repr__(self) -> str:
        asked = self._outcome.told["request"]
        return f"<{asked['method']} {asked['url']}: {fate(self._outcome)}>"

    def __str__(self) -> str:
        """What `penstock explain` prints: which rule takes the request, and why."""
        return why(self._outcome)

    # --- to read ------------------------------------------------------------------------------

    @property
    def told(self) -> dict[str, Any]:
        """What `penstock explain --json` prints."""
        return self._outcome.explained

    @property
    def route(self) -> str | None:
        """NAMESPACE/NAME of the route that takes it; None when none does."""
        return self._of_winner("route")  # type: ignore[no-any-return]  # as explain --json has it

    @property
    def rule(self) -> int | None:
        """Index of the rule that takes it."""
        return self._of_winner("rule")  # type: ignore[no-any-return]  # as explain --json has it

    @property
    def rule_name(self) -> str | None:
        """Name of that rule, if it has one."""
        return self._of_winner("rule_name")  # type: ignore[no-any-return]  # as explain --json has it

    @property
    def match(self) -> int | None:
        """Index of the match of that rule."""
        return self._of_winner("match")  # type: ignore[no-any-return]  # as explain --json has it

    def _of_winner(self, field: str) -> Any:
        winner = self._outcome.winner
        return None if winner is None else winner[field]

    @property
    def listener(self) -> str | None:
        """NAMESPACE/GATEWAY/LISTENER that the host chooses."""
        listener: str | None = self._outcome.told["listener"]
        return listener

    @property
    def status(self) -> int | None:
        """What the gateway answers by itself; None where a backend answers, or may."""
        statuses = self._outcome.statuses
        return statuses[0] if len(statuses) == 1 else None

    @property
    def location(self) -> str | None:
        """Of a redirect."""
        return self._first.location

    @property
    def backends(self) -> dict[str, float]:
        """NAMESPACE/NAME:PORT to percent of such requests."""
        return self._outcome.backends

    @property
    def path(self) -> str:
        """What the first backend is asked for, query included; "" where nothing is forwarded."""
        return self._first.path

    @property
    def host(self) -> str:
        """The Host that the first backend sees."""
        return self._first.host

    @property
    def headers(self) -> Fields:
        """Lower-case name to values: as the first backend sees them, or of the gateway's own answer."""
        return self._first.headers

    @property
    def response_headers(self) -> Fields:
        """Lower-case name to values: what filters put on the first backend's response."""
        return self._first.response_headers

    @property
    def mirrors(self) -> dict[str, float]:
        """Who gets copies, with percent of such requests."""
        return self._first.mirrors

    @property
    def _first(self) -> Way:
        return self._outcome.ways[0]

    # --- to assert ----------------------------------------------------------------------------

    def expect(self, **expected: Unpack[Expected]) -> Self:
        """All of this holds. Raises AssertionError that says what does not, and why; TypeError for what is no
        expectation."""
        __tracebackhide__ = True
        try:
            wanted = msgspec.convert(expected, Expectations)
        except msgspec.ValidationError as error:
            raise TypeError(f"expect(): {error}") from None
        differences = compare(wanted, self._outcome)
        if differences:
            self.has_said_why = True
            raise AssertionError("\n".join([*map(str, differences), "", str(self)]))
        return self

    def goes_to(self, backend: str) -> Self:
        """All such requests go to this backend, NAMESPACE/NAME:PORT, whether it has an endpoint just now or not."""
        __tracebackhide__ = True
        return self.expect(backend=backend)

    def splits(self, backends: Mapping[str, float]) -> Self:
        """Such requests go to these backends, with these odds in percent."""
        __tracebackhide__ = True
        return self.expect(backends=backends)

    def takes(self, route: str, rule: int | str | None = None) -> Self:
        """A rule of this route takes it; `rule` by index or name."""
        __tracebackhide__ = True
        return self.expect(route=route) if rule is None else self.expect(route=route, rule=rule)

    def forwards(
        self, path: str | None = None, *, host: str | None = None, headers: HeaderExpectations | None = None
    ) -> Self:
        """Every backend is asked for this path, query included, with this Host and these headers."""
        __tracebackhide__ = True
        if path is None and host is None and headers is None:
            raise TypeError("forwards() wants a path, a host or headers")
        expected: Expected = {"headers": headers or {}}
        if path is not None:
            expected["path"] = path
        if host is not None:
            expected["host"] = host
        return self.expect(**expected)

    def answers(self, status: int, *, headers: HeaderExpectations | None = None) -> Self:
        """The gateway answers by itself, whatever the odds: 404 where no rule matches, 421, 500, 503, a redirect."""
        __tracebackhide__ = True
        return self.expect(status=status, headers=headers or {})

    def redirects_to(self, location: str, status: int | None = None) -> Self:
        """The gateway answers with this Location."""
        __tracebackhide__ = True
        return self.expect(location=location) if status is None else self.expect(location=location, status=status)

    def mirrors_to(self, *backends: str) -> Self:
        """Each such request is copied to these backends, and to no others."""
        __tracebackhide__ = True
        return self.expect(mirrors=backends)

    def is_taken_by_nobody(self) -> Self:
        """No rule matches: 404."""
        __tracebackhide__ = True
        return self.expect(no_match=True)
