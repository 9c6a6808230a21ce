"""Time that passes only when a test says so, and the wheel that runs on it."""

from proxy.wheel import Wheel

LATE = 0.0005
"""A loop wakes a little after it was asked to."""


class ManualTime:
    """A clock that stands still, and the wheel's wish to be woken."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._wake_at: float | None = None
        self.wheel = Wheel(self.clock, self._wake)

    def clock(self) -> float:
        return self.now

    def _wake(self, at: float) -> None:
        if self._wake_at is None or at < self._wake_at:
            self._wake_at = at

    def run(self, until: float) -> None:
        """Let time pass as an event loop would: from one wished wake-up to the next."""
        while self._wake_at is not None and self._wake_at <= until:
            self.now, self._wake_at = max(self.now, self._wake_at) + LATE, None
            self.wheel.advance()
        self.now = max(self.now, until)

    def pass_(self, seconds: float) -> None:
        self.run(self.now + seconds)
