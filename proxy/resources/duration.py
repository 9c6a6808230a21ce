"""Durations as GEP-2257 writes them: `500ms`, `10s`, `1h30m`."""

import re
from typing import Final

_PART = re.compile(r"([0-9]+)(ms|h|m|s)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MILLISECONDS: Final = (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def seconds(text: str) -> float:
    """Of a duration that has the pattern of `fields.Duration`."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def written(duration: float) -> str:
    """Seconds as the shortest duration, to the millisecond: 90.5 is `1m30s500ms`, 0 is `0s`."""
    left = round(duration * 1000)
    parts = []
    for unit, size in _MILLISECONDS:
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
