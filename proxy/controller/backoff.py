"""How long to wait after so many failures in a row."""

import random
from collections.abc import Callable


def delay(failures: int, first: float, longest: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds: doubled with each failure from `first` to `longest`, between a half and the whole of it by chance."""
    full = min(longest, first * 2.0 ** min(max(failures, 1) - 1, 32))
    return full * (0.5 + chance() / 2)
