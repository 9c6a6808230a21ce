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
        self._gain()
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def try_take(self) -> bool:
        """Takes one if there is one."""
        self._gain()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _gain(self) -> None:
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
