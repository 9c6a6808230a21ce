"""How long to wait before another attempt: longer each time, never too long, never all at once."""

import random
from collections.abc import Callable

from msgspec import Struct


def delay(failures: int, first: float, longest: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds after so many failures in a row: doubled with each from `first` to `longest`, of which between a half
    and the whole by `chance`, which gives numbers from 0 to 1."""
    full = min(longest, first * 2.0 ** min(max(failures, 1) - 1, 32))
    return full * (0.5 + chance() / 2)


class Pace(Struct, frozen=True):
    """Seconds: the first wait at most, and the longest at most."""

    first: float = 0.5
    longest: float = 30.0


class Backoff:
    """Counts the failures of one thing that is tried."""

    def __init__(self, pace: Pace, chance: Callable[[], float] = random.random) -> None:
        self._pace = pace
        self._chance = chance
        self.failures = 0
        """Since the last success."""

    def failed(self, at_least: float = 0.0) -> float:
        """Seconds to wait now. `at_least` is what the other side asked for."""
        self.failures += 1
        return max(at_least, delay(self.failures, self._pace.first, self._pace.longest, self._chance))

    def succeeded(self) -> None:
        self.failures = 0
