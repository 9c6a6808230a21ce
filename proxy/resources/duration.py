"""Durations as GEP-2257 writes them: `500ms`, `10s`, `1h30m`."""

import re
from typing import Final

_PART = re.compile(r"([0-9]+)(ms|h|m|s)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds(text: str) -> float:
    """Of a duration that has the pattern of `fields.Duration`."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
