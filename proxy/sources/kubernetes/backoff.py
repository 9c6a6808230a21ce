"""How long to wait before another attempt."""

import random
from collections.abc import Callable

from msgspec import Struct


class Pace(Struct, frozen=True):
    """Seconds: the first wait at most, and the longest at most."""

    first: float = 0.5
    longest: float = 30.0


class Backoff:
    """Doubles with each failure, with full jitter, so that many clients do not come back together."""

    def __init__(self, pace: Pace, chance: Callable[[], float] = random.random) -> None:
        """`chance` gives numbers from 0 to 1."""
        self._pace = pace
        self._chance = chance
        self.failures = 0
        """Since the last success."""

    def failed(self, at_least: float = 0.0) -> float:
        """Seconds to wait now. `at_least` is what the other side asked for."""
        ceiling = min(self._pace.longest, self._pace.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return max(at_least, ceiling * self._chance())

    def succeeded(self) -> None:
        self.failures = 0
