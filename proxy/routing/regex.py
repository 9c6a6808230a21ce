"""Regular expressions of matches: RE2, in time linear in the text, whatever a user wrote.

A pattern must match the whole of the value (it is anchored at both ends, as in Envoy and Istio):
`/v[0-9]` matches /v1 and not /v1/x. Text is read as UTF-8; what is not UTF-8 matches no `.`.
"""

from collections.abc import Callable

import re2

FullMatch = Callable[[bytes], object]
"""Answers something true when the whole text matches, else None."""

_METACHARACTERS = frozenset(b"\\.+*?()[]{}^$|")
_OPTIONAL_NEXT = frozenset(b"*?{")


class BadPattern(ValueError):
    """A pattern that RE2 does not take; the text is RE2's own."""


def compile_pattern(pattern: bytes | str) -> FullMatch:
    """The compiled pattern as a function of the text. Raises BadPattern."""
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern.encode() if isinstance(pattern, str) else pattern, options)
    except re2.error as error:
        raise BadPattern(_error_text(error)) from None
    fullmatch: FullMatch = compiled.fullmatch
    return fullmatch


def pattern_error(pattern: bytes | str) -> str:
    """Why RE2 does not take this pattern, "" when it does: for validation."""
    try:
        compile_pattern(pattern)
    except BadPattern as error:
        return str(error)
    return ""


def literal_prefix(pattern: bytes) -> bytes:
    """Characters with which every match begins, as far as they are plain to see; b"" when in doubt.

    With them thousands of patterns are told apart by hashing before any is run.
    """
    pattern = pattern.removeprefix(b"^")
    if b"|" in pattern:
        return b""
    for index, char in enumerate(pattern):
        if char in _METACHARACTERS or char >= 0x80:
            return pattern[: index - 1] if char in _OPTIONAL_NEXT and index else pattern[:index]
    return pattern


def _error_text(error: Exception) -> str:
    text = error.args[0]
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
