"""Plain scalars as kubectl reads them: `on` is true, `0755` is 493, `12:30:45` and `2001-01-01` stay text.

The rules are those of go-yaml v2, which `sigs.k8s.io/yaml` uses; PyYAML's own differ in all of the
above but the first two. Floats without a fraction become integers, as they do on kubectl's way
through JSON: `8080.0` is a port.
"""

import re
from typing import Final

Scalar = str | int | float | bool | None

WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}

NUMBER_START: Final = frozenset("+-.0123456789")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_OCTAL = re.compile(r"([-+]?)0[oO]?([0-7]+)\Z")
_LARGEST: Final = 2**64 - 1
_SMALLEST: Final = -(2**63)
_EXACT: Final = 1e21
"""Go writes floats below this without an exponent."""


class NotFinite(ValueError):
    """`.inf` or `.nan`: YAML knows them, JSON and so the API does not."""


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises NotFinite."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in NUMBER_START:
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    if _NOT_FINITE.match(text):
        raise NotFinite(text)
    digits = text.replace("_", "") if text[0] != "." or text[1:2] != "_" else text
    if _INTEGER.match(digits):
        whole = _integer(digits)
        if _SMALLEST <= whole <= _LARGEST:
            return whole
        return float(whole)
    if _FLOAT.match(digits):
        return whole_if_exact(float(digits), text)
    return text


def _integer(digits: str) -> int:
    octal = _OCTAL.match(digits)
    return int(octal[1] + octal[2], 8) if octal else int(digits, 0)


def whole_if_exact(value: float, text: str = "") -> Scalar:
    """A float as it comes out of Go's JSON encoder; what is too large for one stays text."""
    if value in (float("inf"), float("-inf")):
        return text
    if value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value
