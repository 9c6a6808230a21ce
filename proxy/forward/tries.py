"""How long a rule waits, how often and where it tries: its policy, and what each of its exchanges holds under it.

A rule that sets nothing has no policy, and its exchanges have no Tries.
"""

from collections.abc import Callable
from math import inf
from random import random

from proxy.forward.plane import Plane
from proxy.protocol.grpc import timeout_of
from proxy.protocol.message import Request
from proxy.snapshot.route import Retry, Rule
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.live import LiveUpstream
from proxy.upstream.session import Place
from proxy.wheel import Deadline, Lender

REPLAY_AT_MOST = 64 * 1024
"""Octets of a request body that are kept, so that it can be sent again; what has a longer one is not retried."""
_LOOK = 1.0
"""Seconds after which the time of a call is looked at again. Clients say how long that is, and a deadline that is filed
for an hour stays in the wheel for an hour, so none is filed for longer than this."""
_DOUBLINGS = 3
"""The pause doubles with each retry, this often."""


class Policy:
    """What a rule says of time, of failures and of sessions (HTTPRouteTimeouts, HTTPRouteRetry, SessionPersistence)."""

    __slots__ = ("attempt", "calls", "codes", "request", "retry", "sets_timeouts")

    def __init__(self, rule: Rule) -> None:
        timeouts = rule.timeouts
        self.sets_timeouts = timeouts is not None
        """Then the gateway's own time for a response head does not hold: "0s" is no limit at all."""
        self.calls = Lender(_LOOK) if rule.kind == "GRPCRoute" else None
        """Of a GRPCRoute: what the client says of time counts, too."""
        self.retry = rule.retry
        self.codes = frozenset(rule.retry.codes if rule.retry else ())
        self.request = Lender(timeouts.request) if timeouts and timeouts.request else None
        self.attempt = Lender(timeouts.backend_request) if timeouts and timeouts.backend_request else None

    @classmethod
    def of(cls, rule: Rule) -> "Policy | None":
        needed = rule.timeouts or rule.retry or rule.session or rule.kind == "GRPCRoute"
        return cls(rule) if needed else None


class Tries:
    """What one exchange holds under its rule's policy: deadlines, retries so far, its body, its place in a session.

    `end` gives all back.
    """

    __slots__ = ("_attempt", "_call", "_late", "_pause", "_policy", "_request", "_room", "_until", "_wheel",
                 "head_time", "kept", "place", "retried")  # fmt: skip

    def __init__(self, policy: Policy, plane: Plane, started: float, on_timeout: Callable[[], object]) -> None:
        """`on_timeout` is called when the whole request has taken too long since `started`."""
        self.retried = 0
        self.kept: list[bytes] | None = [] if policy.retry is not None or policy.calls is not None else None
        """The request body so far; None when it cannot be sent again. Of calls, too: all of them have a body, and a
        server that goes away refuses those that it has not looked at."""
        self.place: Place | None = None
        """None where the rule does not persist sessions."""
        self._room = REPLAY_AT_MOST
        self._pause: Deadline | None = None
        self._policy = policy
        self._wheel = plane.wheel
        self.head_time = inf if policy.sets_timeouts else plane.timeouts.response_head
        """Seconds from the whole request sent to a response head."""
        self._request = policy.request.lend(plane.wheel, started, on_timeout) if policy.request else None
        self._attempt: Deadline | None = None
        self._call: Deadline | None = None
        """When the client's own time is looked at."""
        self._until = inf
        """When it is over; then `_late` is called."""
        self._late: Callable[[], object] | None = None

    def limit(self, request: Request, started: float, on_timeout: Callable[[], object]) -> None:
        """The time that the client of a call gives it (grpc-timeout), beside that of the rule.

        It is then the time for the head of its response, too: that of the gateway does not hold.
        """
        lender = self._policy.calls
        seconds = timeout_of(request.headers)
        if lender is not None and seconds is not None:
            self.head_time = inf
            self._until, self._late = started + seconds, on_timeout
            self._call = lender.lend(self._wheel, started, self._look)
            if seconds < lender.seconds:
                self._call.set(self._until)

    def _look(self) -> None:
        now = self._wheel.clock()
        if self._call is None or self._late is None:
            return
        if now < self._until:
            self._call.set(min(self._until, now + _LOOK))
        else:
            self._late()

    def begin_attempt(self, now: float, on_timeout: Callable[[], object]) -> None:
        """Until `end_attempt` it stays the same attempt, however often its endpoint is replaced."""
        if self._policy.attempt is not None and self._attempt is None:
            self._attempt = self._policy.attempt.lend(self._wheel, now, on_timeout)

    def end_attempt(self) -> None:
        if self._attempt is not None and self._policy.attempt is not None:
            deadline, self._attempt = self._attempt, None
            self._policy.attempt.take_back(deadline)

    def end(self) -> None:
        """Nothing is waited for any more. Also breaks the cycle from the exchange to its deadlines and back."""
        self.end_attempt()
        self.kept = None
        if self._pause is not None:
            self._pause.drop()
        if self._call is not None and self._policy.calls is not None:
            deadline, self._call, self._late = self._call, None, None
            self._policy.calls.take_back(deadline)
        if self._request is not None and self._policy.request is not None:
            deadline, self._request = self._request, None
            self._policy.request.take_back(deadline)

    def pick(self, upstream: LiveUpstream[EndpointPool], tried: tuple[EndpointPool, ...]) -> EndpointPool | None:
        """The endpoint to ask: that of the session, if there is one."""
        return upstream.pick(tried) if self.place is None else self.place.pick(upstream, tried)

    # --- retries -----------------------------------------------------------------------------

    def has_retries(self) -> bool:
        retry = self._policy.retry
        return retry is not None and self.retried < retry.attempts

    def retries_status(self, status: int) -> bool:
        return status in self._policy.codes

    def keep(self, chunk: bytes) -> None:
        """Remember a piece of the body for the next try, as long as all of it is short enough."""
        if self.kept is not None:
            self._room -= len(chunk)
            if self._room < 0:
                self.kept = None
            else:
                self.kept.append(chunk)

    def pause(self, now: float, then: Callable[[], object]) -> None:
        """The attempt is over; call `then` when it is time for the next."""
        self.end_attempt()
        assert self._policy.retry is not None
        wait = pause_before(self._policy.retry, self.retried)
        self.retried += 1
        if self._pause is None:
            self._pause = Deadline(self._wheel, then)
        self._pause.set(now + wait)


def pause_before(retry: Retry, retried: int) -> float:
    """Seconds before the next retry: the backoff or more, never less. Spread, so that clients do not return in step."""
    return retry.backoff * (1 << min(retried, _DOUBLINGS)) * (1 + random() / 2)
