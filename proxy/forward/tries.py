"""How long a rule waits: its policy, shared by its exchanges, and what one exchange holds against it.

A rule that sets nothing has no policy, and its exchanges have no Tries.
"""

from collections.abc import Callable
from math import inf

from proxy.forward.plane import Plane
from proxy.snapshot.route import Rule
from proxy.wheel import Deadline, Wheel


class Lender:
    """Deadlines of one length, lent to one exchange after the other.

    All are moved to later times only, so each has one entry in the wheel however many exchanges use it. A new
    one for each exchange would leave its entry there until the time is over: an hour, maybe, after a millisecond.
    """

    __slots__ = ("_free", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._free: list[Deadline] = []

    def lend(self, wheel: Wheel, begun: float, callback: Callable[[], object]) -> Deadline:
        """Due `seconds` after `begun`, in the wheel's clock."""
        if self._free:
            deadline = self._free.pop()
            deadline.reuse(callback)
        else:
            deadline = Deadline(wheel, callback)
        deadline.set(begun + self.seconds)
        return deadline

    def take_back(self, deadline: Deadline) -> None:
        deadline.drop()
        self._free.append(deadline)


class Policy:
    """What a rule says of time (HTTPRouteTimeouts)."""

    __slots__ = ("attempt", "request", "sets_timeouts")

    def __init__(self, rule: Rule) -> None:
        timeouts = rule.timeouts
        self.sets_timeouts = timeouts is not None
        """Then the gateway's own time for a response head does not hold: "0s" is no limit at all."""
        self.request = Lender(timeouts.request) if timeouts and timeouts.request else None
        self.attempt = Lender(timeouts.backend_request) if timeouts and timeouts.backend_request else None

    @classmethod
    def of(cls, rule: Rule) -> "Policy | None":
        return cls(rule) if rule.timeouts is not None else None


class Tries:
    """The deadlines of one exchange under its rule's policy. `end` gives them back."""

    __slots__ = ("_attempt", "_policy", "_request", "_wheel", "head_time")

    def __init__(self, policy: Policy, plane: Plane, started: float, on_timeout: Callable[[], object]) -> None:
        """`on_timeout` is called when the whole request has taken too long since `started`."""
        self._policy = policy
        self._wheel = plane.wheel
        self.head_time = inf if policy.sets_timeouts else plane.timeouts.response_head
        """Seconds from the whole request sent to a response head."""
        self._request = policy.request.lend(plane.wheel, started, on_timeout) if policy.request else None
        self._attempt: Deadline | None = None

    def begin_attempt(self, now: float, on_timeout: Callable[[], object]) -> None:
        if self._policy.attempt is not None:
            self._attempt = self._policy.attempt.lend(self._wheel, now, on_timeout)

    def end_attempt(self) -> None:
        if self._attempt is not None and self._policy.attempt is not None:
            deadline, self._attempt = self._attempt, None
            self._policy.attempt.take_back(deadline)

    def end(self) -> None:
        """Nothing is waited for any more. Also breaks the cycle from the exchange to its deadlines and back."""
        self.end_attempt()
        if self._request is not None and self._policy.request is not None:
            deadline, self._request = self._request, None
            self._policy.request.take_back(deadline)
