"""TokenBucket: so many things a second, and a few at once."""

from collections.abc import Callable


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` a second. `now` gives seconds that never go back."""

    def __init__(self, rate: float, burst: int, now: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._tokens = float(burst)
        self._at = now()

    def take(self) -> float:
        """Takes one. Seconds to wait before it may be used: 0 when it was there.

        Each of those who wait has a token of its own, so they are served in the order in which they asked.
        """
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        return max(0.0, -self._tokens / self._rate)
