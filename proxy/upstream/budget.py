"""Retry budgets: how many of a Service's requests may be retries (XBackendTrafficPolicy, GEP-3388).

Of all requests of the last interval at most so many percent are retries; below a floor they are always allowed, so that
little traffic can be retried, too. Each worker counts what it sends itself: a share of a share is the same share, and
the floor is one for each, as the API has it of clients.
"""

from proxy.snapshot.session import RetryBudget

_SLICES = 10


class Window:
    """How often something happened in the last `seconds`, told in slices so that none is remembered by itself.

    What is counted is between one interval and a tenth more.
    """

    __slots__ = ("_at", "_counts", "_width", "total")

    def __init__(self, seconds: float) -> None:
        self._width = seconds / _SLICES
        self._counts = [0] * (_SLICES + 1)
        self._at = 0
        self.total = 0

    def add(self, now: float) -> None:
        """`now`, in seconds of one clock, never goes back."""
        if int(now / self._width) != self._at:
            self.pass_(now)
        self._counts[self._at % len(self._counts)] += 1
        self.total += 1

    def pass_(self, now: float) -> None:
        """Forget what is too old by now."""
        counts = self._counts
        at = int(now / self._width)
        for old in range(max(self._at, at - len(counts)) + 1, at + 1):
            self.total -= counts[old % len(counts)]
            counts[old % len(counts)] = 0
        self._at = max(self._at, at)


class Budget:
    """What is left of the retries of one Service. All its ports, and all who lead there, share it."""

    __slots__ = ("__weakref__", "_floor", "_requests", "_retries", "_spec")

    def __init__(self, spec: RetryBudget) -> None:
        self._spec = spec
        self._requests = Window(spec.interval)
        """Retries included."""
        self._retries = Window(spec.interval)
        self._floor = Window(spec.floor_interval)

    def request(self, now: float) -> None:
        """A client's request is about to be sent."""
        self._requests.add(now)

    def spend(self, now: float) -> bool:
        """Whether a retry may be made; it is counted then."""
        for window in (self._requests, self._retries, self._floor):
            window.pass_(now)
        within = (self._retries.total + 1) * 100 <= self._spec.percent * (self._requests.total + 1)
        if not within and self._floor.total >= self._spec.floor:
            return False
        for window in (self._requests, self._retries, self._floor):
            window.add(now)
        return True
